"""What can be recommended and to whom: items with what the training customers had of them, and customers as recommenders read them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import sparse

from attribution_dagster.core.traits.customers import CustomerTokens
from attribution_dagster.core.traits.vectors import ItemVectors, unit_rows

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
CELLS = 2_000_000
"""Customers by items that are held in memory at once, whatever the numbers of both."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Catalogue:
    """M items that can be recommended, and what the training customers had of them."""

    items: tuple[str, ...]
    had: sparse.csr_matrix  # (training customers, M) of ones
    shares: Floats  # (K, M) each trait's shares of items, rows sum to 1
    vectors: npt.NDArray[np.float32]  # (M, D) of length one, zeros where no token of the item has one

    @cached_property
    def popularity(self) -> Floats:
        """Customers who had each item, shape (M,)."""
        return np.asarray(self.had.sum(axis=0), dtype=np.float64).ravel()

    @cached_property
    def similarity(self) -> sparse.csr_matrix:
        """Cosine of the sets of customers of two items, zero with itself, shape (M, M)."""
        together = (self.had.T @ self.had).tocsr()
        scale = sparse.diags(1 / np.sqrt(np.maximum(self.popularity, 1)))
        cosines = (scale @ together @ scale).tolil()
        cosines.setdiag(0)
        found = cosines.tocsr()
        found.eliminate_zeros()
        return found


def build_catalogue(training: CustomerTokens, weights: Floats, vectors: ItemVectors) -> Catalogue:
    """The items of the training customers, who have these traits, shape (N, K)."""
    items, place = training.catalogue
    counts = training.matrix(place[training.token], training.n_events, len(items))
    shares = weights.T @ counts
    totals = np.maximum(shares.sum(axis=1, keepdims=True), 1e-12)
    had = counts.copy()
    had.data[:] = 1.0
    return Catalogue(
        items=tuple(items), had=had, shares=np.asarray(shares) / totals, vectors=_item_vectors(items, vectors)
    )


def _item_vectors(items: list[str], vectors: ItemVectors) -> npt.NDArray[np.float32]:
    """The mean vector of an item's tokens over actions, by their counts, at length one."""
    number = {item: row for row, item in enumerate(items)}
    summed = np.zeros((len(items), vectors.vectors.shape[1]), dtype=np.float32)
    rows = np.array([number.get(item, -1) for item in vectors.items])
    kept = rows >= 0
    np.add.at(summed, rows[kept], vectors.unit[kept] * vectors.counts[kept, None])
    return unit_rows(summed)


@dataclass(frozen=True, kw_only=True, eq=False)
class Asked:
    """N customers to whom something is recommended: their items in the catalogue, and what they are like."""

    had: sparse.csr_matrix  # (N, M) of ones
    recent: sparse.csr_matrix  # (N, M) recency of the events with the item
    owned: sparse.csr_matrix  # (N, M) of ones: bought
    last: Ints  # (N,) place of the last item, -1 for none
    weights: Floats  # (N, K)
    embedding: Floats  # (N, D)

    def rows(self, chosen: "slice | Ints") -> "Asked":
        """These customers alone."""
        return Asked(**{name: getattr(self, name)[chosen] for name in self.__dataclass_fields__})


def ask(
    customers: CustomerTokens, catalogue: Catalogue, weights: Floats, embedding: Floats, purchase: tuple[str, ...]
) -> Asked:
    """The customers as the methods read them; `purchase` are the actions that make an item owned."""
    number = {item: place for place, item in enumerate(catalogue.items)}
    column = np.array([number.get(item, -1) for item in customers.items], dtype=np.int64)[customers.token]
    width, one = len(catalogue.items), np.ones(len(column))

    def ones(kept: npt.NDArray[np.bool_]) -> sparse.csr_matrix:
        found = customers.matrix(np.where(kept, column, -1), one, width)
        found.data[:] = 1.0
        return found

    last = np.full(len(customers), -1)
    order = np.argsort(customers.last_at_us, kind="stable")
    order = order[column[order] >= 0]
    last[customers.user[order]] = column[order]
    return Asked(
        had=ones(column >= 0),
        recent=customers.matrix(column, customers.recency, width),
        owned=ones(customers.is_action(purchase)),
        last=last,
        weights=weights,
        embedding=embedding,
    )


def blocks(asked: Asked, cells: int = CELLS) -> Iterator[tuple[slice, Asked]]:
    """The customers in blocks, one at least, since a block by all items is held in memory."""
    size = max(1, cells // max(asked.had.shape[1], 1))
    for start in range(0, len(asked.last), size):
        chosen = slice(start, start + size)
        yield chosen, asked.rows(chosen)
