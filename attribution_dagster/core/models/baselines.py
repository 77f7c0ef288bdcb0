"""Simple predictors that a model has to beat, fitted on its training set only: base rate, length, counts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from attribution_dagster.core.sequences.sequence_set import SequenceSet
from attribution_dagster.core.sequences.vocabulary import UNKNOWN, Vocabulary

_Floats = npt.NDArray[np.float64]
_Features = Callable[[SequenceSet], Any]


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """A fitted baseline: `features` of a set -> a logit per session; with None for features, the base rate."""

    bias: float
    features: _Features | None = None
    weights: _Floats | None = None
    names: tuple[str, ...] = ()

    def named_weights(self) -> dict[str, float]:
        """Return the weight of each feature that has a name, in logits."""
        weights = [] if self.weights is None else self.weights.tolist()
        return dict(zip(self.names, weights, strict=False))

    def predict(self, sequences: SequenceSet) -> _Floats:
        """Return logits (S,)."""
        if self.features is None or self.weights is None:
            return np.full(sequences.n_sessions, self.bias)
        return np.asarray(self.features(sequences) @ self.weights + self.bias, dtype=np.float64)


def fit_baselines(train_set: SequenceSet, min_count: int = 5) -> dict[str, Baseline]:
    """Return the fitted baselines by name.

    base_rate: the same logit for everybody. length: logistic regression on the number of events and its logarithm.
    counts: logistic regression (C=1) on the number of events of each type; the strong one.
    Raises ValueError for one class.
    """
    converted, n_sessions = int(train_set.label.sum()), train_set.n_sessions
    if converted in (0, n_sessions):
        raise ValueError(f"baselines need both classes; got {converted} converted of {n_sessions} sessions")
    rate = converted / n_sessions
    vocabulary = Vocabulary.fit(train_set, ["event_type"], min_count)
    return {
        "base_rate": Baseline(bias=float(np.log(rate / (1 - rate)))),
        "length": fit_length(train_set),
        "counts": _fit(
            lambda sequences: event_counts(sequences, vocabulary), train_set, tuple(count_names(vocabulary))
        ),
    }


def fit_length(sequences: SequenceSet) -> Baseline:
    """Return the baseline `length` fitted on these sessions. Raises ValueError for one class."""
    return _fit(_length_features, sequences)


def event_counts(sequences: SequenceSet, vocabulary: Vocabulary) -> Any:
    """Return a sparse matrix (S, types): unknown, missing, then the tokens; how often each occurs in a session."""
    ids = vocabulary.lookup("event_type", sequences.dictionaries["event_type"])[sequences.codes["event_type"]]
    session = np.repeat(np.arange(sequences.n_sessions), sequences.lengths)
    shape = (sequences.n_sessions, vocabulary.size("event_type") - UNKNOWN)
    return sparse.coo_matrix((np.ones(len(ids)), (session, ids - UNKNOWN)), shape=shape).tocsr()


def count_names(vocabulary: Vocabulary) -> list[str]:
    """Return the names of the columns of `event_counts`."""
    return ["(unknown)", "(missing)", *vocabulary.tokens["event_type"]]


def _length_features(sequences: SequenceSet) -> _Floats:
    lengths = sequences.lengths.astype(np.float64)
    return np.stack([lengths / 50, np.log1p(lengths)], axis=1)


def _fit(features: _Features, train_set: SequenceSet, names: tuple[str, ...] = ()) -> Baseline:
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=1.0, max_iter=2000).fit(features(train_set), np.asarray(train_set.label))
    weights = fitted.coef_[0].astype(np.float64)
    return Baseline(bias=float(fitted.intercept_[0]), features=features, weights=weights, names=names)
