"""What each test of the trust report asks, and the bound beyond which the attribution is not published.

Where the bounds come from, with the evidence, is in docs/trust.md.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from attribution_dagster.core.attribution.trust.effects import EVENT_TYPE


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """low, high: the bounds. By its interval: all of it has to lie within; otherwise the value has to.

    clear: what a lower bound's interval must stay below for a failure to be certain. An interval that holds the bound and
    reaches `clear` is of too few sessions to tell. granularities: where it is judged; elsewhere it is only reported.
    """

    meaning: str
    low: float | None = None
    high: float | None = None
    clear: float | None = None
    by_interval: bool = False
    blocking: bool = False
    granularities: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.blocking and self.low is None and self.high is None:
            raise ValueError("a blocking test needs a bound")
        if self.clear is not None and (self.low is None or self.clear <= self.low):
            raise ValueError(f"clear={self.clear} is not above low={self.low}")

    def passes(self, value: float | None, low: float | None, high: float | None) -> bool | None:
        """Return whether a value with its interval passes; None without a bound, a value, or enough sessions to tell."""
        if value is None or (self.low is None and self.high is None):
            return None
        least, most = (low, high) if self.by_interval else (value, value)
        if least is None or most is None:
            return None
        if (self.low is None or least > self.low) and (self.high is None or most < self.high):
            return True
        return None if self.clear is not None and most >= self.clear else False


@dataclass(frozen=True, kw_only=True)
class TrustTest:
    """A row of the report. passed is None where there is no bound, or not enough to judge by."""

    granularity: str
    test: str
    method: str
    value: float | None
    value_low: float | None
    value_high: float | None
    bound_low: float | None
    bound_high: float | None
    passed: bool | None
    blocking: bool
    meaning: str

    def to_json(self) -> dict[str, Any]:
        """Return the row as a mapping of its columns."""
        return asdict(self)


CRITERIA: Mapping[str, Criterion] = {
    "auc": Criterion(
        low=0.5,
        clear=0.6,
        by_interval=True,
        blocking=True,
        meaning="Does the model predict at all? The chance that it ranks a session that converts above one that does not, on sessions it was "
        "not trained on; .5 is guessing. What can't predict can't explain.",
    ),
    "label_faithfulness": Criterion(
        low=0.0,
        clear=0.05,
        by_interval=True,
        meaning="Do the events said to matter matter for what happened? How much more AUC is lost when the half of the events with the largest "
        "effects is deleted than with a random half; a model that learnt noise loses nothing.",
    ),
    "above_noise": Criterion(
        low=2.0,
        blocking=True,
        meaning="Are the effects larger than what the same training finds in labels dealt at random? Their spread, as a multiple of the spread "
        "found there; 1 is noise.",
    ),
    "halves": Criterion(
        low=0.5,
        blocking=True,
        granularities=(EVENT_TYPE,),
        meaning="Would other users give the same ranking? Rank correlation of the effects of two models that were trained on halves of the users "
        "with nobody in common, the mean, lowest and highest over random halves; 0 is noise.",
    ),
    "deletion": Criterion(
        low=0.0,
        by_interval=True,
        blocking=True,
        meaning="Does the prediction fall fastest when the events with the highest attribution are deleted first? Mean distance in logits below "
        "the curve of a random order; 0 is no better than random.",
    ),
    "insertion": Criterion(
        low=0.0,
        by_interval=True,
        blocking=True,
        meaning="Does the prediction rise fastest when the events with the highest attribution are put in first? Mean distance in logits above "
        "the curve of a random order; 0 is no better than random.",
    ),
    "deletion_centred": Criterion(
        meaning="The same as deletion, with events in the order of their effect against an average event, which is what ranks; for comparison.",
    ),
    "insertion_centred": Criterion(
        meaning="The same as insertion, with events in the order of their effect against an average event, which is what ranks; for comparison.",
    ),
    "occlusion_agreement": Criterion(
        low=0.8,
        blocking=True,
        granularities=(EVENT_TYPE,),
        meaning="Does leaving events out one by one, which asks the model itself, rank them alike? Rank correlation; 1 is the same ranking.",
    ),
    "parameter_randomisation": Criterion(
        high=0.8,
        blocking=True,
        granularities=("occurrence", EVENT_TYPE),
        meaning="Do attributions depend on what the model learnt? Size of the rank correlation with those after all weights were shuffled, the mean, "
        "lowest and highest over shuffles; small if they do. A ranking upside down depends on the weights no more than the same one.",
    ),
    "label_randomisation": Criterion(
        high=0.5,
        granularities=("occurrence", EVENT_TYPE),
        meaning="Do attributions depend on the labels? Size of the rank correlation with those of models trained on labels dealt at random, the mean, "
        "lowest and highest over such models; small if they do.",
    ),
    "max_sensitivity": Criterion(
        high=0.5,
        meaning="Do attributions stay when events are moved a little? Largest relative change of a session's attributions when each embedding is "
        "disturbed by a twentieth of its distance from the mean event; 0 is no change.",
    ),
    "completeness": Criterion(
        high=0.5,
        meaning="Do the attributions of a session add up to what its events do together? Distance of their sum from the logit minus that of the "
        "empty session, relative to it (median over sessions); 0 adds up exactly.",
    ),
    "baseline_agreement": Criterion(
        low=0.5,
        meaning="Does logistic regression on counts rank event types alike? Rank correlation of its weights with the effects. If it predicts as well "
        "and contradicts the ranking, the ranking should not be used.",
    ),
    "baseline_auc_gain": Criterion(
        meaning="How much better does the model predict than logistic regression on counts? Difference of the two AUCs, on the same users.",
    ),
    "window_stability": Criterion(
        low=0.5,
        granularities=(EVENT_TYPE,),
        meaning="Does a model rank alike that learnt from one window alone? Rank correlation with the model's effects, mean over the windows "
        "that it learnt from (least and greatest).",
    ),
}
"""Test -> what it asks and its bounds. Blocking ones hold a window's publication back when they fail."""

UNDECIDED = "Not judged here: too few sessions, converted ones or names to tell."


def judged(
    test: str,
    granularity: str,
    value: float | None,
    low: float | None = None,
    high: float | None = None,
    *,
    method: str,
    control: bool = False,
    enough: bool = True,
) -> TrustTest:
    """Return the row of a test.

    control: the row is only there to compare with, and has no bound. enough: whether there is enough data to judge.
    """
    criterion = CRITERIA[test]
    is_judged = not control and (criterion.granularities is None or granularity in criterion.granularities)
    bounds = (criterion.low, criterion.high) if is_judged else (None, None)
    passed = criterion.passes(value, low, high) if is_judged and enough else None
    undecided = is_judged and passed is None and bounds != (None, None)
    return TrustTest(
        granularity=granularity,
        test=test,
        method=method,
        value=value,
        value_low=low,
        value_high=high,
        bound_low=bounds[0],
        bound_high=bounds[1],
        passed=passed,
        blocking=criterion.blocking and is_judged,
        meaning=f"{criterion.meaning} {UNDECIDED}" if undecided else criterion.meaning,
    )
