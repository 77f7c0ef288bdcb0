"""Whether what a model says may be published, and ranked: a rule on evidence, without a registry or a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from attribution_dagster.core.models.gate import MAX_CALIBRATION_ERROR

LENGTH_SLACK = 0.55
"""AUC that session length alone may have before effects are suspected of carrying it."""


class State(StrEnum):
    """What a model card concludes, best first."""

    PUBLISHABLE = "publishable"
    WARNINGS = "publishable with warnings"
    DO_NOT_PUBLISH = "do not publish"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known of a model on the window that it explains. An AUC that could not be measured is None.

    auc, auc_low: the model's, and the lower end of its interval. gain_low, gain_high: interval of its AUC minus that of
    logistic regression on counts. max_auc: above it a leak is suspected. trust_failed: trust tests that block, trust_doubts
    those that don't; trust_unjudged: tests that would block, and for which there was too little data to tell.
    """

    leaks: bool
    auc: float | None
    auc_low: float | None
    max_auc: float
    gain_low: float | None
    gain_high: float | None
    length_auc_low: float | None
    calibration_error: float | None
    rank_correlation: float | None
    baseline_contradicts: bool
    trust_failed: Sequence[str] = ()
    trust_doubts: Sequence[str] = ()
    trust_unjudged: Sequence[str] = ()
    gate_objections: Sequence[str] = ()

    @property
    def baseline_as_good(self) -> bool:
        """Whether the interval of the gain over the simple baseline does not lie above 0."""
        return self.gain_low is None or self.gain_low <= 0


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The state with its reasons, the gravest first; and whether event types may be ranked by this model."""

    state: State
    reasons: tuple[str, ...]
    ranks: bool


def standing(evidence: Evidence) -> Standing:
    """Return what may be done with the model's attribution.

    Not to be published: it sees the funnel, can't be told from chance, foresees too much, or failed a trust test that
    blocks. It does not rank either, nor where the simple baseline predicts as well and ranks otherwise.
    """
    against, doubts = _against(evidence), _doubts(evidence)
    abstains = evidence.baseline_as_good and evidence.baseline_contradicts
    if abstains:
        doubts.insert(
            0,
            f"ranking withheld: logistic regression on counts predicts as well and ranks event types otherwise "
            f"(rank correlation {evidence.rank_correlation:.2f})",
        )
    state = State.DO_NOT_PUBLISH if against else State.WARNINGS if doubts else State.PUBLISHABLE
    return Standing(state=state, reasons=(*against, *doubts), ranks=not against and not abstains)


def _against(evidence: Evidence) -> list[str]:
    """Why it must not be published."""
    found = [f"trust test failed: {name}" for name in evidence.trust_failed]
    if evidence.leaks:
        found.append("the model sees funnel events: it shows what the funnel gives away, not what drives conversion")
    if evidence.auc is None or evidence.auc_low is None:
        found.append("too few converted sessions to say whether it predicts at all")
    elif evidence.auc_low <= 0.5:
        found.append(f"it can't be told from chance: the interval of its AUC begins at {evidence.auc_low:.3f}")
    elif evidence.auc > evidence.max_auc and not evidence.leaks:
        found.append(f"its AUC of {evidence.auc:.3f} is above {evidence.max_auc}: a leak is suspected")
    return found


def _doubts(evidence: Evidence) -> list[str]:
    """What a reader has to know."""
    found = [f"trust test failed: {name}" for name in evidence.trust_doubts]
    found += [f"the gate refused it as champion: {objection}" for objection in evidence.gate_objections]
    found += [f"too little data for the trust test {name}" for name in evidence.trust_unjudged]
    error = evidence.calibration_error
    if error is not None and error > MAX_CALIBRATION_ERROR:
        found.append(f"its calibration error of {error:.3f} is above {MAX_CALIBRATION_ERROR}: sizes of effects are off")
    if evidence.gain_high is not None and evidence.gain_high < 0:
        found.append("logistic regression on counts predicts better")
    if evidence.length_auc_low is not None and evidence.length_auc_low > LENGTH_SLACK:
        found.append(f"session length alone has an AUC above {LENGTH_SLACK}: effects may carry length")
    return found
