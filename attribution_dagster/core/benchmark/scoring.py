"""How well scores of event types and occurrences recover the planted effects.

Scores and truth are both taken against the average occurrence of the explained sessions, so that credits, which are
never negative, are judged by the same rule as effects.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr

from attribution_dagster.core.uncertainty import Z_95, clustered_standard_error

MINIMUM_OCCURRENCES = 10
NULL_LOGITS = 1e-9
TOP = 5
_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """How well one method did in one world; None where a figure has no meaning there.

    rank_correlation: Spearman's, over event types. sign_accuracy: share of the types with an effect whose side of the
    average is right. precision_at_5: how many of the five largest effects are among the five largest scores.
    within_type: correlation over occurrences of scores and truth, both less their type's mean; 0 if the scores are the
    same for all occurrences of a type, None if the truth is. Only of scores in logits: slope, of score on truth over
    types, 1 = right size; coverage, share of types whose 95 % interval, clustered by user, holds the planted mean.
    """

    rank_correlation: float
    sign_accuracy: float
    precision_at_5: float
    within_type: float | None
    slope: float | None
    coverage: float | None
    types: int
    seconds_per_1000: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Planted:
    """The truth of the explained occurrences, each (E,): type codes, numbers of users, planted effects in logits."""

    types: _Ints
    user: _Ints
    effect: _Floats

    @property
    def counts(self) -> _Ints:
        """Occurrences per type, (T,)."""
        return np.bincount(self.types)

    def mean(self, values: _Floats) -> _Floats:
        """Return the mean per type of values (E,), (T,); NaN for a type that does not occur."""
        counts = self.counts
        return np.where(counts > 0, np.bincount(self.types, values) / np.maximum(counts, 1), np.nan)


def recovery(
    planted: Planted,
    by_type: _Floats,
    by_occurrence: _Floats,
    *,
    in_logits: bool,
    has_intervals: bool,
    seconds_per_1000: float,
) -> Recovery:
    """Return how well scores (T,) of types and (E,) of occurrences recover the truth.

    Types with fewer than ten occurrences, or without a score, take no part. Raises ValueError where fewer than three
    are left.
    """
    counts = planted.counts
    truth, scores = planted.mean(planted.effect), by_type[: len(counts)]
    used = np.flatnonzero((counts >= MINIMUM_OCCURRENCES) & np.isfinite(scores))
    if len(used) < 3:
        raise ValueError(
            f"{len(used)} event types with a score occur {MINIMUM_OCCURRENCES} times; explain more sessions"
        )
    has_effect = np.abs(truth[used]) > NULL_LOGITS
    wanted, found = (_centred(values, counts)[used] for values in (truth, scores))
    right = np.sign(wanted) == np.sign(found)
    return Recovery(
        rank_correlation=_spearman(wanted, found),
        sign_accuracy=float(right[has_effect].mean()) if has_effect.any() else 1.0,
        precision_at_5=len(_largest(wanted) & _largest(found)) / min(TOP, len(used)),
        within_type=within_type_correlation(planted, by_occurrence),
        slope=float(np.polyfit(wanted, found, 1)[0]) if in_logits else None,
        coverage=float(coverage(planted, by_occurrence)[used].mean()) if in_logits and has_intervals else None,
        types=len(used),
        seconds_per_1000=seconds_per_1000,
    )


def within_type_correlation(planted: Planted, scores: _Floats) -> float | None:
    """Return the correlation of scores (E,) and truth over occurrences, each less its type's mean."""
    truth, found = (values - planted.mean(values)[planted.types] for values in (planted.effect, scores))
    if np.abs(truth).max(initial=0.0) <= NULL_LOGITS:
        return None
    size = float(np.sqrt(np.sum(truth**2) * np.sum(found**2)))
    return float(np.sum(truth * found) / size) if np.abs(found).max() > NULL_LOGITS else 0.0


def coverage(planted: Planted, scores: _Floats) -> npt.NDArray[np.bool_]:
    """Return per type, (T,), whether the interval around its mean score holds its mean truth, both centred."""
    difference = np.abs(
        _centred(planted.mean(scores), planted.counts) - _centred(planted.mean(planted.effect), planted.counts)
    )
    return np.asarray(difference <= Z_95 * standard_errors(planted, scores))


def standard_errors(planted: Planted, scores: _Floats) -> _Floats:
    """Return the standard error of each type's mean score, (T,), clustered by user as that of the tables; NaN with fewer than two users."""
    of_types = [planted.types == code for code in range(len(planted.counts))]
    errors = [clustered_standard_error(scores[here], planted.user[here]) if here.any() else np.inf for here in of_types]
    return np.where(np.isfinite(errors), errors, np.nan)


def _centred(by_type: _Floats, counts: _Ints) -> _Floats:
    known = np.isfinite(by_type) & (counts > 0)
    return np.asarray(by_type - np.average(by_type[known], weights=counts[known]), dtype=np.float64)


def _spearman(one: _Floats, other: _Floats) -> float:
    if np.ptp(one) <= NULL_LOGITS or np.ptp(other) <= 1e-12:
        return 0.0
    return float(spearmanr(one, other).statistic)


def _largest(values: _Floats) -> set[int]:
    return set(np.argsort(-np.abs(values), kind="stable")[:TOP].tolist())
