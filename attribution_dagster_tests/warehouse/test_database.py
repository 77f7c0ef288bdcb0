"""A table of a database as the source: every value as it was, copied once, whatever happens on the way."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from attribution_dagster.datasets.source_spec import DatabaseSpec
from attribution_dagster.errors import ConfigurationError, SourceError
from attribution_dagster.warehouse.copying import TableCopy
from attribution_dagster.warehouse.database import DatabaseTable
from attribution_dagster_tests.deployment.servers import HANGING_S
from attribution_dagster_tests.warehouse.databases import (
    AT,
    ENCODED,
    PASSWORD,
    TABLE,
    VARIABLE,
    Database,
    needed_server_url,
)

DAY, LATE = timedelta(days=1), timedelta(hours=48)
START, NOW, END = datetime(2025, 1, 6), datetime(2025, 1, 20), datetime(2025, 1, 22)
COLUMNS = frozenset({"USER_ID", AT, "event_type", "is_nv", "price_usd", "n"})
SERVERS = ("postgresql", "mysql")
BACKENDS = ("sqlite", *SERVERS)


@pytest.fixture(scope="module", params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('sqlite')}/shop.db"
        return
    with needed_server_url(request.param) as found:
        yield found


@pytest.fixture
def database(url: str) -> Database:
    return Database(url)


def opened(url: str, **changes: Any) -> DatabaseTable:
    spec = DatabaseSpec.model_validate({"url_variable": VARIABLE, "table": TABLE, "resume_by": AT} | changes)
    return DatabaseTable(spec, url, COLUMNS)


def copied(folder: Path, database: Database, **options: Any) -> list[str]:
    """Copies; the names of the slices that were written by it, in order."""
    before = {path: _identity(path) for path in folder.glob("*.parquet")}
    now = options.pop("now", NOW)
    copy = TableCopy(folder, slice_length=DAY, late=LATE, keeps=options.pop("keeps", None))
    copy.update(opened(database.url), options.pop("identity", "it"), now, END, lambda message, share: None, **options)
    return sorted(path.stem for path in folder.glob("*.parquet") if before.get(path) != _identity(path))


def _identity(path: Path) -> tuple[int, int]:
    """Changes when the file is replaced, also where the disk gives a new file the number of one that is gone."""
    return path.stat().st_ino, path.stat().st_mtime_ns


def rows(folder: Path) -> list[dict[str, Any]]:
    """All rows of the copy, slice by slice."""
    return [row for path in sorted(folder.glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def day(number: int, **more: Any) -> dict[str, Any]:
    """A row at noon of the day so many days after the start."""
    return {"user_id": f"u{number}", AT: START + timedelta(days=number, hours=12), "event_type": "view"} | more


def test_every_value_comes_as_it_was(database: Database, tmp_path: Path) -> None:
    last = datetime(2025, 1, 6, 23, 59, 59, 999_999)
    database.add(
        {"user_id": "é☃\U0001f600 '\"\\ %s\n", AT: last, "event_type": "", "is_nv": True, "price_usd": Decimal("123456789012345678.91"), "n": 2**53 + 1},
        {"user_id": None, AT: last + timedelta(microseconds=1), "event_type": None, "is_nv": False, "price_usd": None, "n": -1},
        {"user_id": "x", AT: START, "event_type": "view", "is_nv": None, "price_usd": Decimal("0.10"), "n": None},
    )  # fmt: skip
    assert copied(tmp_path / "copy", database) == ["2025-01-06T00", "2025-01-07T00", "undated"]
    first, second, third = rows(tmp_path / "copy")
    true, false = (1, 0) if database.engine.dialect.name in ("mysql", "mariadb") else (True, False)
    exact = database.engine.dialect.name != "sqlite"  # which keeps decimals as floating numbers
    assert first == {"user_id": "x", AT: START, "event_type": "view", "is_nv": None, "price_usd": "0.10", "n": None}
    assert second["user_id"] == "é☃\U0001f600 '\"\\ %s\n" and second[AT] == last and second["event_type"] == ""
    assert second["is_nv"] == true and second["n"] == 2**53 + 1
    assert second["price_usd"] == "123456789012345678.91" or not exact
    assert third == {"user_id": None, AT: last + timedelta(microseconds=1), "event_type": None, "is_nv": false, "price_usd": None, "n": -1}  # fmt: skip
    schema = pq.read_schema(tmp_path / "copy" / "2025-01-06T00.parquet")
    assert schema.field(AT).type == pa.timestamp("us") and schema.field("n").type == pa.int64()
    assert "secret" not in schema.names  # what no SQL reads does not leave the database


def test_rows_without_a_usable_time_are_copied_too(database: Database, tmp_path: Path) -> None:
    odd = [None, datetime(1970, 1, 1), datetime(9999, 12, 31), END]
    database.add(*(day(0, **{AT: at}) for at in odd), day(0))
    copied(tmp_path, database)
    assert len(rows(tmp_path)) == 5 and pq.read_metadata(tmp_path / "undated.parquet").num_rows == 4


def test_a_table_without_rows_gives_a_file_without_rows(database: Database, tmp_path: Path) -> None:
    assert copied(tmp_path, database) == ["undated"] and rows(tmp_path) == []


def test_settled_slices_are_not_copied_again_and_late_rows_are_found(database: Database, tmp_path: Path) -> None:
    """A day is settled 48 hours after its end; a change of an older one shows when it is asked for."""
    database.add(day(0), day(3), day(11), day(12))
    now = START + timedelta(days=13)
    everything = copied(tmp_path, database, now=now)
    assert everything == ["2025-01-06T00", "2025-01-09T00", "2025-01-17T00", "2025-01-18T00", "undated"]
    database.add(day(1), day(11, user_id="late"), day(13))
    assert copied(tmp_path, database, now=now) == ["2025-01-17T00", "2025-01-18T00", "2025-01-19T00", "undated"]
    assert {row["user_id"] for row in rows(tmp_path)} == {"u0", "u3", "u11", "late", "u12", "u13"}
    again = copied(tmp_path, database, now=now, since=START + timedelta(hours=30))
    assert again == ["2025-01-07T00", "2025-01-09T00", "2025-01-17T00", "2025-01-18T00", "2025-01-19T00", "undated"]
    assert "u1" in {row["user_id"] for row in rows(tmp_path)}
    database.remove(database.events.c.user_id.in_(["u3", "u13"]))
    copied(tmp_path, database, now=now, since=START)
    assert {row["user_id"] for row in rows(tmp_path)} == {"u0", "u1", "u11", "late", "u12"}
    assert copied(tmp_path, database, now=now + timedelta(days=9)) == ["2025-01-17T00", "2025-01-18T00", "undated"]
    assert copied(tmp_path, database, now=now + timedelta(days=9)) == ["undated"]


def test_a_copy_that_is_killed_goes_on_where_it_was(database: Database, tmp_path: Path) -> None:
    database.add(*(day(number % 10, n=number) for number in range(200)))
    environment = os.environ | {VARIABLE: database.url}
    for killed_at in (3, 4):
        command = [sys.executable, "-m", "attribution_dagster_tests.warehouse.copier", str(tmp_path), str(killed_at)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=HANGING_S)
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert list(tmp_path.glob(".tmp-*")), "it was not killed while it wrote"
    slices = [f"{START + timedelta(days=number):%Y-%m-%dT%H}" for number in range(10)]
    assert sorted(path.stem for path in tmp_path.glob("*.parquet")) == [*slices[:7], "undated"]
    assert copied(tmp_path, database) == [*slices[7:], "undated"]
    assert not list(tmp_path.glob(".tmp-*"))
    assert sorted(row["n"] for row in rows(tmp_path)) == list(range(200))


def test_a_copy_of_something_else_is_replaced(database: Database, tmp_path: Path) -> None:
    database.add(day(0), day(1))
    copied(tmp_path, database)
    assert copied(tmp_path, database, identity="another") == ["2025-01-06T00", "2025-01-07T00", "undated"]


def test_who_must_not_come_back_is_not_copied_and_leaves_the_copy(database: Database, tmp_path: Path) -> None:
    database.add(day(0), day(0, user_id="gone"), day(1, user_id="gone"), day(0, user_id=None))
    copied(tmp_path / "later", database)
    TableCopy(tmp_path / "later", slice_length=DAY, late=LATE, keeps="coalesce(user_id <> 'gone', true)").leave_out()
    copied(tmp_path / "earlier", database, keeps="coalesce(user_id <> 'gone', true)")
    for name in ("later", "earlier"):
        assert {row["user_id"] for row in rows(tmp_path / name)} == {"u0", None}, name


def test_two_processes_do_not_copy_into_one_folder(database: Database, tmp_path: Path) -> None:
    with (
        TableCopy(tmp_path, slice_length=DAY, late=LATE)._alone(),
        pytest.raises(SourceError, match=f"another process is copying the table into {tmp_path}"),
    ):
        copied(tmp_path, database)


def test_what_is_not_there_is_named(database: Database) -> None:
    with pytest.raises(SourceError, match=rf"no table nothing .*database of {VARIABLE} .*grant SELECT on it"):
        opened(database.url, table="nothing")
    with pytest.raises(SourceError, match=r"has no column evnt_type, which source\.database\.resume_by names.*Is it 'event_type'"):  # fmt: skip
        opened(database.url, resume_by="evnt_type")
    with pytest.raises(SourceError, match=r"column n is BIG.*wants dates with times"):
        opened(database.url, resume_by="n")
    if database.engine.dialect.name == "postgresql":
        assert opened(database.url, table=f"public.{TABLE}").columns
        with pytest.raises(SourceError, match=r"no table x\.y"):
            opened(database.url, table="x.y")


@pytest.mark.parametrize("url", SERVERS, indirect=True)
def test_a_database_that_does_not_answer_is_told_without_the_password(database: Database) -> None:
    """A database that is not there, a wrong password, nobody at the port: worth another try, so an OSError."""
    elsewhere = database.url.rpartition(":")[0] + ":1/shop"
    for url in (database.url.replace("/shop", "/none"), database.url.replace(ENCODED, f"{ENCODED}x"), elsewhere):
        with pytest.raises(ConnectionError, match=rf"database of {VARIABLE} .*user reader\) does not answer") as told:
            opened(url)
        assert PASSWORD not in str(told.value) and "canary" not in str(told.value)


@pytest.mark.parametrize(
    "url", ["postgresql"], indirect=True
)  # only it is asked for each batch, and can be cut between two
def test_a_connection_that_is_cut_while_rows_come_is_worth_another_try(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attribution_dagster.warehouse.database._BATCH_ROWS", 10)
    database.add(*(day(0, n=number) for number in range(100)))
    batches = opened(database.url).rows_between(START, END)
    assert next(batches).num_rows == 10  # the rest is still at the server
    with database.engine.connect() as other:
        cut = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = 'shop'"
        )
        assert other.execute(sa.text(cut)).all() == [(True,)]
    with pytest.raises(ConnectionError, match=r"does not answer, or not any more: .*Slices that are here already"):
        list(batches)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (f"postgresql://reader:{PASSWORD}@127.0.0.1:1/shop", f"{VARIABLE} is no address of a database"),
        ("canary-51c0de77", f"{VARIABLE} is no address of a database"),
        (f"oracle+nothing://reader:{ENCODED}@h/shop", "asks for oracle\\+nothing, which is not installed"),
    ],
)
def test_an_address_that_cannot_be_used_is_not_quoted(url: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as refused:
        opened(url)
    assert "canary" not in str(refused.value)


def test_a_driver_that_is_not_installed_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymysql", None)
    with pytest.raises(ConfigurationError, match=r"mysql\+pymysql.*pip install 'attribution-dagster\[mysql\]'"):
        opened("mysql://reader@127.0.0.1/shop")


def test_a_value_that_is_not_what_its_column_says_is_named(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/shop.db")
    database.add(day(0))
    with database.engine.begin() as connection:
        connection.execute(sa.text('UPDATE "' + TABLE.replace('"', '""').replace(":y", r"\:y") + "\" SET n = 'many'"))
    with pytest.raises(SourceError, match="column n: a value can't be read as int64"):
        copied(tmp_path / "copy", database)
