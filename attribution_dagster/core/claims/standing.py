"""Whether what a model says may be published, claimed, and ranked: a rule on evidence, without a registry or a table."""

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
    """What is known of a model on the window that it explains. What could not be measured is None.

    auc: the model's; above max_auc a leak is suspected. predicts: verdict of the trust test `auc`, None where it can't be told from
    chance. baseline_agrees: that of `baseline_agreement`, False where logistic regression on counts predicts as well and ranks event types
    otherwise. gain_high: upper end of the model's AUC minus that of this regression. trust_failed: trust tests that block, trust_doubts
    those that don't; trust_unjudged: tests that would block, and for which there was too little data to tell.
    """

    leaks: bool
    auc: float | None
    max_auc: float
    predicts: bool | None
    baseline_agrees: bool | None
    gain_high: float | None
    length_auc_low: float | None
    calibration_error: float | None
    trust_failed: Sequence[str] = ()
    trust_doubts: Sequence[str] = ()
    trust_unjudged: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The state with its reasons, the gravest first; whether its effects may be claimed, and event types ranked by them."""

    state: State
    reasons: tuple[str, ...]
    claims: bool
    ranks: bool


def standing(evidence: Evidence) -> Standing:
    """Return what may be done with the model's attribution.

    Not to be published: it sees the funnel, foresees too much, or failed a trust test that blocks; the last two are also checks that
    stop the window. Of such a model, and of one that can't be told from chance, nothing is claimed. Event types are not ranked either,
    nor where the simple baseline predicts as well and ranks otherwise.
    """
    against, doubts = _against(evidence), _doubts(evidence)
    state = State.DO_NOT_PUBLISH if against else State.WARNINGS if doubts else State.PUBLISHABLE
    claims = not against and evidence.predicts is True
    ranks = claims and evidence.baseline_agrees is not False
    return Standing(state=state, reasons=(*against, *doubts), claims=claims, ranks=ranks)


def _against(evidence: Evidence) -> list[str]:
    """Why it must not be published."""
    found = [f"trust test failed: {name}" for name in evidence.trust_failed]
    if evidence.leaks:
        found.append("the model sees funnel events: it shows what the funnel gives away, not what drives conversion")
    elif evidence.auc is not None and evidence.auc > evidence.max_auc:
        found.append(f"its AUC of {evidence.auc:.3f} is above {evidence.max_auc}: a leak is suspected")
    return found


def _doubts(evidence: Evidence) -> list[str]:
    """What a reader has to know."""
    found = []
    if evidence.predicts is None:
        found.append("nothing is claimed: too few sessions to tell the model from chance")
    if evidence.baseline_agrees is False:
        found.append("ranking withheld: logistic regression on counts predicts as well and ranks event types otherwise")
    found += [f"trust test failed: {name}" for name in evidence.trust_doubts]
    found += [f"too little data for the trust test {name}" for name in evidence.trust_unjudged]
    error = evidence.calibration_error
    if error is not None and error > MAX_CALIBRATION_ERROR:
        found.append(f"its calibration error of {error:.3f} is above {MAX_CALIBRATION_ERROR}: sizes of effects are off")
    if evidence.gain_high is not None and evidence.gain_high < 0:
        found.append("logistic regression on counts predicts better")
    if evidence.length_auc_low is not None and evidence.length_auc_low > LENGTH_SLACK:
        found.append(f"session length alone has an AUC above {LENGTH_SLACK}: effects may carry length")
    return found
