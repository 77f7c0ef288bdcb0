"""Similar customers: nearest by cosine, exactly, or above a size by an approximate index whose recall is measured."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from attribution_dagster.core.traits.vectors import unit_rows

if TYPE_CHECKING:
    import hnswlib

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
EXACT_BELOW = 50_000
LEAST_RECALL = 0.95
_CHUNK = 256
_ASKED = 500
_WIDTHS = (64, 128, 256, 512, 1024)


@dataclass(frozen=True, kw_only=True, eq=False)
class Neighbours:
    """For each of N customers the nearest others, the nearest first; fewer than asked for where there are fewer."""

    places: Ints  # (N, count)
    cosines: Floats  # (N, count)
    is_exact: bool
    recall: float


def neighbours(profiles: Floats, count: int, *, exact_below: int = EXACT_BELOW, seed: int = 0) -> Neighbours:
    """The `count` nearest customers of each by cosine of the profiles, shape (N, K), without the customer.

    From `exact_below` customers on by HNSW (Malkov and Yashunin 2016), searched wider until .95 of the true neighbours of 500 customers are found.

    Raises:
        ValueError: the recall is not reached.
    """
    unit = unit_rows(profiles)
    count = min(count, len(unit) - 1)
    if len(unit) < exact_below:
        places, cosines = _exact(unit, np.arange(len(unit)), count)
        return Neighbours(places=places, cosines=cosines, is_exact=True, recall=1.0)
    return _approximate(unit, count, seed)


def _exact(unit: npt.NDArray[np.float32], asked: Ints, count: int) -> tuple[Ints, Floats]:
    places, cosines = np.zeros((len(asked), count), np.int64), np.zeros((len(asked), count))
    for start in range(0, len(asked), _CHUNK):
        rows = asked[start : start + _CHUNK]
        found = unit[rows] @ unit.T
        found[np.arange(len(rows)), rows] = -np.inf
        places[start : start + len(rows)], cosines[start : start + len(rows)] = _largest(found, count)
    return places, cosines


def _largest(scores: npt.NDArray[np.floating], count: int) -> tuple[Ints, Floats]:
    """Columns of the largest scores of each row in descending order, of equal ones those that partition leaves, and the scores."""
    if not count:
        return np.zeros((len(scores), 0), np.int64), np.zeros((len(scores), 0))
    best = np.sort(np.argpartition(-scores, count - 1, axis=1)[:, :count], axis=1)
    values = np.take_along_axis(scores, best, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    return np.take_along_axis(best, order, axis=1), np.take_along_axis(values, order, axis=1).astype(np.float64)


def _approximate(unit: npt.NDArray[np.float32], count: int, seed: int) -> Neighbours:
    import hnswlib

    index = hnswlib.Index(space="ip", dim=unit.shape[1])
    index.init_index(max_elements=len(unit), ef_construction=200, M=16, random_seed=seed)
    index.add_items(unit, num_threads=1)  # with several, the graph depends on which comes first
    asked = np.sort(np.random.default_rng(seed).permutation(len(unit))[:_ASKED])
    truth = _exact(unit, asked, count)[1]
    for width in (w for w in _WIDTHS if w > count):
        index.set_ef(width)
        found = _without_self(index, unit, asked, count)
        recall = recall_of(found[1], truth)
        if recall >= LEAST_RECALL:
            places, cosines = _without_self(index, unit, np.arange(len(unit)), count)
            return Neighbours(places=places, cosines=cosines, is_exact=False, recall=recall)
    raise ValueError(
        f"the approximate index finds {recall:.3f} of the true neighbours, less than {LEAST_RECALL}: raise exact_below"
    )


def recall_of(found: Floats, truth: Floats) -> float:
    """The share of the true neighbours that were found, from the cosines of both, each of shape (asked, count).

    Customers with equal profiles tie: whoever is as near as the farthest true neighbour is one.
    """
    return float((found >= truth[:, -1:] - 1e-5).mean())


def _without_self(
    index: "hnswlib.Index", unit: npt.NDArray[np.float32], asked: Ints, count: int
) -> tuple[Ints, Floats]:
    labels, distances = index.knn_query(unit[asked], k=count + 1)
    labels, cosines = labels.astype(np.int64), 1.0 - distances.astype(np.float64)
    cosines[labels == asked[:, None]] = -np.inf  # itself goes last; where it was not found, the farthest goes
    order = np.argsort(-cosines, axis=1, kind="stable")[:, :count]
    return np.take_along_axis(labels, order, axis=1), np.take_along_axis(cosines, order, axis=1)
