"""How far each effect moves when the model is trained on other users: its retraining error, interval and q.

A pair of models on complementary halves of the users gives one estimate of the error, half their difference (delete-half
jackknife, Shao and Wu 1989). With k pairs its square is the mean of k squares. A few squares are small by chance, and an error
that is far too small makes a finding of nothing; so each is moderated by those of the other event types, positions or stores, as if
they were `PRIOR_PAIRS` further pairs (Smyth 2004, eq. 3.2, the prior's weight fixed), on the scale that fits its number of occurrences.
Intervals and p are Student's with k + PRIOR_PAIRS degrees of freedom.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import false_discovery_control
from scipy.stats import t as student

from attribution_dagster.core.attribution.trust.effects import Grouping
from attribution_dagster.core.signals import p_values

CONFIDENCE = 0.95
PRIOR_PAIRS = 3
"""Pairs that the other groups' errors count for in each error."""
_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class SpreadRow:
    """An effect under the model, and how it varies with the users that a model is trained on; None where no pair was trained.

    retraining_error: standard error over other samples of training users, of a model trained on as many as this one, with
    so many degrees of freedom (retraining_degrees);
    retraining_low, retraining_high: 95 % interval. retraining_q: Benjamini-Hochberg within the granularity.
    halves_mean: mean over the models on halves. same_sign: share of them that agree on the effect's direction.
    windows_compared: windows that the model learnt from, with enough occurrences, on each of which a model was trained alone;
    windows_same_sign: those whose model agrees on the direction.
    """

    granularity: str
    name: str
    occurrences: int
    mean_centred_effect: float
    halves_mean: float | None = None
    retraining_error: float | None = None
    retraining_degrees: int | None = None
    retraining_low: float | None = None
    retraining_high: float | None = None
    retraining_q: float | None = None
    same_sign: float | None = None
    models: int = 0
    windows_same_sign: int = 0
    windows_compared: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the row as a mapping of its columns."""
        return asdict(self)


def spread_rows(
    granularity: str,
    grouping: Grouping,
    effect: _Floats,
    pairs: Sequence[tuple[Mapping[str, _Floats], ...]],
    windows: Sequence[Mapping[str, _Floats]] = (),
) -> list[SpreadRow]:
    """Return a row for each group.

    effect: (G,) under the model. pairs: the same by granularity, under two models on halves; windows: under models on single
    windows, NaN for a group that has too few occurrences there.
    """
    of_windows = np.array([window[granularity] for window in windows]).reshape(len(windows), len(effect))
    compared, agreeing = ~np.isnan(of_windows), np.sign(of_windows) == np.sign(effect)
    of_pairs = [[half[granularity] for half in pair] for pair in pairs]
    known: list[dict[str, Any]] = [{}] * len(effect)
    if of_pairs and len(effect):
        known = _spread(effect, np.array(of_pairs), grouping.counts)
    return [
        SpreadRow(
            granularity=granularity,
            name=name,
            occurrences=int(grouping.counts[place]),
            mean_centred_effect=float(effect[place]),
            models=2 * len(pairs),
            windows_same_sign=int(agreeing[:, place].sum()),
            windows_compared=int(compared[:, place].sum()),
            **known[place],
        )
        for place, name in enumerate(grouping.names)
    ]


def _spread(effect: _Floats, of_pairs: _Floats, counts: npt.NDArray[np.int64]) -> list[dict[str, Any]]:
    error, freedom = _moderated(of_pairs, counts)
    reach = student.ppf((1 + CONFIDENCE) / 2, freedom) * error
    each = of_pairs.reshape(-1, len(effect))
    columns = {
        "halves_mean": each.mean(axis=0),
        "retraining_error": error,
        "retraining_low": effect - reach,
        "retraining_high": effect + reach,
        "retraining_q": false_discovery_control(p_values(effect, error, freedom)),
        "same_sign": (np.sign(each) == np.sign(effect)).mean(axis=0),
    }
    return [
        {name: float(values[place]) for name, values in columns.items()} | {"retraining_degrees": freedom}
        for place in range(len(effect))
    ]


def _moderated(of_pairs: _Floats, counts: npt.NDArray[np.int64]) -> tuple[_Floats, int]:
    """Return each group's error, moderated by the others', and its degrees of freedom. of_pairs: (k, 2, G); counts: (G,)."""
    n_pairs, _, n_groups = of_pairs.shape
    own = (((of_pairs[:, 0] - of_pairs[:, 1]) / 2) ** 2).mean(axis=0)
    if n_groups == 1:
        return np.sqrt(own), n_pairs
    per_occurrence = own * counts
    others = (per_occurrence.sum() - per_occurrence) / (n_groups - 1) / counts
    return np.sqrt((n_pairs * own + PRIOR_PAIRS * others) / (n_pairs + PRIOR_PAIRS)), n_pairs + PRIOR_PAIRS
