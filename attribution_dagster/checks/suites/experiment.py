"""What is expected of an experiment's tables: of the assignment, its tests, the learners, the scores and the policy."""

from attribution_dagster.checks.expectations import Expectation, between, none_of
from attribution_dagster.datasets.experiment import ExperimentProfile


def experiment_suite(profile: ExperimentProfile) -> list[Expectation]:
    """The suites of a dataset of `kind: experiment`."""
    spec = profile.experiment
    return [
        Expectation(
            name="assignment_complete",
            asset="treatment_assignment",
            description="Every unit stands once for each outcome, with one arm; both compared arms have units.",
            rules=(
                *none_of("n_repeated", "n_incomplete"),
                between("n_treated", 1, None),
                between("n_control", 1, None),
            ),
            parameters={"n_outcomes": len(spec.outcomes)},
        ),
        Expectation(
            name="experiment_valid",
            asset="experiment_validity",
            description="No test failed without which an experiment says nothing: arms of the planned size, covariates alike before the treatment.",
            rules=(between("n_tests", 3, None), *none_of("n_failed")),
        ),
        Expectation(
            name="experiment_without_warnings",
            asset="experiment_validity",
            description="No other test of the assignment failed either: all covariates together, and A/A splits of the control.",
            rules=none_of("n_warnings"),
            blocking=False,
        ),
        Expectation(
            name="effects_add_up",
            asset="experiment_validity",
            description="Each arm stands once for each outcome; its rates are those counted again from the units, their difference is the effect.",
            rules=(between("n_effects", 1, None), *none_of("n_repeated", "n_different")),
        ),
        Expectation(
            name="uplift_metrics_complete",
            asset="uplift_model",
            description="Every learner and the random score has each metric once, inside its interval where it has one; one learner is used.",
            rules=(between("n_learners", 2, None), *none_of("n_repeated", "n_wrong"), between("n_used", 1, 1)),
        ),
        Expectation(
            name="uplift_beats_random",
            asset="uplift_model",
            description="The learner that scores tells out of sample better than chance whom the treatment moves (Qini).",
            rules=(between("over_random_low", 0, None),),
            blocking=False,
        ),
        Expectation(
            name="uplift_scores_valid",
            asset="uplift_scores",
            description="Each unit of the compared arms has one score, inside its interval, with the quadrant that the interval gives.",
            rules=none_of("n_missing", "n_repeated", "n_wrong"),
        ),
        Expectation(
            name="uplift_truth_valid",
            asset="uplift_scores",
            description="Figures against the truth stand once, are possible, and are of a simulated treatment: of a real one nobody knows the truth.",
            rules=none_of("n_repeated", "n_wrong"),
        ),
        Expectation(
            name="roi_adds_up",
            asset="roi_simulation",
            description="Profit is revenue minus cost, ROI is profit over cost, figures lie inside their intervals; one share at most is recommended.",
            rules=(between("n_shares", 1, None), *none_of("n_wrong"), between("n_recommended", 0, 1)),
        ),
        Expectation(
            name="roi_rates_possible",
            asset="roi_simulation",
            description="The rates behind the curve are rates, and every share of the curve was measured once.",
            rules=(between("n_rates", 1, None), *none_of("n_wrong", "n_not_measured")),
        ),
        Expectation(
            name="confirming_test_valid",
            asset="roi_simulation",
            description="Looks come in order, their bounds fall, and all of alpha is spent at the last.",
            rules=(between("n_looks", 1, None), *none_of("n_wrong"), between("alpha_spent", 0.0499, 0.0501)),
        ),
    ]
