"""A model beside its baselines on sessions that none of them has seen, as rows of one table."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from attribution_dagster.core.models.metrics import bootstrap_auc, evaluate

_Floats = npt.NDArray[np.float64]
ALL_USERS, UNSEEN_USERS, UNCUT = "all", "unseen", "uncut"
LANDMARKS = (5, 10, 20)
"""Numbers of events outside the funnel after which one asks: will this session, still open, convert later?"""


@dataclass(frozen=True, kw_only=True)
class MetricRow:
    """Metrics of one predictor on one population; None where fewer than 30 sessions of a class allow none.

    `auc_gain` is the transformer's AUC minus this predictor's, with a 95 % interval over the same resampled users.
    """

    model: str
    population: str
    n_sessions: int
    n_converted: int
    prevalence: float | None
    auc: float | None
    auc_low: float | None
    auc_high: float | None
    auc_gain: float | None
    auc_gain_low: float | None
    auc_gain_high: float | None
    average_precision: float | None
    log_loss: float | None
    brier: float | None
    ece: float | None

    def to_json(self) -> dict[str, object]:
        """Return the row as a mapping of its columns."""
        return asdict(self)


def evaluate_all(
    logits: Mapping[str, _Floats],
    labels: npt.ArrayLike,
    users: npt.NDArray[np.object_],
    training_users: npt.NDArray[np.object_],
    probabilities: Mapping[str, _Floats] | None = None,
    seed: int = 0,
) -> list[MetricRow]:
    """Return a row per predictor and population: everybody, and users that no training session came from.

    Args:
        logits: predictor -> (S,) logits; the first is the one the others are compared with.
        labels: (S,) 0 or 1.
        users: (S,) user of each session.
        training_users: users of the training sessions.
        probabilities: predictor -> (S,) calibrated probabilities, where they are not sigmoid(logits).
    """
    truth = np.asarray(labels)
    unseen = ~np.isin(users, training_users)
    rows: list[MetricRow] = []
    for population, chosen in ((ALL_USERS, np.ones(len(truth), dtype=bool)), (UNSEEN_USERS, unseen)):
        rows += population_rows(
            population,
            {name: values[chosen] for name, values in logits.items()},
            truth[chosen],
            users[chosen],
            {name: values[chosen] for name, values in (probabilities or {}).items()},
            seed,
        )
    return rows


def landmark_population(events: int) -> str:
    """Return the name of the population of sessions still open after so many events: `after_5`."""
    return f"after_{events}"


def population_rows(
    population: str,
    logits: Mapping[str, _Floats],
    truth: npt.NDArray[np.int_],
    users: npt.NDArray[np.object_],
    probabilities: Mapping[str, _Floats],
    seed: int = 0,
) -> list[MetricRow]:
    """Return a row per predictor on the sessions of one population; the arguments are those of `evaluate_all`."""
    intervals, gains = bootstrap_auc(logits, truth, users, seed=seed)
    rows = []
    for name, scores in logits.items():
        metrics = evaluate(scores, truth, probabilities.get(name))
        interval, gain = intervals.get(name), gains.get(name)
        rows.append(
            MetricRow(
                model=name,
                population=population,
                auc_low=interval.low if interval else None,
                auc_high=interval.high if interval else None,
                auc_gain=gain.value if gain else None,
                auc_gain_low=gain.low if gain else None,
                auc_gain_high=gain.high if gain else None,
                **asdict(metrics),
            )
        )
    return rows
