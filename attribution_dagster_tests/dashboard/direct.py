"""What each section has to show, as a plain SELECT over the published files: written beside the queries of sql/dashboard, and without them."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import duckdb

from attribution_dagster.reports.cells import written
from attribution_dagster.reports.labels import one_line
from attribution_dagster.reports.sections.section import Column, Section
from attribution_dagster.resources.workspace import Workspace

Rows = list[dict[str, Any]]
_SPREAD = "(SELECT * FROM attribution_spread_no_funnel WHERE granularity = '{of}') s ON s.name = e.{name}"
_RETRAINED = "SELECT e.*, s.retraining_low, s.retraining_high, s.retraining_q FROM {table} e LEFT JOIN " + _SPREAD
_RATES = """
SELECT
    {by}, n AS sessions, k AS converted, k / n AS conversion_rate, predicted AS mean_probability, targeted,
    greatest(0, (k + 1.9208 - 1.96 * sqrt(k * (n - k) / n + .9604)) / (n + 3.8416)) AS conversion_rate_low,
    (k + 1.9208 + 1.96 * sqrt(k * (n - k) / n + .9604)) / (n + 3.8416) AS conversion_rate_high
FROM (
    SELECT {by}, count(*) AS n, count(*) FILTER (label = 1) AS k, avg(conversion_probability) AS predicted,
        count(*) FILTER (is_targeted) AS targeted
    FROM conversion_predictions GROUP BY ALL
)
"""
_NAMED = "SELECT t.*, (SELECT suggested_name FROM trait_profiles p WHERE p.trait = t.trait) AS suggested_name"
DIRECT = {
    "event_types": _RETRAINED.format(
        table="transformer_event_attribution_no_funnel", of="event_type", name="event_type"
    ),
    "positions": _RETRAINED.format(
        table="transformer_position_attribution_no_funnel", of="position", name="position_bin"
    ),
    "stores": """
        SELECT * FROM (SELECT DISTINCT ON (store_id) * FROM transformer_store_attribution_no_funnel WHERE store_id IS NOT NULL)
        ORDER BY has_minimum_support DESC, abs(mean_centred_effect) DESC, store_id LIMIT 25
    """,
    "drift": "SELECT *, window_start AS window_date FROM transformer_event_attribution_no_funnel",
    "funnel_windows": "SELECT *, window_start AS window_date FROM funnel_metrics",
    "segments": _RATES.format(by="risk_segment"),
    "deciles": _RATES.format(by="decile"),
    "quality": "SELECT * FROM conversion_metrics WHERE segment = 'all'",
    "reasons": """
        SELECT risk_segment, regexp_extract(reason_1, '^(.*?) = ', 1) AS feature, count(*) AS sessions, sum(label) AS converted,
            mean(conversion_probability) AS mean_probability
        FROM conversion_predictions WHERE reason_1 <> '' GROUP BY ALL
    """,
    "risk_sessions": "SELECT * FROM conversion_predictions ORDER BY conversion_probability DESC, session_id LIMIT 25",
    "groups": """
        SELECT score_group, count(*) AS units, mean(uplift) AS mean_uplift, any_value(group_effect) AS group_effect,
            any_value(group_effect_low) AS group_effect_low, any_value(group_effect_high) AS group_effect_high,
            mean(control_rate) AS mean_control_rate
        FROM uplift_scores GROUP BY ALL
    """,
    "quadrants": """
        SELECT quadrant, action, count(*) AS units, count(*) / (SELECT count(*) FROM uplift_scores) AS share_of_units,
            mean(uplift) AS mean_uplift, mean(uplift_low) AS mean_uplift_low, mean(uplift_high) AS mean_uplift_high,
            mean(control_rate) AS mean_control_rate
        FROM uplift_scores GROUP BY ALL
    """,
    "units": "SELECT * FROM uplift_scores ORDER BY uplift DESC, session_id LIMIT 25",
    "credit": """
        SELECT c.*, (SELECT purchases_added FROM ad_counterfactuals a WHERE a.campaign_id = c.campaign_id) AS purchases_added
        FROM campaign_credit c
    """,
    "trait_items": f"{_NAMED} FROM trait_items t",
    "customers": f"{_NAMED} FROM customer_traits t WHERE is_dominant ORDER BY weight DESC, user_id LIMIT 25",
    "weights": "SELECT * FROM customer_traits JOIN trait_profiles USING (trait) WHERE user_id = $customer",
    "similar": "SELECT * FROM similar_customers WHERE user_id = $customer",
    "recommended": "SELECT * FROM recommendations WHERE user_id = $customer",
    "sessions": """
        SELECT *, event_at AS started_at FROM gradient_attribution_no_funnel
        WHERE event_position = 0 AND probability >= $low AND probability <= $high
        ORDER BY probability DESC, session_id LIMIT 25
    """,
}
"""By the section's name. A section that is not here shows its table as it is."""


def published_window(workspace: Workspace) -> str:
    """Key of the latest published window."""
    return workspace.warehouse.published_windows()[-1]


def direct(workspace: Workspace, query: str, **parameters: object) -> Rows:
    """The rows of a query on the very files of the latest published window's manifest, by a connection of its own."""
    manifest = workspace.warehouse.manifest(published_window(workspace))
    assert manifest is not None
    folder = workspace.settings.home / "warehouse" / workspace.profile.name
    with duckdb.connect() as connection:
        for table, published in manifest.tables.items():
            connection.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{folder / published.location}')")
        return connection.sql(query, params=parameters or None).to_arrow_table().to_pylist()


def published_rows(workspace: Workspace, table: str) -> Rows:
    """All rows of a table of the latest published window."""
    return direct(workspace, f"SELECT * FROM {table}")


def expected(workspace: Workspace, section: Section, **parameters: object) -> Rows:
    """What the section has to show of the variant no_funnel."""
    table = section.needs.replace("{variant}", "no_funnel")
    return direct(workspace, DIRECT.get(section.name, f"SELECT * FROM {table}"), **parameters)


def differences(shown: Rows, known: Rows, columns: Mapping[str, Column]) -> list[str]:
    """Each cell of the shown rows that is not what it should be; rows are put into one order by all that is in them."""
    if not shown or len(shown) != len(known):
        return [f"{len(shown)} rows are shown of {len(known)}"]
    pairs = zip(_ordered(shown, columns), _ordered(known, columns), strict=True)
    return [f"{n}: {a[n]} for {b[n]}" for a, b in pairs for n in columns if not _same(a[n], b[n])]


def _ordered(rows: Rows, columns: Mapping[str, Column]) -> Sequence[dict[str, Any]]:
    as_shown = [{name: _cell(row[name], column) for name, column in columns.items()} for row in rows]
    exact = [name for name, column in columns.items() if column.kind not in ("number", "amount", "share", "usd")]
    return sorted(as_shown, key=lambda row: ([str(row[name]) for name in exact], [str(v)[:9] for v in row.values()]))


def _cell(value: Any, column: Column) -> Any:
    if value is None or value != value:
        return None
    if column.kind in ("text", "long_text"):
        return one_line(str(value))
    if column.kind == "p_value":
        return value if isinstance(value, str) else written(value, "p_value")
    if column.kind == "count":
        return round(value)
    if column.kind in ("number", "amount", "share", "usd"):
        return float(value)
    return datetime.fromisoformat(str(value)) if column.kind == "time" else value


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float | int):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    return bool(one == other)
