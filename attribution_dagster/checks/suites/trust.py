"""What is expected of a variant's trust report."""

from attribution_dagster.checks.expectations import Expectation, between, none_of
from attribution_dagster.datasets.profile import Profile

TOO_LITTLE = "none failed, but not all could be judged: too few sessions or converted ones"


def trust_suite(profile: Profile, variant: str) -> list[Expectation]:
    """The suite of `attribution_trust`."""
    asset = f"{variant}/attribution_trust"
    return [
        Expectation(
            name="trust_report_complete",
            asset=asset,
            description="Every test stands once for each granularity and method, says what it means, and its verdict is that of its bounds.",
            rules=(between("n_tests", 1, None), *none_of("n_repeated", "n_unexplained", "n_contradicting")),
            variant=variant,
        ),
        Expectation(
            name="trust_tests_passed",
            asset=asset,
            description="No test failed that the attribution must pass to be published: above chance, above noise, faithful, stable (docs/trust.md).",
            rules=(*none_of("n_failed"), between("n_judged", 1, None, may_be_unknown=TOO_LITTLE)),
            variant=variant,
        ),
        Expectation(
            name="trust_without_warnings",
            asset=asset,
            description="No other test of the trust report failed either.",
            rules=none_of("n_warnings"),
            blocking=False,
            variant=variant,
        ),
        Expectation(
            name="spread_complete",
            asset=asset,
            description="Every event type, position and store has one effect, with a retraining error where models were trained on halves.",
            rules=none_of("n_repeated", "n_out_of_range"),
            variant=variant,
        ),
    ]
