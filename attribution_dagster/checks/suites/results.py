"""What is expected of the search for leakage, of the comparison of the variants, of the findings, and of publication."""

from attribution_dagster.checks.expectations import Expectation, between, none_of
from attribution_dagster.checks.suites.model import TOO_FEW_CONVERTED
from attribution_dagster.core.signals import SIGNIFICANCE
from attribution_dagster.datasets.profile import Profile

_SLACK = 0.02
"""How much AUC the model that sees more may lose by chance."""


def results_suite(profile: Profile) -> list[Expectation]:
    """The suites of `suspected_leakage` and `published`, and of `leakage_comparison` and `findings` where the dataset has the variants for them."""
    compared = {"no_funnel", "with_funnel"} <= set(profile.variants)
    findings = [_FINDINGS_HOLD] if profile.claiming else []
    suspicion = _SUSPICION if profile.variants else ()
    return [*suspicion, *(_of_leakage() if compared else []), *findings, RETENTION_APPLIED]


_SUSPICION = (
    Expectation(
        name="suspected_leakage_adds_up",
        asset="suspected_leakage",
        description="Each event type has one row, with as many sessions as are counted again from their events; no figure is impossible.",
        rules=none_of("n_not_once", "n_miscounted", "n_impossible"),
    ),
    Expectation(
        name="funnel_list_complete",
        asset="suspected_leakage",
        description="Every event type that announces the conversion is on the dataset's funnel list (roles.funnel).",
        rules=none_of("n_unlisted"),
        blocking=False,
        reported={"suspected_leakage": ("to_add",)},
        advice="to_add",
    ),
)
_FINDINGS_HOLD = Expectation(
    name="findings_hold",
    asset="findings",
    description=(
        "A finding is there once, is significant and not of a funnel event; its numbers agree with each other, and it says what it means and "
        "what it does not."
    ),
    rules=(between("n_rows", 1, None), *none_of("n_repeated", "n_wrong")),
    parameters={"significance": SIGNIFICANCE},
)
RETENTION_APPLIED = Expectation(
    name="retention_applied",
    asset="published",
    description="What is past the profile's retention was deleted after the publication, which stands if it was not.",
    rules=none_of("retention_failures"),
    blocking=False,
    counted_in_sql=False,
    reported={"published": ("retention_failures", "retention_error")},
    advice="retention_error",
)


def _of_leakage() -> list[Expectation]:
    return [
        Expectation(
            name="leakage_adds_up",
            asset="leakage_comparison",
            description="Every event type of either variant has one row, with both lifts as published and their difference.",
            rules=(between("n_event_types", 1, None), *none_of("n_not_once", "n_different")),
        ),
        Expectation(
            name="with_funnel_not_below",
            asset="leakage_comparison",
            description="The model that sees the funnel predicts no worse than the one that does not.",
            rules=(between("auc_gain", -_SLACK, None, may_be_unknown=TOO_FEW_CONVERTED),),
            blocking=False,
        ),
    ]
