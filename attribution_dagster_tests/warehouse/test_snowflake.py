"""What is Snowflake's own: the order of statements, their text and tag, logging in, and that no secret is said."""

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from attribution_dagster.datasets.profile import Profile
from attribution_dagster.errors import ConfigurationError, MissingInputError
from attribution_dagster.settings import Settings
from attribution_dagster.warehouse.queries import load_query, parse_query, sql_folder
from attribution_dagster.warehouse.snowflake import SnowflakeWarehouse
from attribution_dagster.warehouse.snowflake_text import statement
from attribution_dagster.warehouse.source import open_source
from attribution_dagster.warehouse.tagging import tagged
from attribution_dagster_tests.warehouse.publisher import WINDOW, write
from attribution_dagster_tests.warehouse.shop import shop_profile
from attribution_dagster_tests.warehouse.stand_in import account

DDL = ("CREATE", "ALTER", "DROP", "TRUNCATE", "USE", "GRANT", "COMMENT")


def opened(url: str, database: str, profile: Profile | None = None) -> SnowflakeWarehouse:
    settings = Settings.from_environment(account(url, database))
    assert settings.snowflake is not None
    return SnowflakeWarehouse(settings=settings.snowflake, profile=profile or shop_profile())


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """Every statement that any cursor is given, with its options."""
    from snowflake.connector.cursor import SnowflakeCursor

    said: list[tuple[str, dict[str, Any]]] = []
    real = SnowflakeCursor.execute

    def recording(self: SnowflakeCursor, command: str, *arguments: Any, **options: Any) -> Any:
        said.append((command, options))
        return real(self, command, *arguments, **options)

    monkeypatch.setattr(SnowflakeCursor, "execute", recording)
    return said


def test_a_window_is_replaced_in_one_transaction_without_ddl(
    snowflake_url: str, recorded: list[tuple[str, dict[str, Any]]]
) -> None:
    with opened(snowflake_url, "recorded") as warehouse:
        write(warehouse, 1)
        recorded.clear()
        with tagged(asset="sampled_users", window=WINDOW, run="r1"):
            write(warehouse, 2)
        copied = parse_query("copied", "SELECT window_start, user_id, sample_hash, 7 AS sample_rank FROM sampled_users")
        warehouse.build("sampled_users", WINDOW, "3", copied, {})
        warehouse.publish(WINDOW, {"sampled_users": "3", "risk_set": "2"}, {})
    said = [command.split()[0] for command, _ in recorded]
    loaded = ["CREATE", "PUT", "COPY", "BEGIN", "DELETE", "INSERT", "INSERT", "COMMIT", "DROP"]
    assert said[1:10] == loaded and said[0] == "SELECT"
    deleted = "DELETE FROM RECORDED.ATTRIBUTION_SHOP_WORK.sampled_users_slices WHERE slice_id"
    assert " TEMPORARY TABLE " in recorded[1][0] and recorded[5][0].startswith(deleted)
    assert "".join(each[0] for each in said).count("BDIIC") == 3  # BEGIN DELETE INSERT INSERT COMMIT, of three writes
    is_open = False
    for command in said:
        assert not (is_open and command in DDL), said
        is_open = command == "BEGIN" or (is_open and command not in ("COMMIT", "ROLLBACK"))
    assert said.count("BEGIN") == said.count("COMMIT") == 4
    tags = [
        json.loads(options["_statement_params"]["QUERY_TAG"])
        for _, options in recorded
        if "_statement_params" in options
    ]
    assert {"dataset": "shop", "asset": "sampled_users", "window": WINDOW, "run": "r1"} in tags


def test_no_statement_of_a_transaction_survives_what_fails_in_it(snowflake_url: str) -> None:
    with opened(snowflake_url, "rolled_back") as warehouse:
        write(warehouse, 1)
        with pytest.raises(MissingInputError):
            warehouse.publish(WINDOW, {"sampled_users": "1", "risk_set": "9"}, {})
        assert warehouse._work.rows("SELECT COUNT(*) FROM manifest_slices") == [(0,)]


