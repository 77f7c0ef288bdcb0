"""What is expected of features, of the models of conversion and of what they predict, and of the funnel report."""

from attribution_dagster.checks.expectations import Expectation, between, equal, none_of
from attribution_dagster.checks.suites.model import TOO_FEW_CONVERTED
from attribution_dagster.datasets.profile import Profile

COUNTED = tuple(f"{feature_set}_{kind}" for feature_set in ("full", "early") for kind in ("sessions", "converted"))


def conversion_suite(profile: Profile) -> list[Expectation]:
    """The suites of `session_features`, `conversion_model`, `conversion_predictions`, `conversion_comparison` and `funnel_report`."""
    compared = [_COMPARISON_IN_RANGE] if profile.claiming else []
    return [*_FEATURES, *conversion_model_suite(profile), _PREDICTIONS_COMPLETE, *compared, _FUNNEL_REPORT_ADDS_UP]


_FEATURES = (
    Expectation(
        name="features_equal_sql",
        asset="session_features",
        description=(
            "Sessions and conversions of both feature sets, counted in Python from the table as it was read, equal those counted in SQL "
            "from the staged events, exactly; without that no model of conversion is trained."
        ),
        rules=tuple(equal(f"python_{figure}", f"sql_{figure}") for figure in COUNTED),
        reported={"session_features": tuple(f"python_{figure}" for figure in COUNTED)},
    ),
    Expectation(
        name="features_possible",
        asset="session_features",
        description="A session has one row for each feature set; counts, shares and times are possible, and nothing seen is later than the prediction.",
        rules=none_of("n_repeated", "n_impossible"),
    ),
)


def conversion_model_suite(profile: Profile) -> list[Expectation]:
    """The suite of `conversion_model`, whatever its sessions are made of."""
    asset = "conversion_model"
    return [
        Expectation(
            name="conversion_metrics_in_range",
            asset=asset,
            description="Every metric stands once for each feature set, model and segment, is possible, and its interval the right way round.",
            rules=(between("n_rows", 1, None), *none_of("n_repeated", "n_missing", "n_out_of_range")),
        ),
        Expectation(
            name="conversion_deciles_add_up",
            asset=asset,
            description="The deciles of a model hold the sessions and conversions that it was measured on.",
            rules=none_of("n_wrong_models"),
        ),
        Expectation(
            name="shap_summary_complete",
            asset=asset,
            description="Every feature stands once for each feature set, in the order of its mean absolute effect.",
            rules=(between("n_features", 1, None), *none_of("n_repeated", "n_wrong")),
        ),
        Expectation(
            name="conversion_above_chance",
            asset=asset,
            description="The chosen model on all features is not clearly worse than chance: the upper end of its AUC's interval is at least .5.",
            rules=(between("auc_high", 0.5, None, may_be_unknown=TOO_FEW_CONVERTED),),
            blocking=False,
        ),
        Expectation(
            name="conversion_calibrated",
            asset=asset,
            description="Predicted probabilities of the chosen models are near observed rates (quality.max_calibration_error).",
            rules=(between("ece", 0, profile.quality.max_calibration_error, may_be_unknown=TOO_FEW_CONVERTED),),
            blocking=False,
        ),
    ]


_PREDICTIONS_COMPLETE = Expectation(
    name="conversion_predictions_complete",
    asset="conversion_predictions",
    description="Every session with features is predicted once, with its label; probabilities lie between 0 and 1, deciles and segments agree.",
    rules=none_of("n_not_once", "n_impossible"),
)
_COMPARISON_IN_RANGE = Expectation(
    name="conversion_comparison_in_range",
    asset="conversion_comparison",
    description="Every metric stands once for each model and segment, is possible, and its interval the right way round.",
    rules=none_of("n_repeated", "n_missing", "n_out_of_range"),
)
_FUNNEL_REPORT_ADDS_UP = Expectation(
    name="funnel_report_adds_up",
    asset="funnel_report",
    description="The report's sessions are the funnel's, and its amounts those of its counts and assumptions.",
    rules=none_of("n_wrong"),
)
