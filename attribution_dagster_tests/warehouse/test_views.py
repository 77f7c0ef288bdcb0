"""The views for BI tools, created in Snowflake as `attribution views` prints them: each holds the rows that it has on DuckDB."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from attribution_dagster.datasets.registry import load_profile
from attribution_dagster.settings import Settings
from attribution_dagster.warehouse.ddl import table_definition
from attribution_dagster.warehouse.protocol import Warehouse
from attribution_dagster.warehouse.registry import open_warehouse
from attribution_dagster.warehouse.snowflake_session import SnowflakeSession
from attribution_dagster.warehouse.views import create_statements, view_columns, view_query, views_of
from attribution_dagster_tests.warehouse.live import LIVE, live, live_account
from attribution_dagster_tests.warehouse.stand_in import account

WINDOWS = {"2025-01-20": datetime(2025, 1, 20), "2025-01-27": datetime(2025, 1, 27)}
TEXTS = ("a", "b", "<b>'; DROP TABLE sessions; --", None)
NUMBERS = (3, 0, -7, None)
FLAGS = (True, False, False, None)


@contextmanager
def settings_of(engine: str, request: pytest.FixtureRequest, dataset: str) -> Iterator[Mapping[str, str]]:
    if engine == LIVE:
        with live_account() as of_account:
            yield of_account
    else:
        yield account(request.getfixturevalue("snowflake_url"), f"views_of_{dataset}")


def opened(dataset: str, home: Path, environment: Mapping[str, str]) -> tuple[Warehouse, Settings]:
    small = {"ATTRIBUTION_HOME": str(home), "ATTRIBUTION_MEMORY_LIMIT": "500MB", "ATTRIBUTION_THREADS": "1"}
    settings = Settings.from_environment(small | dict(environment))
    return open_warehouse(dataset, settings), settings


def rows(table: str, key: str) -> pa.Table:
    """Four rows of the table: in each column the values of its type, each table beginning elsewhere in them."""
    found: dict[str, Any] = {}
    for column in table_definition(table).schema:
        texts = pa.types.is_string(column.type)
        values = TEXTS if texts else FLAGS if pa.types.is_boolean(column.type) else NUMBERS
        found[column.name] = pa.array(values).cast(column.type) if not pa.types.is_temporal(column.type) else None
        if found[column.name] is None:
            found[column.name] = pa.array([WINDOWS[key]] * len(TEXTS)).cast(column.type)
    return pa.table(found)


def publish(warehouse: Warehouse, every: set[str]) -> None:
    """All tables in the first window; in the next only those of stores, of which the view takes the latest name."""
    first, then = WINDOWS
    for key, tables in ((first, every), (then, {table for table in every if "store" in table})):
        for table in tables:
            warehouse.load(table, key, "1", rows(table, key).to_batches())
        warehouse.publish(key, dict.fromkeys(tables, "1"), {})


@pytest.mark.parametrize("engine", ["snowflake", live])
@pytest.mark.parametrize("dataset", ["ads", "simulated_coupon"])
def test_views_created_in_snowflake_hold_what_they_hold_on_duckdb(
    engine: str, dataset: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    profile = load_profile(dataset)
    queries = {name: view_query(name, list(profile.variants)) for name in views_of(profile)}
    tables = {table.removesuffix("_history") for query in queries.values() for table in query.tables}
    with settings_of(engine, request, dataset) as environment:
        here, _ = opened(dataset, tmp_path, {})
        there, settings = opened(dataset, tmp_path, environment)
        assert settings.snowflake is not None
        for warehouse in (here, there):
            publish(warehouse, tables)
        session = SnowflakeSession(settings.snowflake, dataset, settings.snowflake.schema_of(dataset))
        for _ in range(2):  # as after an upgrade, when they are there already
            for statement in create_statements(profile):
                session.execute(statement)
        for name, query in queries.items():
            columns = view_columns(query)
            found = session.rows(f"SELECT {', '.join(columns)} FROM {name}")
            wanted = [tuple(row.values()) for row in here.fetch(query, {}, "published").to_pylist()]
            assert sorted(map(repr, found)) == sorted(map(repr, wanted)) and wanted, name
        for opener in (here, there, session):
            opener.close()