def test_manifests_that_were_replaced_are_pruned_and_what_is_shown_stays(snowflake_url: str) -> None:
    """Three publications of one window and one of another: of four manifests with seven tables two with three stay."""
    counts = "SELECT (SELECT COUNT(*) FROM manifests), (SELECT COUNT(*) FROM manifest_slices)"
    with opened(snowflake_url, "manifests") as warehouse:
        for number in (1, 2, 3):
            write(warehouse, number)
            warehouse.publish(WINDOW, dict.fromkeys(("sampled_users", "risk_set"), str(number)), {"number": number})
        warehouse.build("risk_set", "2025-01-07", "9", parse_query("q", "SELECT * FROM risk_set"), {})
        warehouse.publish("2025-01-07", {"risk_set": "9"}, {})
        shown = [warehouse.manifest(key) for key in warehouse.published_windows()]
        assert warehouse.prune(1) == 0 and warehouse._work.rows(counts) == [(4, 7)]
        assert warehouse.prune(0) == 4 and warehouse._work.rows(counts) == [(2, 3)]
        assert [warehouse.manifest(key) for key in warehouse.published_windows()] == shown and len(shown) == 2
        assert warehouse.prune(0) == 0 and warehouse._work.rows(counts) == [(2, 3)]


@pytest.mark.parametrize("path", sorted(sql_folder().glob("s*/*.sql")), ids=lambda path: path.stem)
def test_statements_run_as_they_are_written(path: Path) -> None:
    query = load_query(f"{path.parent.name}/{path.stem}")
    text = statement(query, dict.fromkeys(query.parameters, 1))
    for name in query.parameters:
        assert f"%({name})s" in text
        text = text.replace(f"%({name})s", f":{name}")
    assert text.replace("%%", "%") == query.text.rstrip() if query.parameters else text == query.text.rstrip()


def test_moments_are_bound_as_moments_and_nothing_else_is_touched() -> None:
    query = parse_query("q", "SELECT ':a' AS x, b::DATE AS d -- 10% of :a\nFROM t WHERE at >= :a AND n = :n")
    text = statement(query, {"a": datetime(2025, 1, 6), "n": 3})
    assert text.replace("%%", "%") == (
        "SELECT ':a' AS x, b::DATE AS d -- 10% of :a\nFROM t WHERE at >= CAST(%(a)s AS TIMESTAMP_NTZ) AND n = %(n)s"
    )


