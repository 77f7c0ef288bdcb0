"""Logistic regression on what a session holds: counts of event types, of types by position, of types and neighbours.

The score of an occurrence is what the logit loses when it is deleted and all others keep their places: its own
weights, and for the first of two neighbours also the pair's, which falls away at the second.
"""

from collections.abc import Callable

import numpy as np
from scipy import sparse

from attribution_dagster.core.attribution.baselines.scores import (
    Floats,
    Ints,
    Scores,
    mean_by_type,
    session_of,
    types_of,
)
from attribution_dagster.core.sequences.sequence_set import SequenceSet

NOTHING = -1
POSITION_EDGES = (5, 10, 20, 50)
"""Bins 1 to 5, 6 to 10, 11 to 20, 21 to 50, and beyond."""
_Columns = Callable[[SequenceSet, Ints, int], Ints]


def logistic_counts(train: SequenceSet, explained: SequenceSet) -> Scores:
    """Return the weight of each type's count (C=1); the true model where effects add up and nothing else happens."""
    return _regression(_type_columns, train, explained)


def logistic_positions(train: SequenceSet, explained: SequenceSet) -> Scores:
    """Return the weights of counts of each type in each bin of positions."""
    return _regression(_position_columns, train, explained)


def logistic_bigrams(train: SequenceSet, explained: SequenceSet) -> Scores:
    """Return the weights of counts and of pairs of neighbouring types, at one store or not."""
    return _regression(_bigram_columns, train, explained)


def _regression(columns: _Columns, train: SequenceSet, explained: SequenceSet) -> Scores:
    from sklearn.linear_model import LogisticRegression

    train_types, types, n_types = types_of(train, explained)
    inputs, lost = columns(train, train_types, n_types), columns(explained, types, n_types)
    n_columns = int(max(inputs.max(initial=0), lost.max(initial=0))) + 1
    fitted = LogisticRegression(C=1.0, max_iter=2000).fit(_counts(train, inputs, n_columns), np.asarray(train.label))
    weights: Floats = np.append(fitted.coef_[0], 0.0)  # the last entry is what NOTHING reads
    worth = weights[lost]
    by_occurrence = worth.sum(axis=1)
    if worth.shape[1] > 1:
        by_occurrence[:-1] += np.where(np.diff(session_of(explained)) == 0, worth[1:, 1], 0.0)
    return Scores(by_type=mean_by_type(by_occurrence, types, n_types), by_occurrence=by_occurrence)


def _counts(sequences: SequenceSet, columns: Ints, n_columns: int) -> sparse.csr_matrix:
    session = np.repeat(session_of(sequences), columns.shape[1])
    flat = columns.ravel()
    known = flat != NOTHING
    ones = np.ones(int(known.sum()))
    shape = (sequences.n_sessions, n_columns)
    return sparse.coo_matrix((ones, (session[known], flat[known])), shape=shape).tocsr()


def _type_columns(sequences: SequenceSet, types: Ints, n_types: int) -> Ints:
    return types[:, None]


def _position_columns(sequences: SequenceSet, types: Ints, n_types: int) -> Ints:
    rank = np.arange(sequences.n_events) - sequences.offsets[:-1][session_of(sequences)] + 1
    return (np.searchsorted(POSITION_EDGES, rank) * n_types + types)[:, None]


def _bigram_columns(sequences: SequenceSet, types: Ints, n_types: int) -> Ints:
    session, before = session_of(sequences), np.roll(types, 1)
    same_store = np.zeros(len(types), dtype=bool)
    if "store_id" in sequences.codes:
        stores = sequences.codes["store_id"]
        same_store = (stores == np.roll(stores, 1)) & (stores >= 0)
    pair = n_types + (same_store * n_types + before) * n_types + types
    return np.stack([types, np.where(np.diff(session, prepend=-1) == 0, pair, NOTHING)], axis=1)
