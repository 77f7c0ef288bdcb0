"""A fault for every expectation of customer traits: what a broken asset would have written, such that this one fails and its neighbours hold."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa

from attribution_dagster.resources.workspace import Workspace

EXPLAINED = "2025-01-20"
Rows = list[dict[str, Any]]


def rewrite(workspace: Workspace, table: str, change: Callable[[Rows], object]) -> None:
    """Replaces a table's slice, as a faulty asset would have written it; `change` works in place."""
    slice_ = workspace.slice_of(table, EXPLAINED)
    rows: Rows = slice_.to_pylist()
    change(rows)
    faulty = pa.Table.from_pylist(rows, schema=slice_.schema)
    workspace.warehouse.load(table, EXPLAINED, f"faulty-{uuid.uuid4().hex}", faulty.to_batches())


def more(asset: str, **changes: float) -> Callable[[Workspace, str], object]:
    """Sets figures of the asset's report."""

    def fault(workspace: Workspace, _: str) -> None:
        record = workspace.artifacts.record(asset, EXPLAINED)
        assert record is not None
        workspace.artifacts.save_record(asset, EXPLAINED, replace(record, report={**record.report, **changes}))

    return fault


def wrong(table: str, change: Callable[[Rows], object]) -> Callable[[Workspace, str], object]:
    """Rewrites a table."""
    return lambda workspace, _: rewrite(workspace, table, change)


def _everything_unknown(rows: Rows) -> None:
    for row in rows:
        row.update(known_share=0.1, category_share=0.1, action_share=0.8)


def _clearly_worse(rows: Rows) -> None:
    for row in rows:
        if (row["method"], row["cutoff"], row["metric"]) == ("popularity", 10, "ndcg"):
            row.update(gain_low=-0.2, gain_high=-0.1)


def _buy_what_is_recommended(workspace: Workspace, _: str) -> None:
    """Somebody buys, in the window, what he is recommended at its end."""
    first = workspace.slice_of("recommendations", EXPLAINED).to_pylist()[0]

    def change(rows: Rows) -> None:
        row = next(row for row in rows if row["event_type"] == "order_placed")
        row.update(user_id=first["user_id"], product_id=first["product_id"])

    rewrite(workspace, "session_events", change)


TRAIT_FAULTS: Mapping[str, Callable[[Workspace, str], object]] = {
    "sentences_counted": more("item2vec", given_tokens=1),
    "item_tokens_valid": wrong("item_tokens", lambda rows: rows[1].update(token=rows[0]["token"])),
    "customers_embedded": wrong("customer_embeddings", lambda rows: rows.append(dict(rows[0]))),
    "customers_covered": wrong("customer_embeddings", _everything_unknown),
    "traits_sum_to_one": wrong("customer_traits", lambda rows: rows[0].update(weight=rows[0]["weight"] / 2)),
    "trait_comparison_complete": wrong("trait_comparison", lambda rows: rows.remove(next(r for r in rows if r["is_default"]))),
    "trait_profiles_complete": wrong("trait_profiles", lambda rows: rows[0].update(customers=rows[0]["customers"] + 1)),
    "trait_items_valid": wrong("trait_items", lambda rows: rows[0].update(over_representation=99.0)),
    "similar_customers_valid": wrong("similar_customers", lambda rows: rows[0].update(similar_user_id=rows[0]["user_id"])),
    "similar_customers_found": more("similar_customers", recall=0.9),
    "recommendations_valid": _buy_what_is_recommended,
    "recommendation_metrics_complete": wrong("recommendation_metrics", lambda rows: rows[0].update(value=1.5)),
    "recommendations_not_worse": wrong("recommendation_metrics", _clearly_worse),
    "traits_steady": wrong("trait_drift", lambda rows: rows[0].update(is_drift=True)),
}  # fmt: skip
"""Name of the expectation -> what makes it fail."""
TRAITS_WITHOUT_ROWS = {"sentences_counted", "similar_customers_found", "trait_comparison_complete"}
"""Expectations whose fault lies in a figure counted in Python, or in a row that lacks."""
