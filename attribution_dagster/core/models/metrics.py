"""How well scores tell converted sessions from others, with intervals that respect users.

AUC: the Mann-Whitney statistic with mid-ranks. Average precision: the step-wise area, ties taken together. ECE:
mean distance of predicted and observed rate over ten equally filled bins. A metric on fewer than 30 sessions of a
class is None.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

MINIMUM_PER_CLASS = 30
_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """Counts, and metrics that are None with fewer than 30 converted or 30 other sessions."""

    n_sessions: int
    n_converted: int
    prevalence: float | None
    auc: float | None
    average_precision: float | None
    log_loss: float | None
    brier: float | None
    ece: float | None

    def numbers(self, prefix: str = "") -> dict[str, float]:
        """Return what is known as flat numbers, for a tracker."""
        return {f"{prefix}{name}": float(value) for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Interval:
    """An estimate with its 95 % percentile interval over resampled users."""

    value: float
    low: float
    high: float


def evaluate(logits: npt.ArrayLike, labels: npt.ArrayLike, probabilities: npt.ArrayLike | None = None) -> Metrics:
    """Return the metrics of these sessions; without probabilities they are sigmoid(logits)."""
    from scipy.special import expit

    scores, truth = np.asarray(logits, dtype=np.float64), np.asarray(labels).astype(np.int64)
    predicted = expit(scores) if probabilities is None else np.asarray(probabilities, dtype=np.float64)
    positives = int(truth.sum())
    prevalence = positives / len(truth) if len(truth) else None
    if min(positives, len(truth) - positives) < MINIMUM_PER_CLASS:
        return Metrics(
            n_sessions=len(truth),
            n_converted=positives,
            prevalence=prevalence,
            auc=None,
            average_precision=None,
            log_loss=None,
            brier=None,
            ece=None,
        )
    clipped = np.clip(predicted, 1e-12, 1 - 1e-12)
    return Metrics(
        n_sessions=len(truth),
        n_converted=positives,
        prevalence=prevalence,
        auc=auc(scores, truth),
        average_precision=average_precision(scores, truth),
        log_loss=float(-np.mean(np.where(truth > 0, np.log(clipped), np.log1p(-clipped)))),
        brier=float(np.mean((predicted - truth) ** 2)),
        ece=expected_calibration_error(predicted, truth),
    )


def log_loss(logits: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """Return the mean log-loss of logits, computed without leaving the logit scale."""
    scores, truth = np.asarray(logits, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    return float(np.mean(np.logaddexp(0.0, scores) - truth * scores))


def auc(scores: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """Return P(score of a converted session > score of another), ties counting one half."""
    from scipy.stats import rankdata

    truth = np.asarray(labels) > 0
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if positives == 0 or negatives == 0:
        raise ValueError(f"AUC needs both classes; got {positives} converted and {negatives} other sessions")
    ranks = rankdata(np.asarray(scores, dtype=np.float64))
    return float((ranks[truth].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def average_precision(scores: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """Return the sum over thresholds of (recall gained) x (precision there)."""
    values, truth = np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    order = np.argsort(-values, kind="stable")
    last_of_tie = np.append(np.diff(values[order]) != 0, True)
    found = np.cumsum(truth[order])[last_of_tie]
    precision = found / (np.flatnonzero(last_of_tie) + 1)
    return float(np.sum(np.diff(found, prepend=0.0) * precision) / truth.sum())


def expected_calibration_error(probabilities: npt.ArrayLike, labels: npt.ArrayLike, bins: int = 10) -> float:
    """Return the mean distance of predicted and observed rate over equally filled bins, weighted by their sizes.

    Equal predictions share a bin, so that the order of rows does not matter.
    """
    predicted, truth = np.asarray(probabilities, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    edges = np.quantile(predicted, np.arange(1, bins) / bins, method="higher")
    gaps = np.bincount(np.searchsorted(edges, predicted, side="right"), predicted - truth, bins)
    return float(np.abs(gaps).sum() / len(truth))


def bootstrap_auc(
    scores: Mapping[str, npt.ArrayLike],
    labels: npt.ArrayLike,
    users: npt.ArrayLike,
    seed: int = 0,
    resamples: int = 500,
) -> tuple[dict[str, Interval], dict[str, Interval]]:
    """Return AUC intervals per model, and of the first model's AUC minus each other's, over the same resampled users.

    Users are drawn with replacement, so a session counts as often as its user was drawn. Empty for fewer than 30
    sessions of a class.
    """
    truth = np.asarray(labels) > 0
    if min(int(truth.sum()), int((~truth).sum())) < MINIMUM_PER_CLASS:
        return {}, {}
    _, user = np.unique(np.asarray(users), return_inverse=True)
    n_users = int(user.max()) + 1
    draws = np.random.default_rng(seed).multinomial(n_users, np.full(n_users, 1 / n_users), size=resamples)
    arrays = {name: np.asarray(values, dtype=np.float64) for name, values in scores.items()}
    drawn = {name: _weighted_auc(values, truth, user, draws) for name, values in arrays.items()}
    point = {name: auc(values, truth) for name, values in arrays.items()}
    first = next(iter(scores))
    return (
        {name: _interval(point[name], drawn[name]) for name in scores},
        {name: _interval(point[first] - point[name], drawn[first] - drawn[name]) for name in scores if name != first},
    )


def _weighted_auc(
    scores: _Floats, truth: npt.NDArray[np.bool_], user: npt.NDArray[np.int64], draws: npt.NDArray[np.int64]
) -> _Floats:
    order = np.argsort(scores, kind="stable")
    tie = np.flatnonzero(np.append(True, np.diff(scores[order]) != 0))
    result = np.full(len(draws), np.nan)
    for number, draw in enumerate(draws):
        weight = draw[user[order]].astype(np.float64)
        positive = np.add.reduceat(weight * truth[order], tie)
        negative = np.add.reduceat(weight * ~truth[order], tie)
        total = positive.sum() * negative.sum()
        if total > 0:
            result[number] = np.sum(positive * (np.cumsum(negative) - negative / 2)) / total
    return result


def _interval(value: float, drawn: _Floats) -> Interval:
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return Interval(value=value, low=float(low), high=float(high))
