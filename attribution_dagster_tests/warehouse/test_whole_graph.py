"""The whole graph on every other engine: each table as on DuckDB, value for value.

Snowflake's stand-in is DuckDB inside; Spark is an engine of its own, and so the witness that the SQL says what it should.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from attribution_dagster.cli.launch import launch
from attribution_dagster.graph import tables_of
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.ddl import table_definition
from attribution_dagster.warehouse.queries import parse_query
from attribution_dagster.warehouse.registry import WAREHOUSES
from attribution_dagster_tests.pipeline.small import EXPLAINED, VARIANTS, own_dagster_home, small_workspace
from attribution_dagster_tests.warehouse.local_spark import LOCAL_SPARK, needs_spark
from attribution_dagster_tests.warehouse.stand_in import account

TABLES = sorted({table for tables in tables_of(VARIANTS).values() for table in tables} - {"canonical_events"})
OWN = {
    "source_hours": {"content_digest"},
    **{f"method_comparison_{variant}": {"seconds_per_1000_sessions"} for variant in VARIANTS},
}
"""Columns that are each run's own: HASH is another function in each engine, and clocks differ."""


@pytest.fixture(scope="module", params=sorted(set(WAREHOUSES) - {"duckdb"}))
def elsewhere(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    if request.param == "spark":
        needs_spark()
        settings = LOCAL_SPARK
    else:
        settings = account(request.getfixturevalue("snowflake_url"), "whole_graph")
    root: Path = tmp_path_factory.mktemp(request.param)
    with own_dagster_home(root):
        workspace = small_workspace(root, settings=settings)
        launch(workspace, None)
        yield workspace
        workspace.warehouse.close()


@pytest.mark.parametrize("scope", ["work", "published"])
def test_every_table_is_as_on_duckdb(published: Workspace, elsewhere: Workspace, scope: Any) -> None:
    filled = 0
    for table in TABLES:
        columns = [column.name for column in table_definition(table).columns if column.name not in OWN.get(table, ())]
        query = parse_query("all", f"SELECT {', '.join(columns)} FROM {table}")
        want, got = (each.warehouse.fetch(query, {}, scope) for each in (published, elsewhere))
        assert got.column_names == want.column_names and got.num_rows == want.num_rows, table
        filled += bool(want.num_rows)
        for one, other in zip(_ordered(want), _ordered(got), strict=True):
            for name, value in one.items():
                assert _same(value, other[name]), (
                    f"{table}.{name}: {value!r} on DuckDB, {other[name]!r} elsewhere, in {one}"
                )
    assert filled > len(TABLES) // 2


def test_what_is_published_rests_on_the_same_evidence(published: Workspace, elsewhere: Workspace) -> None:
    want, got = (each.warehouse.manifest(EXPLAINED) for each in (published, elsewhere))
    assert want is not None and got is not None and set(got.tables) == set(want.tables)
    assert {name: each.rows for name, each in got.tables.items()} == {
        name: each.rows for name, each in want.tables.items()
    }


def _ordered(table: pa.Table) -> list[dict[str, Any]]:
    """Rows by their texts and moments first, which are exact, then by the numbers, which may differ in the last digits."""
    inexact = {field.name for field in table.schema if pa.types.is_floating(field.type)}
    exact = [name for name in table.column_names if name not in inexact]

    def key(row: dict[str, Any]) -> tuple[list[str], list[str]]:
        return [repr(row[name]) for name in exact], [f"{row[name] or 0:.6g}" for name in sorted(inexact)]

    return sorted(table.to_pylist(), key=key)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12) or (math.isnan(one) and math.isnan(other))
    return type(one) is type(other) and one == other
