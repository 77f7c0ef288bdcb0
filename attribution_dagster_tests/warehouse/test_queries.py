"""The files in sql/: what they read, what they want, what is refused."""

from pathlib import Path

import pytest

from attribution_dagster.errors import ConfigurationError
from attribution_dagster.warehouse.ddl import table_definition, table_names
from attribution_dagster.warehouse.queries import columns_read, load_query, parse_query, sql_folder, transpile

FILES = sorted(path for part in ("staging", "sessions", "features") for path in (sql_folder() / part).glob("*.sql"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_file_begins_with_its_grain_and_runs_elsewhere(path: Path) -> None:
    query = load_query(f"{path.parent.name}/{path.stem}")
    first = path.read_text().split("\n\n")[0]
    assert first.startswith("-- ") and "one row" in first.split("SELECT")[0].split("WITH")[0]
    assert query.tables and transpile(query, "duckdb") and transpile(query, "spark")
    for engine in ("duckdb", "spark"):
        assert "DATEADD" not in transpile(query, engine).upper()


def test_tables_and_parameters_are_read_from_the_text() -> None:
    query = load_query("features/sequence_events")
    assert query.tables == {"session_events", "sessions", "risk_set", "event_roles"}
    assert query.parameters == {"window_start", "funnel_rule", "cut", "landmark"}


def test_slices_have_the_columns_of_their_table() -> None:
    import sqlglot

    for folder, name in [
        ("staging", "stg_events"), ("sessions", "rejected_events"), ("sessions", "session_events"),
        ("sessions", "sessions"), ("sessions", "sampled_users"), ("sessions", "session_funnels"),
        ("sessions", "funnel_metrics"),
    ]:  # fmt: skip
        tree = sqlglot.parse_one(load_query(f"{folder}/{name}").text, read="snowflake")
        assert tree.named_selects == [column.name for column in table_definition(name).columns], name


def test_no_comment_of_a_table_holds_an_apostrophe() -> None:
    """Snowflake takes one; its stand-in answers so that the connector asks again without end."""
    comments = {name: table_definition(name.replace("{variant}", "v")).comment for name in table_names()}
    assert [name for name, comment in comments.items() if "'" in comment] == []


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "query q lacks since, until"),
        ({"since": 1, "until": 2, "limit": 3}, "query q has no limit"),
        ({"since": 1, "untill": 2}, "lacks until and has no untill. Parameters: since, until"),
    ],
)
def test_missing_and_unknown_parameters_are_named(given: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        parse_query("q", "SELECT a FROM t WHERE b >= :since AND b < :until").check(given)


@pytest.mark.parametrize("variant", ["x; DROP TABLE y", "Upper", "1st", "a-b", "", 'a"b'])
def test_variant_that_is_no_identifier_is_refused(variant: str) -> None:
    with pytest.raises(ConfigurationError, match="can't name a table"):
        load_query("marts/transformer_event_attribution", variant)


def test_open_template_and_bad_sql_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"\{variant\} has no value"):
        load_query("marts/transformer_event_attribution")
    with pytest.raises(ConfigurationError, match="no SQL for staging/stg_events__nothing"):
        load_query("staging/stg_events__nothing", folders=[tmp_path])
    with pytest.raises(ConfigurationError, match="holds 2 statements"):
        parse_query("q", "SELECT 1; SELECT 2")
    with pytest.raises(ConfigurationError, match="query q does not parse"):
        parse_query("q", "SELECT FROM WHERE (")


def test_a_query_builds_on_the_common_tables_of_another() -> None:
    counts = load_query("checks/session_volume")
    rows = load_query("checks/rows/session_volume", common=counts)
    assert rows.tables == {"sessions"}, "common tables are none of the warehouse's"
    assert rows.parameters == counts.parameters | {"significant_ratio_min", "significant_ratio_max"}
    for folder in ("", "rows/"):
        text = load_query(
            f"checks/{folder}tensors_equal_sql", "no_funnel", common=load_query("checks/tensors_equal_sql", "no_funnel")
        ).text
        assert "{" not in text
    with pytest.raises(ConfigurationError, match=r"\{common_tables\} has no value. Here nothing is filled in"):
        load_query("checks/rows/session_volume")
    with pytest.raises(ConfigurationError, match="does not parse"):
        load_query("checks/rows/session_volume", common=parse_query("q", "SELECT 1 AS a"))


def test_columns_read_from_a_source() -> None:
    assert columns_read(load_query("staging/stg_events__taobao"), "raw_events") == {
        "user_id", "item_id", "category_id", "behavior", "ts",
    }  # fmt: skip
    assert columns_read(load_query("staging/stg_events__retailrocket"), "raw_item_properties") == {
        "itemid", "property", "value", "timestamp",
    }  # fmt: skip
