"""Where columns come from, against answers worked out by hand, and of every table that a statement builds."""

import pytest

from attribution_dagster.assets.changes import BOUNDS
from attribution_dagster.graph import AGGREGATES
from attribution_dagster.warehouse.ddl import table_definition
from attribution_dagster.warehouse.lineage import ROLES_TABLE, column_origins
from attribution_dagster.warehouse.queries import Query, load_query, parse_query

NUMBERED = load_query("sessions/session_events")
BUILT: dict[str, tuple[Query, ...]] = {
    "stg_events": (load_query("staging/stg_events"),),
    "source_hours": (load_query("staging/source_hours"),),
    "rejected_events": (load_query("sessions/rejected_events"),),
    "session_events": (NUMBERED,),
    "sessions": (load_query("sessions/sessions"), NUMBERED),
    **{name: (load_query(f"sessions/{name}"),) for name in ("session_funnels", "funnel_metrics", "sampled_users")},
    "attribution_statistics_no_funnel": (load_query("marts/attribution_statistics", "no_funnel"),),
    **{f"{table}_no_funnel": (load_query(f"marts/{table}", "no_funnel"),) for table in AGGREGATES.values()},
    "event_count_rates_no_funnel": (load_query("marts/event_count_rates", "no_funnel"),),
    "leakage_comparison": (load_query("marts/leakage_comparison"),),
}
"""Table -> the statement that builds it, and those of tables that the same asset writes and reads again."""
WITHOUT_COLUMNS = {
    "stg_events": {"window_start"},
    "rejected_events": {"event_at_raw", "detail"},
    "source_hours": {"n_events"},
    "sessions": {"window_start", "n_events"},
    "funnel_metrics": {"window_start", "stage", "stage_order"},
    "sampled_users": {"window_start"},
    "leakage_comparison": {"window_start", "has_minimum_support"},
    "event_count_rates_no_funnel": {"window_start", "count_low", "count_high", "mean_count", "sessions", "users"},
    "transformer_store_attribution_no_funnel": {"label"},
    "attribution_statistics_no_funnel": {
        "window_start",
        "granularity",
        "occurrences",
        "sessions",
        "users",
        "has_minimum_support",
    },
}
"""Columns that are a parameter, a literal or a number of rows: read off the statements."""
ADDED = {"leakage_comparison": [*BOUNDS, "p_value", "q_value"]}
"""Columns that the asset adds to the statement's (assets/changes.py)."""


def test_a_column_comes_from_all_that_its_value_is_computed_from_and_from_nothing_that_only_chooses_rows() -> None:
    query = parse_query(
        "by hand",
        """
        WITH long AS (
            SELECT s.session_id AS id, s.n_events, u.sample_rank AS place
            FROM sessions AS s
            INNER JOIN sampled_users AS u ON s.user_id = u.user_id
            WHERE s.is_converted
        )
        SELECT id, n_events * place AS weighted, COUNT(*) OVER (PARTITION BY place) AS n, :window_start AS at, 7 AS seven
        FROM long
        """,
    )
    assert column_origins(query) == {
        "id": (("sessions", "session_id"),),
        "weighted": (("sampled_users", "sample_rank"), ("sessions", "n_events")),
        "n": (("sampled_users", "sample_rank"),),
        "at": (),
        "seven": (),
    }


def test_a_union_has_the_origins_of_both_sides_and_case_does_not_matter() -> None:
    query = parse_query(
        "either", "SELECT Event_Type AS what FROM STG_EVENTS UNION ALL SELECT reason FROM rejected_events"
    )
    assert column_origins(query) == {"what": (("rejected_events", "reason"), ("stg_events", "event_type"))}


def test_a_table_that_the_asset_writes_itself_is_looked_through() -> None:
    through = column_origins(*BUILT["sessions"])
    assert through["session_id"] == tuple(("stg_events", name) for name in ("chain_started_at", "device_id", "user_id"))
    assert through["ended_at"] == (("stg_events", "event_at"),)
    direct = column_origins(BUILT["sessions"][0])
    assert direct["session_id"] == (("session_events", "session_id"),)


def test_the_effect_of_an_event_type_comes_from_centred_attributions_alone() -> None:
    published = column_origins(*BUILT["transformer_event_attribution_no_funnel"])
    assert published["mean_centred_effect"] == (("attribution_statistics_no_funnel", "mean_centred_effect"),)
    assert published["is_funnel"] == ((ROLES_TABLE, "is_funnel"),)
    found = column_origins(*BUILT["attribution_statistics_no_funnel"])
    assert found["mean_centred_effect"] == (("gradient_attribution_no_funnel", "centred_attribution"),)
    assert found["converted"] == tuple(("gradient_attribution_no_funnel", c) for c in ("gradient_attribution", "label"))


@pytest.mark.parametrize("table", BUILT)
def test_every_column_comes_from_documented_columns_or_is_a_parameter_a_literal_or_a_count(table: str) -> None:
    found = column_origins(*BUILT[table])
    assert [*found, *ADDED.get(table, [])] == [column.name for column in table_definition(table).columns]
    for origins in found.values():
        for source, name in origins:
            known = [c.name for c in table_definition(source).columns] if source != ROLES_TABLE else None
            assert known is None or name in known, f"{source}.{name}"
    assert {column for column, origins in found.items() if not origins} == WITHOUT_COLUMNS.get(table, set())
