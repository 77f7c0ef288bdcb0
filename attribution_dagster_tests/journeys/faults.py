"""A fault for every expectation of ad journeys: what a broken asset would have written, such that this one fails and its neighbours hold."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa

from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.journeys.small import EXPLAINED

Rows = list[dict[str, Any]]


def rewrite(workspace: Workspace, table: str, change: Callable[[Rows], object]) -> None:
    """Replaces a table's slice, as a faulty asset would have written it; `change` works in place."""
    slice_ = workspace.slice_of(table, EXPLAINED)
    rows: Rows = slice_.to_pylist()
    change(rows)
    faulty = pa.Table.from_pylist(rows, schema=slice_.schema)
    workspace.warehouse.load(table, EXPLAINED, f"faulty-{uuid.uuid4().hex}", faulty.to_batches())


def report(workspace: Workspace, asset: str, **changes: object) -> None:
    """Replaces figures in an asset's report."""
    record = workspace.artifacts.record(asset, EXPLAINED)
    assert record is not None
    workspace.artifacts.save_record(asset, EXPLAINED, replace(record, report={**record.report, **changes}))


def first(condition: Callable[[dict[str, Any]], bool] = lambda row: True, **values: Any) -> Callable[[Rows], object]:
    """Sets values in the first row for which the condition holds."""
    return lambda rows: next(row for row in rows if condition(row)).update(values)


def more(name: str) -> Callable[[Rows], object]:
    """Adds one to a figure of the first row."""
    return lambda rows: rows[0].update({name: rows[0][name] + 1})


def _lose_impressions(rows: Rows) -> None:
    """Every tenth won auction is lost after all: its impression comes from nowhere."""
    for row in [row for row in rows if row["is_won"]][::10]:
        row["is_won"] = False


FAULTS: Mapping[str, Callable[[Workspace], object]] = {
    "auctions_served": lambda w: rewrite(w, "ad_auctions", _lose_impressions),
    "journeys_counted": lambda w: rewrite(w, "ad_journeys", first(lambda r: r["n_events"] > 0, impressions=99)),
    "clicks_have_impressions": lambda w: rewrite(
        w, "ad_journey_events", first(lambda r: r["event_type"] == "click", exposure=99)
    ),
    "journey_weights_finite": lambda w: report(w, "journey_model", non_finite_weights=1),
    "journey_metrics_in_range": lambda w: rewrite(
        w, "journey_metrics", first(lambda r: r["model"] == "prior", brier=1.5)
    ),
    "journey_calibrated": lambda w: rewrite(
        w, "journey_metrics", first(lambda r: r["model"] == "journey_model", ece=0.3)
    ),
    "credit_divided": lambda w: rewrite(w, "campaign_credit", more("purchases")),
    "embeddings_complete": lambda w: rewrite(w, "journey_embeddings", lambda rows: rows.pop()),
    "credits_add_up": lambda w: rewrite(
        w, "ad_counterfactuals", lambda rows: rows[1].update(purchases_added=rows[1]["purchases_added"] + 0.01)
    ),
    "event_effects_complete": lambda w: rewrite(w, "ad_event_counterfactuals", first(effect_dropped=1.5)),
    "increments_complete": lambda w: rewrite(w, "ad_increments", lambda rows: rows.append(dict(rows[0]))),
    "negative_control_null": lambda w: rewrite(
        w,
        "ad_increments",
        first(
            lambda r: r["is_negative_control"] and r["estimator"] == "doubly_robust",
            purchases_added=50.0,
            effect_low=10.0,
            effect_high=90.0,
        ),
    ),
    "importance_complete": lambda w: rewrite(w, "feature_importance", first(mean_effect=None)),
}
"""Name of the expectation -> what makes it fail."""
WITHOUT_ROWS = {"journey_weights_finite"}
"""Expectations whose fault lies in a figure counted in Python, so that no row of a table is wrong."""
