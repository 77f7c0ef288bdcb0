"""Sessions given as aggregates, one row each: how well the outcome is predicted, by chance folds, in time, and without a column."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from attribution_dagster.core.conversion.estimators import ESTIMATORS
from attribution_dagster.core.conversion.estimators.estimator import Floats
from attribution_dagster.core.conversion.folds import chance_folds
from attribution_dagster.core.conversion.sample import Sample

_Rows = npt.NDArray[np.bool_]
_Texts = npt.NDArray[np.object_]


@dataclass(frozen=True, kw_only=True)
class SessionTable:
    """N sessions. numbers, categories: columns of `table`, doubles and texts; label: (N,) of 0 and 1; later: (N,) those after the others in time.

    session: (N,) ids; user: (N,) whose it is, or the session itself where nobody knows.
    """

    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    table: pa.Table
    label: npt.NDArray[np.int64]
    later: _Rows
    session: _Texts
    user: _Texts

    def without(self, names: Sequence[str]) -> "SessionTable":
        """Return the sessions without these features."""
        return replace(
            self,
            numbers=tuple(name for name in self.numbers if name not in names),
            categories=tuple(name for name in self.categories if name not in names),
        )

    def samples(self) -> tuple[Sample, Sample]:
        """Return the earlier and the later sessions as numbers; categories that no earlier session has are 0 throughout."""
        encoder = self._encoder(~self.later)
        levels = zip(self.categories, encoder.categories_, strict=True) if self.categories else ()
        names = (*self.numbers, *(f"{column} = {level}" for column, known in levels for level in known))
        earlier, later = (self._sample(names, rows, encoder) for rows in (~self.later, self.later))
        return earlier, later

    def cross_validated(self, estimator: str, *, seed: int = 0, **parameters: Any) -> Floats:
        """Return (N,) probabilities, each by a model of the other folds; folds are dealt by chance, a user's sessions into one.

        A fold's encoder has seen the other folds only.
        """
        scores = np.zeros(len(self.label))
        for held_out in chance_folds(self.label, self.user, seed):
            scores[held_out] = self._scores(estimator, ~held_out, held_out, **parameters)
        return scores

    def predicted_later(self, estimator: str, **parameters: Any) -> Floats:
        """Return probabilities of the later sessions by a model of those before."""
        return self._scores(estimator, ~self.later, self.later, **parameters)

    def _scores(self, estimator: str, fit_on: _Rows, predicted: _Rows, **parameters: Any) -> Floats:
        encoder = self._encoder(fit_on)
        model = ESTIMATORS[estimator](**parameters)
        model.fit(self._matrix(fit_on, encoder), self.label[fit_on])
        return model.predict_proba(self._matrix(predicted, encoder))

    def _sample(self, names: tuple[str, ...], rows: _Rows, encoder: Any) -> Sample:
        n = int(rows.sum())
        return Sample(
            names=names,
            features=self._matrix(rows, encoder),
            label=self.label[rows],
            started_us=np.zeros(n, dtype=np.int64),
            session=self.session[rows],
            user=self.user[rows],
            category=np.full(n, None, dtype=object),
            has_device=np.zeros(n, dtype=bool),
        )

    def _encoder(self, rows: _Rows) -> Any:
        """Makes numbers of categories as these rows have them; None where there are no categories."""
        from sklearn.preprocessing import OneHotEncoder

        if not self.categories:
            return None
        return OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(self._texts(rows))

    def _matrix(self, rows: _Rows, encoder: Any) -> Floats:
        chosen = self.table.filter(pa.array(rows))
        columns = [chosen[name].to_numpy() for name in self.numbers]
        columns += [encoder.transform(self._texts(rows))] if self.categories else []
        return np.column_stack(columns).astype(np.float64)

    def _texts(self, rows: _Rows) -> _Texts:
        chosen = self.table.filter(pa.array(rows))
        return np.column_stack([np.array(chosen[name].to_pylist(), dtype=object) for name in self.categories])
