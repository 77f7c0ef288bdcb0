"""What is expected of a window against those before it: warnings, since a change may be the truth."""

from attribution_dagster.checks.expectations import Expectation, between, none_of
from attribution_dagster.datasets.profile import Profile

NOTHING_BEFORE = "no explained window before it"


def drift_suite(profile: Profile, variant: str) -> list[Expectation]:
    """The suite of `attribution_drift`."""
    asset, quality = f"{variant}/attribution_drift", profile.quality
    return [
        Expectation(
            name="effects_steady",
            asset=asset,
            description=(
                f"No event type's mean effect changed by more than {quality.max_effect_change} logits and four standard errors, paired by user, "
                "since the explained windows before. Each window has its own model: the change may be the model's."
            ),
            rules=none_of("n_changed"),
            blocking=False,
            variant=variant,
            parameters={"least_change": quality.max_effect_change},
        ),
        Expectation(
            name="event_mix_steady",
            asset=asset,
            description="The mix of event types is that of the windows before: a population stability index above .2 is a large shift.",
            rules=(
                between("population_stability", None, quality.max_population_stability, may_be_unknown=NOTHING_BEFORE),
            ),
            blocking=False,
            variant=variant,
        ),
        Expectation(
            name="auc_steady",
            asset=asset,
            description="The AUC has not fallen far below its mean over the windows before.",
            rules=(between("auc_change", -quality.max_auc_fall, None, may_be_unknown=NOTHING_BEFORE),),
            blocking=False,
            variant=variant,
            counted_in_sql=False,
            reported={asset: ("auc_change",)},
        ),
    ]
