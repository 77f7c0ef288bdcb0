"""Recommendations: customers by items scores of five methods, what is owned removed, in blocks of customers.

popularity      customers who had the item
last_item       cosine of the item's vector with that of the customer's last item
co_occurrence   sum over the customer's items of the cosine of the two items' sets of customers (Linden, Smith and York 2003)
traits          sum over traits of the customer's weight times the item's share of the trait
blend           a weighted sum of parts, each divided by its largest value for the customer: recent co-occurrence, traits, popularity, and
                the cosine of the item with the customer's embedding; weights chosen on the last training window
"""

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from attribution_dagster.core.traits.catalogue import Asked, Catalogue, blocks
from attribution_dagster.core.traits.ranking import best_items, recall_of

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
METHODS = ("blend", "traits", "popularity", "last_item", "co_occurrence")
PARTS = ("recent", "traits", "embedding", "popularity")
BLEND_LENGTH = 20
"""Items of a list by whose recall the blend is chosen."""
_GRID: Mapping[str, tuple[float, ...]] = {
    "recent": (0.0, 1.0),
    "traits": (0.0, 0.25, 0.5, 1.0),
    "embedding": (0.0, 0.25),
    "popularity": (0.0, 0.25),
}


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
        found = _weighted(parts(asked, catalogue), blend)
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


def choose_blend(
    asked: Asked, catalogue: Catalogue, wanted: sparse.csr_matrix, customers: int, seed: int
) -> dict[str, float]:
    """The weights of the blend under which most of the wanted items are among the first 20, as a mean over at most so many customers.

    Args:
        wanted: what they went on to, shape (N, M).
    """
    who = np.flatnonzero(np.diff(wanted.indptr) > 0)
    drawn = np.sort(np.random.default_rng(seed).permutation(who)[:customers])
    grid = product(*(_GRID[name] for name in PARTS))
    target, tried = wanted[drawn], [dict(zip(PARTS, values, strict=True)) for values in grid if any(values)]
    found = np.zeros(len(tried))
    for chosen, block in blocks(asked.rows(drawn)):
        made, is_owned = parts(block, catalogue), block.owned.toarray() > 0
        for place, weights in enumerate(tried):
            scored = np.where(is_owned, -np.inf, _weighted(made, weights))
            found[place] += recall_of(best_items(scored, BLEND_LENGTH), target[chosen]).sum()
    best = tried[int(found.argmax())] if len(drawn) else {"recent": 1.0}
    return {name: weight for name, weight in best.items() if weight}


def _weighted(made: Mapping[str, Floats], weights: Mapping[str, float]) -> Floats:
    blank = np.zeros_like(next(iter(made.values())))
    return sum((weight * made[name] for name, weight in weights.items() if weight), blank)


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
