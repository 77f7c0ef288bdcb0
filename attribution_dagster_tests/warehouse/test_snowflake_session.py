"""What Snowflake is asked to allow: a time limit for statements, documentation with each table, and no more privileges than are documented."""

import re
from pathlib import Path
from typing import Any

import pytest

from attribution_dagster.errors import DataError
from attribution_dagster.settings import Settings
from attribution_dagster.warehouse.ddl import table_definition
from attribution_dagster.warehouse.queries import parse_query
from attribution_dagster.warehouse.snowflake import SnowflakeWarehouse
from attribution_dagster.warehouse.source import open_source
from attribution_dagster_tests.deployment.project import ROOT
from attribution_dagster_tests.warehouse.publisher import TABLES, WINDOW, write
from attribution_dagster_tests.warehouse.shop import shop_profile
from attribution_dagster_tests.warehouse.stand_in import account

SCHEMA, WORK = "ATTRIBUTION_SHOP", "ATTRIBUTION_SHOP_WORK"


def warehouse_of(url: str, database: str, **more: str) -> SnowflakeWarehouse:
    settings = Settings.from_environment(account(url, database) | more).snowflake
    assert settings is not None
    return SnowflakeWarehouse(settings=settings, profile=shop_profile())


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that any cursor is given."""
    from snowflake.connector.cursor import SnowflakeCursor

    found: list[str] = []
    real = SnowflakeCursor.execute

    def recording(self: SnowflakeCursor, command: str, *arguments: Any, **options: Any) -> Any:
        found.append(command)
        return real(self, command, *arguments, **options)

    monkeypatch.setattr(SnowflakeCursor, "execute", recording)
    return found


def test_statements_have_a_time_limit_and_who_runs_into_it_is_told(
    snowflake_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import snowflake.connector
    from snowflake.connector.cursor import SnowflakeCursor
    from snowflake.connector.errors import ProgrammingError

    asked: list[dict[str, Any]] = []
    real = snowflake.connector.connect

    def connecting(*arguments: Any, **options: Any) -> Any:
        asked.append(options["session_parameters"])
        return real(*arguments, **options)

    monkeypatch.setattr(snowflake.connector, "connect", connecting)
    with warehouse_of(snowflake_url, "limited", ATTRIBUTION_SNOWFLAKE_TIMEOUT="7") as warehouse:
        warehouse.published_windows()
        assert [each["STATEMENT_TIMEOUT_IN_SECONDS"] for each in asked] == [7]

        def too_slow(self: SnowflakeCursor, *arguments: Any, **options: Any) -> Any:
            raise ProgrammingError("Statement reached its statement timeout.", errno=630, sqlstate="57014")

        monkeypatch.setattr(SnowflakeCursor, "execute", too_slow)
        query = parse_query("slow", "SELECT user_id FROM sampled_users")
        with pytest.raises(DataError, match=r"ran longer than ATTRIBUTION_SNOWFLAKE_TIMEOUT=7 s allows"):
            warehouse.fetch(query, {})


def test_tables_and_views_are_made_with_their_documentation(snowflake_url: str, said: list[str]) -> None:
    with warehouse_of(snowflake_url, "documented") as warehouse:
        write(warehouse, 1)
    for name in TABLES:
        definition = table_definition(name)
        [table] = [each for each in said if each.startswith("CREATE TRANSIENT TABLE") and f".{name}_slices (" in each]
        views = [each for each in said if re.search(rf"VIEW \S+\.{name}(_history)? \(", each)]
        assert len(views) == 3
        for column in definition.columns:
            comment = column.comment.replace("'", "''")
            assert f"{column.name} {column.type} COMMENT '{comment}'" in table
            assert all(f"{column.name} COMMENT '{comment}'" in view for view in views)
        assert all(f"COMMENT = '{definition.comment}'" in each for each in (table, *views))


def granted() -> set[tuple[str, str]]:
    """What the documented role may create, as (kind, schema)."""
    text = (ROOT / "docs" / "snowflake.md").read_text()
    grants = re.findall(r"GRANT USAGE, ([A-Z, ]+) ON SCHEMA analytics\.attribution_marketplace(\w*) TO", text)
    return {
        (privilege.removeprefix("CREATE "), f"{SCHEMA}{which.upper()}")
        for privileges, which in grants
        for privilege in privileges.split(", ")
    }


def created(statements: list[str]) -> set[tuple[str, str]]:
    """What the statements create, as (kind, schema); what is named without a schema is in the work area."""
    found = set()
    for text in statements:
        made = re.match(r"CREATE (?:OR REPLACE |TRANSIENT |TEMPORARY )*(\w+) (?:IF NOT EXISTS )?(\S+)", text)
        if made:
            parts = made[2].split(".")
            found.add((made[1], parts[-2].upper() if len(parts) > 1 else WORK))
    return found


def test_no_more_is_created_than_the_documented_role_may(snowflake_url: str, said: list[str], tmp_path: Path) -> None:
    """Everything is done that makes or removes something. The schemas are made beforehand by an administrator, as documented."""
    (tmp_path / "events.csv").write_text("user_id,event_at,event_type\nu,2025-01-06 10:00:00,view\n")
    with warehouse_of(snowflake_url, "granted") as warehouse:
        write(warehouse, 1)
        warehouse.build("sampled_users", WINDOW, "2", parse_query("q", "SELECT * FROM sampled_users"), {})
        warehouse.publish(WINDOW, {"sampled_users": "2", "risk_set": "1"}, {})
        warehouse.attach_source(open_source(shop_profile(), tmp_path / "events.csv"))
        warehouse.forget("u")
        warehouse.prune(0)
        warehouse.remove_window(WINDOW)
    assert granted() == {("VIEW", SCHEMA), ("TABLE", WORK), ("VIEW", WORK)}
    assert {each for each in created(said) if each[0] != "SCHEMA"} == granted()
