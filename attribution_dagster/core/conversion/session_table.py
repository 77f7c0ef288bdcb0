"""Sessions given as aggregates, one row each: how well the outcome is predicted, by chance folds, in time, and without a column."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from attribution_dagster.core.conversion.estimators import ESTIMATORS
from attribution_dagster.core.conversion.estimators.estimator import Floats

FOLDS = 5
_Rows = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class SessionTable:
    """N sessions: numbers (N, P), categories (N, Q) as texts, label (N,); later: (N,) those after the others in time."""

    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    table: pa.Table
    label: npt.NDArray[np.int64]
    later: _Rows

    def without(self, names: Sequence[str]) -> "SessionTable":
        """Return the sessions without these features."""
        return SessionTable(
            numbers=tuple(name for name in self.numbers if name not in names),
            categories=tuple(name for name in self.categories if name not in names),
            table=self.table,
            label=self.label,
            later=self.later,
        )

    def scores(self, estimator: str, fit_on: _Rows, predicted: _Rows, **parameters: Any) -> Floats:
        """Return probabilities of the sessions `predicted` by a model of those in `fit_on`, which alone its encoder has seen."""
        encoder = _encoder().fit(self._texts(fit_on))
        model = ESTIMATORS[estimator](**parameters)
        model.fit(self._matrix(fit_on, encoder), self.label[fit_on])
        return model.predict_proba(self._matrix(predicted, encoder))

    def cross_validated(self, estimator: str, *, seed: int = 0, **parameters: Any) -> Floats:
        """Return (N,) probabilities, each by a model of the other folds; folds are dealt by chance, equal shares of both classes."""
        from sklearn.model_selection import StratifiedKFold

        scores = np.zeros(len(self.label))
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
        for _, held_out in folds.split(scores, self.label):
            inside = np.ones(len(scores), dtype=bool)
            inside[held_out] = False
            scores[held_out] = self.scores(estimator, inside, ~inside, **parameters)
        return scores

    def predicted_later(self, estimator: str, **parameters: Any) -> Floats:
        """Return probabilities of the later sessions by a model of those before."""
        return self.scores(estimator, ~self.later, self.later, **parameters)

    def _matrix(self, rows: _Rows, encoder: Any) -> Floats:
        chosen = self.table.filter(pa.array(rows))
        numbers = [chosen[name].to_numpy() for name in self.numbers]
        return np.column_stack([*numbers, encoder.transform(self._texts(rows))])

    def _texts(self, rows: _Rows) -> npt.NDArray[np.object_]:
        chosen = self.table.filter(pa.array(rows))
        texts = [np.array(chosen[name].to_pylist(), dtype=object) for name in self.categories]
        return np.column_stack(texts) if texts else np.empty((chosen.num_rows, 0), dtype=object)


def _encoder() -> Any:
    from sklearn.preprocessing import OneHotEncoder

    return OneHotEncoder(handle_unknown="ignore", sparse_output=False)
