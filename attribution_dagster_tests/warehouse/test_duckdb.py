"""The embedded warehouse: typed tables, immutable versions, one manifest per window, pruning."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from attribution_dagster.errors import ConfigurationError, DataError, MissingInputError
from attribution_dagster.warehouse.ddl import table_definition, table_names
from attribution_dagster.warehouse.duckdb import DuckDBWarehouse
from attribution_dagster.warehouse.protocol import Warehouse
from attribution_dagster.warehouse.queries import load_query, parse_query
from attribution_dagster_tests.warehouse.publisher import TABLES, WINDOW, write
from attribution_dagster_tests.warehouse.shop import Shop, event, shop_profile

BOTH = parse_query(
    "both",
    "SELECT (SELECT MIN(sample_rank) FROM sampled_users) AS a, (SELECT MAX(sample_rank) FROM sampled_users) AS b, "
    "(SELECT MIN(cut_at) FROM risk_set) AS c, (SELECT MAX(cut_at) FROM risk_set) AS d, "
    "(SELECT COUNT(*) FROM risk_set) AS n",
)
USERS = parse_query("users", "SELECT user_id, sample_rank FROM sampled_users")


@pytest.fixture
def warehouse(tmp_path: Path):
    with DuckDBWarehouse(root=tmp_path, profile=shop_profile(), threads=1) as opened:
        yield opened


def test_it_is_a_warehouse(warehouse: DuckDBWarehouse) -> None:
    port: Warehouse = warehouse
    verbs = {name for name in vars(Warehouse) if not name.startswith("_")}
    assert all(callable(getattr(port, verb)) for verb in verbs) and port.dataset == "shop"


@pytest.mark.parametrize("scope", ["work", "published"])
@pytest.mark.parametrize("name", [name for name in table_names() if "{" not in name and name != "canonical_events"])
def test_table_without_slices_is_empty_and_typed(warehouse: DuckDBWarehouse, name: str, scope: str) -> None:
    table = warehouse.fetch(parse_query("all", f"SELECT * FROM {name}"), {}, scope)
    assert table.num_rows == 0
    assert table.column_names == [column.name for column in table_definition(name).columns]
    assert pa.null() not in table.schema.types


@pytest.mark.parametrize("name", table_names())
def test_every_column_is_documented(name: str) -> None:
    definition = table_definition(name.replace("{variant}", "no_funnel"))
    assert definition.comment and all(len(column.comment) > 8 for column in definition.columns)
    first = {"source_hours": "hour_start", "canonical_events": "event_id"}
    assert definition.columns[0].name == first.get(name, "window_start")


def test_build_casts_to_the_documented_types(tmp_path: Path) -> None:
    with Shop(tmp_path) as shop:
        shop.run([event("a", datetime(2025, 1, 6, 12))])
        for name in ("stg_events", "rejected_events", "session_events", "sessions"):
            built = shop.warehouse.fetch(parse_query("all", f"SELECT * FROM {name}"), {}).schema
            empty = shop.warehouse.fetch(parse_query("all", f"SELECT * FROM {name}"), {}, "published").schema
            assert built == empty


def test_version_once_written_is_kept(warehouse: DuckDBWarehouse) -> None:
    write(warehouse, 1)
    [file] = warehouse._slices.current_files("sampled_users")
    before = file.stat().st_ino
    write(warehouse, 2)
    assert warehouse.current("sampled_users", WINDOW) == "2"
    write(warehouse, 1)
    assert warehouse.current("sampled_users", WINDOW) == "1" and file.stat().st_ino == before


def test_failed_write_leaves_everything_as_it_was(warehouse: DuckDBWarehouse) -> None:
    write(warehouse, 1)

    def breaks():
        yield warehouse.fetch(parse_query("all", "SELECT * FROM sampled_users"), {}).to_batches()[0]
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        warehouse.load("sampled_users", WINDOW, "2", breaks())
    failing = parse_query("failing", "SELECT CAST('x' AS BIGINT) AS sample_rank, * FROM risk_set")
    with pytest.raises((DataError, ConfigurationError), match="query failing"):
        warehouse.build("sampled_users", WINDOW, "3", failing, {})
    assert warehouse.current("sampled_users", WINDOW) == "1"
    assert len(list(warehouse._slices.folder.glob("work/sampled_users/*/*"))) == 2  # the version and the pointer


def test_load_names_a_missing_column(warehouse: DuckDBWarehouse) -> None:
    with pytest.raises(DataError, match="table sampled_users: the rows lack the column window_start, sample_hash"):
        warehouse.load("sampled_users", WINDOW, "1", pa.table({"user_id": ["a"], "sample_rank": [1]}).to_batches())


def test_published_is_the_latest_window_and_history_is_all(warehouse: DuckDBWarehouse) -> None:
    write(warehouse, 1)
    warehouse.publish(WINDOW, dict.fromkeys(TABLES, "1"), {"checks": "passed"})
    rows = warehouse.fetch(USERS, {}).slice(0, 3)
    later = pa.table({**{n: rows[n] for n in rows.column_names}, "sample_hash": ["y"] * 3})
    later = later.append_column("window_start", pa.array([datetime(2025, 1, 7)] * 3, pa.timestamp("us")))
    warehouse.load("sampled_users", "2025-01-07", "9", later.to_batches())
    history = parse_query("history", "SELECT user_id FROM sampled_users_history")
    assert warehouse.fetch(USERS, {}, "published").num_rows == 500
    manifest = warehouse.publish("2025-01-07", {"sampled_users": "9"}, {})
    assert manifest.tables["sampled_users"].rows == 3
    assert warehouse.fetch(USERS, {}, "published").num_rows == 3
    assert warehouse.fetch(history, {}, "published").num_rows == 503
    assert warehouse.published_windows() == [WINDOW, "2025-01-07"]
    assert warehouse.manifest(WINDOW).evidence == {"checks": "passed"}
    assert warehouse.manifest("2025-01-08") is None


def test_publishing_what_was_never_made_changes_nothing(warehouse: DuckDBWarehouse) -> None:
    write(warehouse, 1)
    for versions, lacking in [
        ({"sampled_users": "1", "sessions": "1"}, "sessions of version 1"),
        ({"sampled_users": "1", "risk_set": "2"}, "risk_set of version 2"),
    ]:
        with pytest.raises(MissingInputError, match=f"window {WINDOW}: there is no {lacking} to publish"):
            warehouse.publish(WINDOW, versions, {})
    assert warehouse.published_windows() == []


def test_what_is_published_is_the_named_version_and_not_the_current_one(warehouse: DuckDBWarehouse) -> None:
    """Another run may write between the audit and the publication."""
    write(warehouse, 1)
    write(warehouse, 2)
    warehouse.publish(WINDOW, dict.fromkeys(TABLES, "1"), {})
    [row] = warehouse.fetch(BOTH, {}, "published").to_pylist()
    assert row["a"] == row["b"] == row["c"] == row["d"] == 1 and warehouse.current("risk_set", WINDOW) == "2"


def test_reader_sees_old_or_new_even_if_the_publisher_is_killed(tmp_path: Path, warehouse: DuckDBWarehouse) -> None:
    """Publishers are killed with SIGKILL at random moments; every read has one version in all tables together."""
    seen: list[int] = []
    for life in range(4):
        publisher = subprocess.Popen(
            [sys.executable, "-m", "attribution_dagster_tests.warehouse.publisher", str(tmp_path)],
            stdout=subprocess.PIPE,
        )
        try:
            assert publisher.stdout is not None and publisher.stdout.readline() == b"1\n"
            killed_after, versions = len(seen) + 20 + 7 * life, set[int]()
            while len(seen) < killed_after or len(versions) < 2 + life:
                assert publisher.poll() is None
                [row] = warehouse.fetch(BOTH, {}, "published").to_pylist()
                assert row["a"] == row["b"] == row["c"] == row["d"] and row["n"] == 500, row
                seen.append(row["a"])
                versions.add(row["a"])
        finally:
            os.kill(publisher.pid, signal.SIGKILL)
            publisher.wait()
        [row] = warehouse.fetch(BOTH, {}, "published").to_pylist()
        assert row["a"] == row["b"] == row["c"] == row["d"] == warehouse.manifest(WINDOW).evidence["number"]
    assert len(set(seen)) > 3


def test_prune_removes_only_what_nobody_names(warehouse: DuckDBWarehouse) -> None:
    for number in (1, 2, 3, 4):
        write(warehouse, number)
        if number == 2:
            warehouse.publish(WINDOW, dict.fromkeys(TABLES, "2"), {})
    assert warehouse.prune(1) == 0  # superseded a moment ago
    folder = warehouse._slices.folder
    abandoned = folder / "work" / "risk_set" / WINDOW / ".tmp-killed"
    abandoned.write_text("half a file")
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, (time.time() - 7200,) * 2)
    assert warehouse.prune(1) == 5
    left = {path.stem for path in folder.glob("work/sampled_users/*/*.parquet")}
    assert left == {"2", "4"} and not abandoned.exists()
    [row] = warehouse.fetch(BOTH, {}, "published").to_pylist()
    assert row["a"] == 2


def test_stream_gives_what_fetch_gives_while_others_query(warehouse: DuckDBWarehouse) -> None:
    write(warehouse, 1)
    reader = warehouse.stream(USERS, {})
    assert reader.schema.names == ["user_id", "sample_rank"]
    warehouse.fetch(BOTH, {})
    assert reader.read_all() == warehouse.fetch(USERS, {})


def test_two_threads_that_ask_first_find_one_connection_with_all_that_is_in_it(
    warehouse: DuckDBWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two visitors of the dashboard. Each would make a connection if both came that far, or find the other's half made."""
    connect, both, opened = duckdb.connect, threading.Barrier(2), list[object]()

    def waiting_for_the_other(**options: Any) -> duckdb.DuckDBPyConnection:
        with suppress(threading.BrokenBarrierError):
            both.wait(0.5)
        opened.append(warehouse._connection)
        return connect(**options)

    monkeypatch.setattr(duckdb, "connect", waiting_for_the_other)
    roles = parse_query("roles", "SELECT COUNT(*) AS n FROM event_roles")
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: warehouse.fetch(roles, {}).to_pylist(), range(2))
    assert first == second and first[0]["n"] > 0 and opened == [None]


def test_unknown_table_source_and_version_are_named(warehouse: DuckDBWarehouse) -> None:
    with pytest.raises(ConfigurationError, match=r"no table nonsense\. Tables: .*sessions"):
        warehouse.fetch(parse_query("q", "SELECT * FROM nonsense"), {})
    with pytest.raises(MissingInputError, match="reads malformed_lines: attach the dataset's source first"):
        warehouse.fetch(load_query("staging/source_malformed"), {})
    with pytest.raises(ConfigurationError, match=r"'\.\./x' can't be a version"):
        warehouse.build("sessions", WINDOW, "../x", USERS, {})
    with pytest.raises(ConfigurationError, match=r"query q: .*nowhere"):
        warehouse.fetch(parse_query("q", "SELECT nowhere FROM sessions"), {})


def test_close_leaves_no_spill_behind(tmp_path: Path) -> None:
    opened = DuckDBWarehouse(root=tmp_path, profile=shop_profile())
    opened.fetch(USERS, {})
    opened.close()
    assert list((tmp_path / "shop" / "spill").iterdir()) == []
