"""What is expected of a variant's tensors and model."""

from attribution_dagster.checks.expectations import Expectation, between, equal, none_of
from attribution_dagster.datasets.profile import Profile

TOO_FEW_CONVERTED = "too few converted or other sessions for the metric"


def model_suite(profile: Profile, variant: str) -> list[Expectation]:
    """The suite of `sequence_tensors` and `trained_model`, which also writes the tables of metrics and pairs."""
    tensors, model = f"{variant}/sequence_tensors", f"{variant}/trained_model"
    counted = ("python_sessions", "python_converted", "python_case_events")
    suite = [
        Expectation(
            name="tensors_equal_sql",
            asset=tensors,
            description=(
                "Sessions, conversions and events counted in Python from the written tensors equal those counted in SQL "
                "from the staged events, exactly."
            ),
            rules=(
                equal("python_sessions", "sql_sessions"),
                equal("python_converted", "sql_converted"),
                equal("python_case_events", "sql_case_events"),
            ),
            variant=variant,
            reported={tensors: counted},
            parameters={"funnel_rule": profile.variants[variant].funnel},
        ),
        Expectation(
            name="weights_finite",
            asset=model,
            description="All weights of the model are finite numbers, and it was trained for at least one epoch.",
            rules=(*none_of("non_finite_weights"), between("epochs", 1, None)),
            variant=variant,
            counted_in_sql=False,
            reported={model: ("non_finite_weights", "epochs")},
        ),
        Expectation(
            name="metrics_in_range",
            asset=model,
            description="Every predictor has one row for each population; shares, areas and errors lie in [0, 1], intervals are the right way round.",
            rules=(between("n_rows", 1, None), *none_of("n_repeated", "n_missing", "n_out_of_range")),
            variant=variant,
        ),
        Expectation(
            name="metrics_on_risk_set",
            asset=model,
            description="Every predictor is measured on as many sessions as Python counted in the risk set when it wrote the tensors.",
            rules=(equal("fewest_sessions", "in_risk_set"), equal("most_sessions", "in_risk_set")),
            variant=variant,
            reported={tensors: ("in_risk_set",)},
        ),
        Expectation(
            name="auc_above_chance",
            asset=model,
            description="The model is not clearly worse than chance: the upper end of its AUC's interval is at least .5.",
            rules=(between("auc_high", 0.5, None, may_be_unknown=TOO_FEW_CONVERTED),),
            blocking=False,
            variant=variant,
        ),
        Expectation(
            name="calibrated",
            asset=model,
            description="Predicted probabilities are near observed rates: small calibration error on all sessions (quality.max_calibration_error).",
            rules=(between("ece", 0, profile.quality.max_calibration_error, may_be_unknown=TOO_FEW_CONVERTED),),
            blocking=False,
            variant=variant,
        ),
        Expectation(
            name="pairs_valid",
            asset=model,
            description="A pair of neighbours occurs once, and has an effect exactly where it has occurrences.",
            rules=none_of("n_repeated", "n_contradicting"),
            variant=variant,
        ),
    ]
    if profile.variants[variant].leaks:
        return suite
    plausible = Expectation(
        name="auc_plausible",
        asset=model,
        description=(
            "Without funnel events no conversion can be foreseen nearly for sure: an AUC above quality.max_auc is suspected leakage (does an event "
            "of the funnel lack its place in roles.funnel? The check funnel_list_complete names candidates)."
        ),
        rules=(between("auc", None, profile.quality.max_auc, may_be_unknown=TOO_FEW_CONVERTED),),
        variant=variant,
    )
    return [*suite, plausible]
