"""Neighbours that together say more than the two alone: pairs of event types, found one after another by a score test.

Of n types there are n x n pairs of an event and the one before it, at the same store or not: too many to give each a
weight (on simulated worlds of 30,000 sessions that cost more than the one planted pair brings, however strong the
prior). So the pair that would most improve the fit is found by Rao's efficient score test, which needs no refit per
pair, and kept only if it is significant after Bonferroni's correction and also lowers the validation loss. Sessions of
one user count as independent in the test; the validation has to agree for that, too.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.stats import norm

from attribution_dagster.core.sequences.vocabulary import FIRST_TOKEN

NO_PAIR = 0
MAX_TYPES = 128
"""Pairs are looked for among the most frequent types; ids are in the order of frequency."""
MAX_PAIRS = 8
MIN_SESSIONS = 50
"""A pair in fewer sessions isn't tested: the normal approximation does not hold."""
ERROR_RATE = 0.05
_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Vocabulary ids of two event types, the first immediately before the second, at the same store or not."""

    first: int
    second: int
    same_store: bool

    @property
    def id(self) -> int:
        """The pair's id, as `pair_ids` gives it."""
        return (int(self.same_store) * MAX_TYPES + self.first) * MAX_TYPES + self.second

    @staticmethod
    def of(pair_id: int) -> "Pair":
        """Return the pair with that id."""
        rest, second = divmod(pair_id, MAX_TYPES)
        return Pair(first=rest % MAX_TYPES, second=second, same_store=rest >= MAX_TYPES)


N_PAIRS = 2 * MAX_TYPES**2


def pair_ids(
    types: npt.NDArray[np.int64], stores: npt.NDArray[np.int64] | None, position: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return the id of the pair that each event makes with the one before it, (E,); NO_PAIR where it makes none."""
    before = np.roll(types, 1)
    known = (position > 0) & _is_known(types) & _is_known(before)
    same = np.zeros(len(types), dtype=bool)
    if stores is not None:
        same = (stores == np.roll(stores, 1)) & (stores >= FIRST_TOKEN)
    return np.where(known, (same * MAX_TYPES + before) * MAX_TYPES + types, NO_PAIR)


def strongest_pair(
    *,
    pair: npt.NDArray[np.int64],
    scale: _Floats,
    session: npt.NDArray[np.int64],
    nuisance: _Floats,
    probability: _Floats,
    label: _Floats,
) -> int | None:
    """Return the id of the pair whose weight, now 0, the sessions most want to change; None if none is significant.

    pair, scale, session: (E,) the events' pairs, position weights and sessions. nuisance: (S, K) what the fit holds
    already, with an intercept. probability, label: (S,). The efficient score of a pair is U / sqrt(V) with
    U = x' (y - p) and V = x' W x - x' W Z (Z' W Z)^-1 Z' W x, W = p (1 - p); Rao (1948).
    """
    n_sessions = len(label)
    counts = sparse.csr_matrix((scale, (session, pair)), shape=(n_sessions, N_PAIRS))
    tested = np.flatnonzero(np.asarray((counts != 0).sum(axis=0)).ravel() >= MIN_SESSIONS)
    tested = tested[tested != NO_PAIR]
    if not len(tested):
        return None
    x = counts[:, tested]
    weight, residual = probability * (1 - probability), label - probability
    weighted = nuisance * weight[:, None]
    inverse = np.linalg.pinv(nuisance.T @ weighted)
    shared = x.T @ weighted  # (tested, K)
    score = x.T @ residual - shared @ (inverse @ (nuisance.T @ residual))
    variance = np.asarray(x.multiply(x).T @ weight).ravel() - ((shared @ inverse) * shared).sum(axis=1)
    # A pair that the nuisance columns determine has nothing left of its own.
    z = np.where(variance > 1e-6 * weight.sum(), score / np.sqrt(np.maximum(variance, 1e-12)), 0.0)
    best = int(np.argmax(np.abs(z)))
    return int(tested[best]) if abs(z[best]) > norm.isf(ERROR_RATE / 2 / len(tested)) else None


def _is_known(types: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    return (types >= FIRST_TOKEN) & (types < MAX_TYPES)
