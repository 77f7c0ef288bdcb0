"""How good predictions are, metric by metric, each with an interval over resampled users, and paired differences.

Users are drawn with replacement, the same draws for all models, so that a session counts as often as its user was
drawn: sessions of a user are not independent, and a difference of two models is judged on the same sessions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from attribution_dagster.core.conversion.estimators.estimator import Floats
from attribution_dagster.core.models.metrics import MINIMUM_PER_CLASS

METRICS = ("auc", "average_precision", "log_loss", "brier", "ece", "top_decile_lift")
RESAMPLES = 200
_BINS = 10
_GAIN = ("gain", "gain_low", "gain_high")


@dataclass(frozen=True, kw_only=True)
class MetricRow:
    """One metric of one model on one group of sessions, with its 95 % interval, and the reference model's value less this one's."""

    model: str
    segment: str
    metric: str
    n_sessions: int
    n_converted: int
    prevalence: float
    value: float
    value_low: float
    value_high: float
    gain: float | None
    gain_low: float | None
    gain_high: float | None


def metric_rows(
    probabilities: Mapping[str, Floats],
    labels: npt.ArrayLike,
    users: npt.ArrayLike,
    *,
    reference: str,
    segment: str = "all",
    seed: int = 0,
) -> list[MetricRow]:
    """Return a row per model and metric; none with fewer than 30 converted or 30 other sessions."""
    truth = np.asarray(labels, dtype=np.float64)
    converted = int(truth.sum())
    if min(converted, len(truth) - converted) < MINIMUM_PER_CLASS:
        return []
    _, user = np.unique(np.asarray(users).astype(str), return_inverse=True)
    n_users = int(user.max()) + 1
    draws = np.random.default_rng(seed).multinomial(n_users, np.full(n_users, 1 / n_users), size=RESAMPLES)
    scored = {name: _Scored(values, truth, user) for name, values in probabilities.items()}
    point = {name: each.metrics(np.ones(n_users)) for name, each in scored.items()}
    drawn = {name: np.array([each.metrics(draw) for draw in draws]) for name, each in scored.items()}
    group: dict[str, Any] = {"segment": segment, "n_sessions": len(truth), "n_converted": converted}
    group["prevalence"] = float(truth.mean())
    rows = []
    for name in probabilities:
        values = _with_interval(point[name], drawn[name], ("value", "value_low", "value_high"))
        gains = _with_interval(point[reference] - point[name], drawn[reference] - drawn[name], _GAIN)
        if name == reference:
            gains = [dict.fromkeys(_GAIN)] * len(METRICS)
        rows += [
            MetricRow(model=name, metric=metric, **group, **value, **gain)
            for metric, value, gain in zip(METRICS, values, gains, strict=True)
        ]
    return rows


def _with_interval(value: Floats, drawn: Floats, names: tuple[str, str, str]) -> list[dict[str, Any]]:
    """For each metric the value and the ends of its 95 % interval, under these names; value: (M,), drawn: (draws, M)."""
    low, high = np.nanpercentile(drawn, [2.5, 97.5], axis=0)
    return [dict(zip(names, map(float, each), strict=True)) for each in zip(value, low, high, strict=True)]


class _Scored:
    """One model's probabilities, sorted once, so that each resample costs a few sums."""

    def __init__(self, probabilities: Floats, truth: Floats, user: npt.NDArray[np.int64]) -> None:
        order = np.argsort(probabilities, kind="stable")
        predicted = np.asarray(probabilities, dtype=np.float64)[order]
        self._truth, self._user = truth[order], user[order]
        self._first_of_tie = np.flatnonzero(np.append(True, np.diff(predicted) != 0))
        clipped = np.clip(predicted, 1e-12, 1 - 1e-12)
        self._loss = -np.where(self._truth > 0, np.log(clipped), np.log1p(-clipped))
        self._squared = (predicted - self._truth) ** 2
        edges = np.quantile(predicted, np.arange(1, _BINS) / _BINS, method="higher")
        self._bin = np.searchsorted(edges, predicted, side="right")
        self._gap = predicted - self._truth

    def metrics(self, per_user: npt.NDArray[Any]) -> Floats:
        """Return the values of METRICS where each session counts as often as its user was drawn."""
        weight = per_user[self._user].astype(np.float64)
        positive = np.add.reduceat(weight * self._truth, self._first_of_tie)
        negative = np.add.reduceat(weight * (1 - self._truth), self._first_of_tie)
        n_positive, n_negative = positive.sum(), negative.sum()
        if n_positive == 0 or n_negative == 0:
            return np.full(len(METRICS), np.nan)
        total = weight.sum()
        below = np.cumsum(negative) - negative / 2
        found, shown = np.cumsum(positive[::-1]), np.cumsum((positive + negative)[::-1])
        precision = np.divide(found, shown, out=np.zeros_like(found), where=shown > 0)
        gaps = np.bincount(self._bin, weight * self._gap, _BINS)
        return np.array(
            [
                (positive * below).sum() / (n_positive * n_negative),
                (positive[::-1] * precision).sum() / n_positive,
                (weight * self._loss).sum() / total,
                (weight * self._squared).sum() / total,
                np.abs(gaps).sum() / total,
                _lift(found, shown, n_positive / total),
            ]
        )


def _lift(found: Floats, shown: Floats, rate: float) -> float:
    """Conversion rate of the tenth with the highest probabilities, as a multiple of everybody's; a tie at the border counts in part."""
    tenth = shown[-1] / 10
    at = int(np.searchsorted(shown, tenth))
    before_shown = shown[at - 1] if at else 0.0
    before_found = found[at - 1] if at else 0.0
    inside = (tenth - before_shown) / (shown[at] - before_shown) if shown[at] > before_shown else 0.0
    return float((before_found + inside * (found[at] - before_found)) / tenth / rate)


@dataclass(frozen=True, kw_only=True)
class DecileRow:
    """A tenth of the sessions by probability, 1 the highest, and how many times the average they convert."""

    model: str
    decile: int
    n_sessions: int
    n_converted: int
    mean_probability: float
    conversion_rate: float
    lift: float


def decile_of(probabilities: Floats) -> npt.NDArray[np.int64]:
    """Return 1 for the tenth of the sessions with the highest probabilities to 10, (N,); equal ones share a decile."""
    from scipy.stats import rankdata

    above = rankdata(-probabilities, method="min") - 1
    decile: npt.NDArray[np.int64] = np.minimum(above * 10 // max(len(probabilities), 1), 9).astype(np.int64) + 1
    return decile


def decile_rows(probabilities: Mapping[str, Floats], labels: npt.ArrayLike) -> list[DecileRow]:
    """Return a row per model and decile that holds a session."""
    truth = np.asarray(labels, dtype=np.float64)
    rows = []
    for name, values in probabilities.items():
        decile = decile_of(values)
        for number in np.unique(decile).tolist():
            chosen = decile == number
            rate = float(truth[chosen].mean())
            rows.append(
                DecileRow(
                    model=name,
                    decile=number,
                    n_sessions=int(chosen.sum()),
                    n_converted=int(truth[chosen].sum()),
                    mean_probability=float(values[chosen].mean()),
                    conversion_rate=rate,
                    lift=rate / truth.mean() if truth.any() else 0.0,
                )
            )
    return rows
