"""Recommendations: customers by items scores of five methods, what is owned removed, in blocks of customers.

popularity      customers who had the item
last_item       cosine of the item's vector with that of the customer's last item
co_occurrence   sum over the customer's items of the cosine of the two items' sets of customers (Linden, Smith and York 2003)
traits          sum over traits of the customer's weight times the item's share of the trait
blend           a weighted sum of parts, each divided by its largest value for the customer: recent co-occurrence, traits, popularity, and
                the cosine of the item with the customer's embedding; weights chosen on the last training window
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from attribution_dagster.core.traits.customers import CustomerTokens
from attribution_dagster.core.traits.vectors import ItemVectors, unit_rows

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
METHODS = ("blend", "traits", "popularity", "last_item", "co_occurrence")
PARTS = ("recent", "traits", "embedding", "popularity")
BLOCK = 512
_GRID: Mapping[str, tuple[float, ...]] = {
    "recent": (0.0, 1.0),
    "traits": (0.0, 0.25, 0.5, 1.0),
    "embedding": (0.0, 0.25),
    "popularity": (0.0, 0.25),
}


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


def parts(asked: Asked, catalogue: Catalogue) -> dict[str, Floats]:
    """The scores that are blended, each divided by its largest for the customer, shapes (N, M)."""
    found = {
        "recent": np.asarray((_unit_sum(asked.recent) @ catalogue.similarity).todense()),
        "traits": asked.weights @ catalogue.shares,
        "embedding": np.maximum(asked.embedding @ catalogue.vectors.T, 0),
        "popularity": np.broadcast_to(catalogue.popularity, (len(asked.last), len(catalogue.items))),
    }
    return {name: score / np.maximum(score.max(axis=1, keepdims=True), 1e-12) for name, score in found.items()}


def scores(method: str, asked: Asked, catalogue: Catalogue, blend: Mapping[str, float]) -> Floats:
    """Scores of all items, shape (N, M), the larger the better; -inf for what is owned.

    Raises:
        ValueError: there is no such method.
    """
    if method == "blend":
        made = parts(asked, catalogue)
        found = sum(
            (weight * made[name] for name, weight in blend.items()), np.zeros((len(asked.last), len(catalogue.items)))
        )
    elif method == "traits":
        found = asked.weights @ catalogue.shares
    elif method == "popularity":
        found = np.tile(catalogue.popularity, (len(asked.last), 1))
    elif method == "co_occurrence":
        found = np.asarray((asked.had @ catalogue.similarity).todense())
    elif method == "last_item":
        last = catalogue.vectors[asked.last] * (asked.last >= 0)[:, None]
        found = (last @ catalogue.vectors.T).astype(np.float64)
        found[np.arange(len(found)), asked.last] = np.where(asked.last >= 0, -1.0, found[:, -1])
    else:
        raise ValueError(f"{method!r} is no method; there are {', '.join(METHODS)}")
    return np.where(asked.owned.toarray() > 0, -np.inf, found)


def best_items(scored: Floats, count: int) -> Ints:
    """Places of the best items of each customer, shape (N, count); of equal ones the first of the catalogue."""
    count = min(count, scored.shape[1])
    candidates = np.sort(np.argpartition(-scored, count - 1, axis=1)[:, :count], axis=1)
    order = np.argsort(-np.take_along_axis(scored, candidates, axis=1), axis=1, kind="stable")
    return np.take_along_axis(candidates, order, axis=1)


def blocks(asked: Asked) -> Iterator[tuple[slice, Asked]]:
    """The customers in blocks, since a block by all items is held in memory."""
    for start in range(0, len(asked.last), BLOCK):
        chosen = slice(start, start + BLOCK)
        yield chosen, asked.rows(chosen)


def choose_blend(
    asked: Asked, catalogue: Catalogue, wanted: sparse.csr_matrix, customers: int, seed: int
) -> dict[str, float]:
    """The weights of the blend under which most of the wanted items are among the first 20, as a mean over at most so many customers.

    Args:
        wanted: what they went on to, shape (N, M).
    """
    from attribution_dagster.core.traits.recommended import recall_of

    who = np.flatnonzero(np.diff(wanted.indptr) > 0)
    drawn = np.sort(np.random.default_rng(seed).permutation(who)[:customers])
    some, target = asked.rows(drawn), wanted[drawn]
    made, is_owned = parts(some, catalogue), some.owned.toarray() > 0
    found: tuple[float, dict[str, float]] = (-1.0, {"recent": 1.0})
    for values in product(*(_GRID[name] for name in PARTS)):
        weights = dict(zip(PARTS, values, strict=True))
        if not any(values) or not len(drawn):
            continue
        scored = sum((w * made[name] for name, w in weights.items() if w), np.zeros(is_owned.shape))
        recall = float(recall_of(best_items(np.where(is_owned, -np.inf, scored), 20), target).mean())
        found = max(found, (recall, weights), key=lambda pair: pair[0])
    return {name: weight for name, weight in found[1].items() if weight}


def _unit_sum(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    total = np.asarray(matrix.sum(axis=1)).ravel()
    return sparse.diags(1 / np.where(total > 0, total, 1)) @ matrix


def explained(
    asked: Asked, catalogue: Catalogue, blend: Mapping[str, float], count: int, names: Mapping[int, str]
) -> dict[str, list[Any]]:
    """Columns of the blend's lists: customer (its place), rank, item, score, the trait that speaks for it most, and why it is there.

    The reason is the part of the blend that adds most to the score. What has no score at all is not recommended.

    Args:
        names: trait -> its suggested name.
    """
    made, scored = parts(asked, catalogue), scores("blend", asked, catalogue, blend)
    best = best_items(scored, count)
    found: dict[str, list[Any]] = {name: [] for name in _LISTED}
    for row, places in enumerate(best):
        by_trait = asked.weights[row][:, None] * catalogue.shares[:, places]
        for rank, (place, trait) in enumerate(
            zip(places.tolist(), by_trait.argmax(axis=0).tolist(), strict=True), start=1
        ):
            if not scored[row, place] > 0:
                break
            adds = {name: weight * made[name][row, place] for name, weight in blend.items()}
            strongest = max(adds, key=lambda name: adds[name])
            has_trait = "traits" in blend and adds["traits"] > 0
            reason = _reason(strongest, asked, catalogue, row, place, names.get(trait, str(trait)))
            values = (
                row,
                rank,
                catalogue.items[place],
                float(scored[row, place]),
                trait if has_trait else None,
                reason,
            )
            for name, value in zip(_LISTED, values, strict=True):
                found[name].append(value)
    return found


_LISTED = ("customer", "recommendation_rank", "product_id", "score", "trait", "reason")


def _reason(part: str, asked: Asked, catalogue: Catalogue, row: int, place: int, name: str) -> str:
    if part == "traits":
        return f"typical of the trait {name}"
    if part == "recent":
        own = asked.recent[row].multiply(catalogue.similarity[place])
        return f"customers who met {catalogue.items[own.indices[own.data.argmax()]]} also met it"
    if part == "embedding":
        return "close to what the customer looks at"
    return f"{int(catalogue.popularity[place])} customers met it"
