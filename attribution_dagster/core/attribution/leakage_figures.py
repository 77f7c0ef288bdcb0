"""Figures that compare converted sessions with others at the same moment; errors are clustered by user.

Estimates are means over sessions, so each has an influence value per session; summed within users, their squares give
the variance (linearisation, as in survey sampling).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit
from scipy.stats import rankdata

from attribution_dagster.core.uncertainty import Z_95

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


def auc_of(scores: Floats, converted: Bools, user: Ints) -> Estimate:
    """Return P(score of a converted session > score of another), ties one half, with an interval by users.

    scores, converted, user: (S,); user numbers count from 0. Placement values of DeLong et al. (1988), summed by user
    as in Obuchowski (1997); the interval is kept within 0 to 1.
    """
    n_converted, n_other = int(converted.sum()), int((~converted).sum())
    ranks = rankdata(scores)
    above = (ranks[converted] - rankdata(scores[converted])) / n_other
    below = (ranks[~converted] - rankdata(scores[~converted])) / n_converted
    value = float(above.mean())
    influence = np.empty(len(scores))
    influence[converted] = (above - value) / n_converted
    influence[~converted] = (1 - below - value) / n_other
    error = Z_95 * _clustered_error(influence, user)
    return Estimate(value=value, low=max(value - error, 0.0), high=min(value + error, 1.0))


def odds_ratio(has: Bools, converted: Bools, user: Ints) -> Estimate:
    """Return how many times higher the odds of having something are in converted sessions.

    has, converted, user: (S,). One half is added to each of the four counts (Haldane, Anscombe), so that an empty one
    does not make it infinite. The error is Woolf's or the clustered one, whichever is larger: the latter is too small
    where nearly every session has it.
    """
    inside, outside = has[converted], has[~converted]
    shares = [(float(part.sum()) + 0.5) / (len(part) + 1) for part in (inside, outside)]
    log_odds = float(logit(shares[0]) - logit(shares[1]))
    influence = np.empty(len(has))
    influence[converted] = (inside - shares[0]) / (len(inside) * shares[0] * (1 - shares[0]))
    influence[~converted] = (outside - shares[1]) / (len(outside) * shares[1] * (1 - shares[1]))
    cells = [part.sum() + 0.5 for part in (inside, ~inside, outside, ~outside)]
    error = Z_95 * max(_clustered_error(influence, user), float(np.sqrt(np.sum(1 / np.asarray(cells)))))
    low, value, high = np.exp([log_odds - error, log_odds, log_odds + error])
    return Estimate(value=float(value), low=float(low), high=float(high))


def conversion_rate(converted: Bools, user: Ints, log_odds_shift: float) -> Estimate | None:
    """Return the share of converted sessions among these, as it would be in the population; None without sessions.

    converted, user: (S,). Wilson's interval (1927) at the effective number of sessions, the number divided by the
    design effect of users, at least 1. Matching changes how many sessions convert, not how the converted differ, so
    odds in the population are the sample's times a constant, here exp(log_odds_shift) (King and Zeng 2001).
    """
    n = float(len(converted))
    if n == 0:
        return None
    share = float(converted.mean())
    spread = share * (1 - share) / n
    clustered = _clustered_error(np.asarray((converted - share) / n, dtype=np.float64), user) ** 2
    n = n / max(clustered / spread, 1.0) if spread > 0 else n
    middle = (share + Z_95**2 / (2 * n)) / (1 + Z_95**2 / n)
    half = Z_95 / (1 + Z_95**2 / n) * np.sqrt(share * (1 - share) / n + Z_95**2 / (4 * n**2))
    bounds = np.clip([middle - half, share, middle + half], 0.0, 1.0)
    low, value, high = expit(logit(bounds) + log_odds_shift)
    return Estimate(value=float(value), low=float(min(low, value)), high=float(max(high, value)))


def _clustered_error(influence: Floats, user: Ints) -> float:
    return float(np.sqrt(np.sum(np.bincount(user, influence) ** 2)))