def test_what_a_dry_run_writes_is_what_is_sent(snowflake_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from snowflake.connector.cursor import SnowflakeCursor

    sent: list[str] = []
    real = SnowflakeCursor.execute

    def recording(self: SnowflakeCursor, *arguments: Any, **options: Any) -> Any:
        done = real(self, *arguments, **options)
        sent.append(re.sub("loading_[0-9a-f]{32}", "loading_<new>", self.query or ""))
        return done

    monkeypatch.setattr(SnowflakeCursor, "execute", recording)
    values = {"user_id": "it's 100% \\ :moment", "moment": datetime(2025, 1, 6, 1, 2, 3, 456_789), "n": 7}
    query = parse_query(
        "q", "SELECT window_start, :user_id AS user_id, '5%' AS sample_hash, :n AS sample_rank FROM sampled_users WHERE window_start < :moment"
    )  # fmt: skip
    with opened(snowflake_url, "dry") as warehouse:
        warehouse.build("sampled_users", WINDOW, "1", query, values)
        warehouse.fetch(query, values)
        assert warehouse.written(query, values, "sampled_users") in sent and warehouse.written(query, values) in sent


def test_a_schema_holds_one_dataset(snowflake_url: str) -> None:
    plain = account(snowflake_url, "shared") | {"ATTRIBUTION_SNOWFLAKE_SCHEMA": "analytics"}
    settings = Settings.from_environment(plain).snowflake
    assert settings is not None
    with SnowflakeWarehouse(settings=settings, profile=shop_profile()) as first:
        assert first.published_windows() == []
    with (
        SnowflakeWarehouse(settings=settings, profile=shop_profile(name="other")) as second,
        pytest.raises(
            ConfigurationError,
            match=r"SHARED\.ANALYTICS holds dataset shop: write \{dataset\} in ATTRIBUTION_SNOWFLAKE_SCHEMA",
        ),
    ):
        second.published_windows()


def test_a_column_that_a_table_lacks_is_added(snowflake_url: str) -> None:
    with opened(snowflake_url, "older") as warehouse:
        write(warehouse, 1)
        for schema, view in (("_WORK", "risk_set"), ("", "risk_set"), ("", "risk_set_history")):
            warehouse._work.execute(f"DROP VIEW OLDER.ATTRIBUTION_SHOP{schema}.{view}")
        warehouse._work.execute("ALTER TABLE OLDER.ATTRIBUTION_SHOP_WORK.risk_set_slices DROP COLUMN matched_case")
    with opened(snowflake_url, "older") as warehouse:
        got = warehouse.fetch(parse_query("q", "SELECT cut_at, matched_case FROM risk_set LIMIT 1"), {})
        assert got.to_pylist() == [{"cut_at": 1, "matched_case": None}]


def test_events_come_from_a_table_that_is_there_already(snowflake_url: str) -> None:
    with opened(snowflake_url, "lake") as warehouse:
        warehouse.published_windows()
        warehouse._work.execute("CREATE SCHEMA LAKE.RAW")
        warehouse._work.execute(
            "CREATE TABLE LAKE.RAW.events (user_id VARCHAR, event_at TIMESTAMP_NTZ, event_type VARCHAR)"
        )
        warehouse._work.execute("USE SCHEMA LAKE.ATTRIBUTION_SHOP_WORK")
        warehouse._work.execute(
            "INSERT INTO LAKE.RAW.events SELECT 'u', CAST('2025-01-06 10:00:00.5' AS TIMESTAMP_NTZ), 'view'"
        )
        source = open_source(shop_profile(), "table:lake.raw.events", tables=warehouse.describe_table)
        warehouse.attach_source(source)
        got = warehouse.fetch(
            parse_query("q", "SELECT user_id, event_at, event_type, store_id FROM canonical_events"), {}
        )
        assert got.to_pylist() == [
            {
                "user_id": "u",
                "event_at": datetime(2025, 1, 6, 10, 0, 0, 500_000),
                "event_type": "view",
                "store_id": None,
            }
        ]
        assert warehouse.fetch(load_query("staging/source_malformed"), {}).to_pylist() == [{"n_malformed_lines": 0}]
        for wrong in ("lake.raw.nothing", 'lake.raw."x"; DROP', "events"):
            with pytest.raises((ConfigurationError, Exception), match=r"there is no table|is no table"):
                open_source(shop_profile(), f"table:{wrong}", tables=warehouse.describe_table)
    with pytest.raises(ConfigurationError, match=r"table:a.b.c names a table of the warehouse"):
        open_source(shop_profile(), "table:a.b.c")


def test_files_are_uploaded_once_and_forgotten_users_stay_out(snowflake_url: str, tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text(
        "user_id,event_at,event_type\nu,2025-01-06 10:00:00,view\nv,never,view\nbroken\n"
    )
    source = open_source(shop_profile(), tmp_path / "events.csv")
    query = parse_query("q", "SELECT user_id, event_at, event_at_raw FROM canonical_events ORDER BY user_id")
    with opened(snowflake_url, "files") as warehouse:
        for _ in range(2):
            warehouse.attach_source(source)
        assert warehouse._work.rows("SELECT COUNT(DISTINCT table_name) FROM source_uploads") == [(2,)]
        both = [
            {"user_id": "u", "event_at": datetime(2025, 1, 6, 10), "event_at_raw": "2025-01-06 10:00:00"},
            {"user_id": "v", "event_at": None, "event_at_raw": "never"},
        ]
        assert warehouse.fetch(query, {}).to_pylist() == both
        assert warehouse.fetch(load_query("staging/source_malformed"), {}).to_pylist() == [{"n_malformed_lines": 1}]
        warehouse.forget("u")
        with pytest.raises(MissingInputError, match="attach the dataset's source first"):
            warehouse.fetch(query, {})
        warehouse.attach_source(source)
        assert warehouse.fetch(query, {}).to_pylist() == both[1:]
        uploaded = warehouse.fetch(parse_query("q", "SELECT user_id FROM raw_events"), {})["user_id"]
        assert uploaded.to_pylist() == ["v"] and isinstance(uploaded, pa.ChunkedArray)
