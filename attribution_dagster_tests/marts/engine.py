"""Run one mart on hand-made tables: the file as written, transpiled to DuckDB."""

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

import duckdb
import pyarrow as pa
import sqlglot
from sqlglot import exp

from attribution_dagster.core.signals import signal_bounds
from attribution_dagster.warehouse.queries import load_query, sql_folder, transpile

SQL = sql_folder()
WINDOW = datetime.datetime(2025, 1, 6)
ATTRIBUTION = pa.schema(
    [
        ("window_start", pa.timestamp("us")),
        ("session_id", pa.string()),
        ("label", pa.int8()),
        ("event_position", pa.int32()),
        ("gradient_attribution", pa.float64()),
        ("event_type", pa.string()),
        ("store_id", pa.string()),
        ("signed_attribution", pa.float64()),
        ("centred_attribution", pa.float64()),
        ("relative_attribution", pa.float64()),
        ("store_name", pa.string()),
        ("primary_category", pa.string()),
        ("primary_tag", pa.string()),
        ("user_id", pa.string()),
        ("in_risk_set", pa.bool_()),
        ("n_events", pa.int32()),
        ("probability", pa.float64()),
    ]
)
STATISTICS = "attribution_statistics"
MARTS = {
    "transformer_event_attribution": ["event_type"],
    "transformer_position_attribution": ["bin_order"],
    "transformer_category_attribution": ["primary_category", "primary_tag"],
    "transformer_event_position_attribution": ["event_type", "bin_order"],
    "transformer_store_attribution": ["store_id", "store_name"],
}


def occurrence(user: str, label: int, centred: float, **columns: Any) -> dict[str, Any]:
    """One row of gradient_attribution; what a test does not care about has a plain value."""
    row = {
        "window_start": WINDOW,
        "session_id": f"{user}_{label}",
        "label": label,
        "event_position": 0,
        "gradient_attribution": 0.5,
        "event_type": "click",
        "signed_attribution": centred - 0.1,
        "centred_attribution": centred,
        "relative_attribution": 1.0,
        "user_id": user,
        "in_risk_set": True,
        "n_events": 1,
        "probability": 0.5,
    }
    return row | columns


def attribution_table(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows as the table that every mart reads."""
    return pa.Table.from_pylist([dict(row) for row in rows], schema=ATTRIBUTION)


def roles(*funnel: str) -> pa.Table:
    """event_roles in which these types belong to the funnel."""
    return pa.table(
        {"event_type": pa.array(funnel, pa.string()), "is_funnel": pa.array([True] * len(funnel), pa.bool_())}
    )


def suspected(*names: str) -> pa.Table:
    """suspected_leakage in which these types, and no others, are suspected."""
    count = len(names)
    return pa.table(
        {
            "window_start": pa.array([WINDOW] * count, pa.timestamp("us")),
            "event_type": pa.array(names, pa.string()),
            "is_suspected": pa.array([True] * count, pa.bool_()),
        }
    )


def run_sql(
    name: str, tables: Mapping[str, pa.Table], minimum_support: int = 1, variant: str = "no_funnel"
) -> pa.Table:
    """Answer of sql/marts/<name>.sql on these tables."""
    query = load_query(f"marts/{name}", variant)
    offered = {**signal_bounds(), "window_start": WINDOW, "minimum_support": minimum_support}
    with duckdb.connect() as connection:
        for table, content in tables.items():
            connection.register(table, content)
        parameters = {bind: offered[bind] for bind in query.parameters}
        return connection.sql(transpile(query, "duckdb"), params=parameters).to_arrow_table()


def run_mart(
    name: str, rows: Iterable[Mapping[str, Any]], minimum_support: int = 1, funnel: tuple[str, ...] = ()
) -> pa.Table:
    """Answer of an aggregate over occurrences, through the statistics it is read from."""
    statistics = run_statistics(rows, minimum_support)
    return run_sql(name, {f"{STATISTICS}_no_funnel": statistics, "event_roles": roles(*funnel)}, minimum_support)


def run_statistics(rows: Iterable[Mapping[str, Any]] | pa.Table, minimum_support: int = 1) -> pa.Table:
    """The statistics of all granularities over occurrences."""
    attribution = rows if isinstance(rows, pa.Table) else attribution_table(rows)
    return run_sql(STATISTICS, {"gradient_attribution_no_funnel": attribution}, minimum_support)


def documented_columns(name: str) -> dict[str, tuple[str, str]]:
    """Column -> (DuckDB type, comment) of sql/ddl/<name>.sql."""
    statement = sqlglot.parse_one((SQL / "ddl" / f"{name}.sql").read_text().replace("{variant}", "v"), read="snowflake")
    columns = {}
    for column in statement.find_all(exp.ColumnDef):
        comment = column.find(exp.CommentColumnConstraint)
        kind = column.args["kind"].sql("duckdb")
        columns[column.name] = (kind, comment.this.name if comment else "")
    return columns
