"""The best of scored items, and how good a list is against what a customer went on to: recall and NDCG (Jarvelin and Kekalainen 2002)."""

import numpy as np
import numpy.typing as npt
from scipy import sparse

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def best_items(scored: Floats, count: int) -> Ints:
    """Places of the best items of each customer, shape (N, count); of equal ones the first of the catalogue."""
    count = min(count, scored.shape[1])
    least = -np.partition(-scored, count - 1, axis=1)[:, count - 1, None]
    is_best = scored >= least
    tied = np.flatnonzero(is_best.sum(axis=1) > count)
    above, equal = scored[tied] > least[tied], scored[tied] == least[tied]
    is_best[tied] = above | (equal & (equal.cumsum(axis=1) <= count - above.sum(axis=1, keepdims=True)))
    candidates = np.nonzero(is_best)[1].reshape(len(scored), count)
    order = np.argsort(-np.take_along_axis(scored, candidates, axis=1), axis=1, kind="stable")
    return np.take_along_axis(candidates, order, axis=1)


def recall_of(best: Ints, wanted: sparse.csr_matrix) -> Floats:
    """Of each customer's wanted items, the share among the recommended, shape (N,)."""
    recall: Floats = _hits(best, wanted).sum(axis=1) / np.maximum(np.diff(wanted.indptr), 1)
    return recall


def ndcg_of(best: Ints, wanted: sparse.csr_matrix) -> Floats:
    """Normalised discounted cumulative gain of each customer's list, shape (N,): 1 where the wanted items come first."""
    discount = 1 / np.log2(np.arange(2, best.shape[1] + 2))
    ideal = np.concatenate([[0.0], np.cumsum(discount)])[np.minimum(np.diff(wanted.indptr), best.shape[1])]
    gain: Floats = (_hits(best, wanted) * discount).sum(axis=1) / np.maximum(ideal, 1e-12)
    return gain


def _hits(best: Ints, wanted: sparse.csr_matrix) -> Floats:
    hits: Floats = wanted[np.arange(len(best))[:, None], best].toarray()  # sparse: customers by items would not fit
    return hits
