"""The gate between a challenger and the alias `champion`: a rule on numbers, without a registry.

Both models predict the same sessions. The difference of their log-losses is paired by session, and its standard error
is clustered by user, since the sessions of one user resemble each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from attribution_dagster.core.models.metrics import MINIMUM_PER_CLASS, expected_calibration_error
from attribution_dagster.core.uncertainty import clustered_standard_error

MAX_CALIBRATION_ERROR = 0.1
_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Whether the challenger becomes champion, why not, and the numbers it was decided on.

    The last three are None without a champion to compare with. A positive difference speaks against the challenger.
    """

    promoted: bool
    objections: tuple[str, ...]
    sessions: int
    converted: int
    log_loss: float
    calibration_error: float
    champion_log_loss: float | None
    log_loss_difference: float | None
    standard_error: float | None


def decide(
    challenger: npt.ArrayLike,
    champion: npt.ArrayLike | None,
    labels: npt.ArrayLike,
    users: npt.ArrayLike,
    non_finite_weights: int = 0,
    objections: Sequence[str] = (),
) -> Decision:
    """Return the decision on a challenger.

    It is promoted unless it has weights that are not finite, meets an objection, is calibrated worse than 0.1, has
    fewer than 30 sessions of a class to show that on, or its log-loss exceeds the champion's by more than the standard error of the
    difference. Without a champion the comparison falls away.

    Args:
        challenger, champion: (S,) calibrated probabilities of the same sessions; champion None if there is none.
        labels: (S,) 0 or 1.
        users: (S,) user of each session.
        objections: what else speaks against it, such as a failed check.
    """
    truth, predicted = np.asarray(labels, dtype=np.float64), np.asarray(challenger, dtype=np.float64)
    losses, converted = _losses(predicted, truth), int(truth.sum())
    error = expected_calibration_error(predicted, truth) if len(truth) else float("nan")
    found = list(objections)
    if non_finite_weights:
        found.append(f"{non_finite_weights} weights are not finite")
    if min(converted, len(truth) - converted) < MINIMUM_PER_CLASS:
        found.append(
            f"{converted} of {len(truth)} sessions converted: too few of a kind to judge by (at least {MINIMUM_PER_CLASS})"
        )
    if not error <= MAX_CALIBRATION_ERROR:
        found.append(f"calibration error {error:.3f} is above {MAX_CALIBRATION_ERROR}")
    theirs = difference = spread = None
    if champion is not None:
        compared = _losses(np.asarray(champion, dtype=np.float64), truth)
        theirs, difference = float(compared.mean()), float((losses - compared).mean())
        spread = clustered_standard_error(losses - compared, users)
        if not difference <= spread:
            found.append(
                f"log-loss is {difference:.4f} above the champion's, more than one standard error ({spread:.4f})"
            )
    return Decision(
        promoted=not found,
        objections=tuple(found),
        sessions=len(truth),
        converted=converted,
        log_loss=float(losses.mean()) if len(losses) else float("nan"),
        calibration_error=error,
        champion_log_loss=theirs,
        log_loss_difference=difference,
        standard_error=spread,
    )


def _losses(probabilities: _Floats, truth: _Floats) -> _Floats:
    clipped = np.clip(probabilities, 1e-12, 1 - 1e-12)
    return np.asarray(-(truth * np.log(clipped) + (1 - truth) * np.log1p(-clipped)))
