"""How good recommendations are, in time: what was recommended before a window against what customers then went on to."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from attribution_dagster.core.traits.catalogue import Asked, Catalogue, blocks
from attribution_dagster.core.traits.customers import CustomerTokens
from attribution_dagster.core.traits.ranking import best_items, ndcg_of, recall_of
from attribution_dagster.core.traits.recommending import METHODS, scores
from attribution_dagster.core.traits.tasks import Measured

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
CUTOFFS = (10, 20)


def wanted_items(
    later: CustomerTokens, users: tuple[str, ...], asked: Asked, catalogue: Catalogue
) -> sparse.csr_matrix:
    """What these users went on to in the later time, without what they had bought before, as ones of shape (N, M)."""
    number = {item: place for place, item in enumerate(catalogue.items)}
    row_of = {user: row for row, user in enumerate(users)}
    row = np.array([row_of.get(user, -1) for user in later.users], dtype=np.int64)[later.user]
    column = np.array([number.get(item, -1) for item in later.items], dtype=np.int64)[later.token]
    kept = (row >= 0) & (column >= 0)
    shape = (len(users), len(catalogue.items))
    found = sparse.csr_matrix((np.ones(int(kept.sum())), (row[kept], column[kept])), shape=shape)
    found.data[:] = 1.0
    found = (found - found.multiply(asked.owned)).tocsr()
    found.eliminate_zeros()
    return found


def reachable_share(later: CustomerTokens, users: tuple[str, ...], catalogue: Catalogue) -> float | None:
    """The share of what these users met later that was in the catalogue: the rest, new since, no list could hold. None if they met nothing."""
    known = np.isin(np.array(later.users, dtype=object), users)[later.user]
    pairs = np.unique(np.stack([later.user, later.catalogue[1][later.token]])[:, known], axis=1)
    items = {item for item, n in zip(catalogue.items, catalogue.popularity, strict=True) if n}
    found = [later.catalogue[0][place] in items for place in pairs[1].tolist()]
    return sum(found) / len(found) if found else None


def evaluate(
    asked: Asked, catalogue: Catalogue, wanted: sparse.csr_matrix, blend: Mapping[str, float], default: str
) -> list[dict[str, Any]]:
    """Rows of `recommendation_metrics`: recall, NDCG and coverage of each method, and the default's paired gain over it.

    Only customers who went on to something count; lists are drawn from the whole catalogue.
    """
    who = np.flatnonzero(np.diff(wanted.indptr) > 0)
    some, target = asked.rows(who), wanted[who]
    lists = {method: _lists(method, some, catalogue, blend) for method in METHODS}
    rows = []
    for method in METHODS:
        for cutoff in CUTOFFS:
            of = {name: _figures(lists[name][:, :cutoff], target) for name in {method, default}}
            common = {"method": method, "cutoff": cutoff, "n_customers": len(who), "catalogue": len(catalogue.items)}
            for metric in ("recall", "ndcg"):
                own, gain = Measured.of(of[method][metric]), Measured.of(of[default][metric] - of[method][metric])
                is_other = method != default
                rows.append({
                    **common, "metric": metric, "value": own.value, "value_low": own.low, "value_high": own.high,
                    "gain_low": gain.low if is_other else None, "gain_high": gain.high if is_other else None,
                })  # fmt: skip
            shown = len(np.unique(lists[method][:, :cutoff])) / max(len(catalogue.items), 1) if len(who) else None
            rows.append({**common, "metric": "coverage", "value": shown})
    return [{**row, "is_default": row["method"] == default} for row in rows]


def _lists(method: str, asked: Asked, catalogue: Catalogue, blend: Mapping[str, float]) -> Ints:
    made = [best_items(scores(method, block, catalogue, blend), max(CUTOFFS)) for _, block in blocks(asked)]
    return np.concatenate(made) if made else np.zeros((0, max(CUTOFFS)), dtype=np.int64)


def _figures(best: Ints, wanted: sparse.csr_matrix) -> dict[str, Floats]:
    return {"recall": recall_of(best, wanted), "ndcg": ndcg_of(best, wanted)}
