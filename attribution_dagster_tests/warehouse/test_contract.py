"""What every warehouse in the registry keeps to: whoever adds one has nothing to write here."""

from collections.abc import Iterator
from datetime import date, datetime

import pyarrow as pa
import pytest

from attribution_dagster.errors import ConfigurationError, DataError, MissingInputError
from attribution_dagster.warehouse.ddl import table_definition
from attribution_dagster.warehouse.protocol import Warehouse
from attribution_dagster.warehouse.queries import load_query, parse_query
from attribution_dagster_tests.warehouse.contract_rows import BOTH, START, USERS, users
from attribution_dagster_tests.warehouse.engines import engines
from attribution_dagster_tests.warehouse.live import live
from attribution_dagster_tests.warehouse.publisher import TABLES, WINDOW, write
from attribution_dagster_tests.warehouse.test_contract_writers import _published

pytestmark = pytest.mark.parametrize("engine", [*engines(), live])
HOSTILE = ["'; DROP TABLE sessions; --", 'a"b', "back\\slash\\n", "100%", "%(name)s", "é☃\U0001f600", "line\nbreak\ttab", "", ":salt", None]  # fmt: skip


def test_table_without_slices_is_empty_and_typed(warehouse: Warehouse, engine: str) -> None:
    for name in ("sessions", "leakage_comparison", "gradient_attribution_no_funnel"):
        for scope in ("work", "published"):
            table = warehouse.fetch(parse_query("all", f"SELECT * FROM {name}"), {}, scope)
            assert table.num_rows == 0 and pa.null() not in table.schema.types
            assert table.column_names == [column.name for column in table_definition(name).columns]


def test_values_come_back_as_they_were(warehouse: Warehouse, engine: str) -> None:
    at = [datetime(2025, 1, 6, 23, 59, 59, 999_999), datetime(1990, 1, 1), None]
    columns = {
        "window_start": pa.array([START] * 3, pa.timestamp("us")), "session_id": ["é☃'\\", "%s", ""],
        "user_id": [None, "u", "v"], "device_id": [None] * 3, "local_date": pa.array([date(2025, 1, 6), None, date(2100, 2, 28)]),
        "started_at": pa.array(at, pa.timestamp("us")), "ended_at": pa.array(at[::-1], pa.timestamp("us")),
        "n_events": [2**53 + 1, -1, None], "n_events_outside_window": [0, 1, 2], "is_converted": [True, False, None],
        "converted_at": pa.array([None] * 3, pa.timestamp("us")), "conversion_event_index": [None, 3, 4],
        "is_bot": [False, None, True], "is_censored": [None, True, False], "n_no_funnel": [1, 2, 3],
    }  # fmt: skip
    warehouse.load("sessions", WINDOW, "1", pa.table(columns).to_batches())
    got = warehouse.fetch(parse_query("q", "SELECT * FROM sessions ORDER BY n_no_funnel"), {})
    want = table_definition("sessions").fitted(pa.table(columns).to_batches()[0])
    for name in got.column_names:
        assert got[name].to_pylist() == want[name].to_pylist(), name
    numbers = {
        "window_start": [START], "stage": ["x"], "sessions": [1], "rate": [0.1 + 0.2], "drop_off": [1e-300],
        "is_largest_drop": [None], "stage_order": [1], "sessions_with_previous": [None], "sessions_lost": [-5],
    }  # fmt: skip
    warehouse.load("funnel_metrics", WINDOW, "1", pa.table(numbers).to_batches())
    [row] = warehouse.fetch(parse_query("q", "SELECT rate, drop_off FROM funnel_metrics"), {}).to_pylist()
    assert row == {"rate": 0.1 + 0.2, "drop_off": 1e-300}


def test_parameters_are_bound_whatever_they_hold(warehouse: Warehouse, engine: str) -> None:
    warehouse.load("sampled_users", WINDOW, "1", users(*HOSTILE))
    query = parse_query(
        "q", "SELECT user_id, :user_id AS given, '100%' AS share FROM sampled_users WHERE user_id = :user_id"
    )
    for hostile in HOSTILE[:-1]:
        [row] = warehouse.fetch(query, {"user_id": hostile}).to_pylist()
        assert row == {"user_id": hostile, "given": hostile, "share": "100%"}
    moment, flag = datetime(2025, 1, 6, 1, 2, 3, 456_789), True
    typed = parse_query("q", "SELECT :moment AS moment, :moment > :start AS later, :flag AS flag, :number AS number")
    got = warehouse.fetch(typed, {"moment": moment, "start": START, "flag": flag, "number": 3})
    assert got.to_pylist() == [{"moment": moment, "later": True, "flag": True, "number": 3}]
    assert got.schema.field("moment").type == pa.timestamp("us")


def test_a_result_without_rows_is_typed_and_a_slice_without_rows_is_one(warehouse: Warehouse, engine: str) -> None:
    assert warehouse.load("sampled_users", WINDOW, "1", []) == 0
    assert warehouse.current("sampled_users", WINDOW) == "1"
    got = warehouse.fetch(USERS, {})
    assert got.num_rows == 0 and got.schema.types == [pa.string(), pa.int64()]
    none = parse_query("none", "SELECT * FROM risk_set WHERE label = 7")
    assert warehouse.build("risk_set", WINDOW, "1", none, {}) == 0
    assert warehouse.publish(WINDOW, {"risk_set": "1"}, {}).tables["risk_set"].rows == 0


def test_a_window_is_replaced_and_a_version_once_written_is_kept(warehouse: Warehouse, engine: str) -> None:
    assert warehouse.current("sampled_users", WINDOW) is None
    assert warehouse.load("sampled_users", WINDOW, "1", users("a", "b")) == 2
    assert warehouse.load("sampled_users", "2025-01-07", "1", users("z")) == 1
    assert warehouse.load("sampled_users", WINDOW, "2", users("c")) == 1
    assert sorted(warehouse.fetch(USERS, {})["user_id"].to_pylist()) == ["c", "z"]
    next_day = "2025-01-07"
    assert warehouse.current_versions(["sampled_users", "risk_set"], [WINDOW, next_day, "2025-01-08"]) == {
        ("sampled_users", WINDOW): "2",
        ("sampled_users", next_day): "1",
    }
    assert warehouse.current_versions([], [WINDOW]) == {} == warehouse.current_versions(["sampled_users"], [])
    warehouse.load("sampled_users", WINDOW, "1", users("something else"))
    assert sorted(warehouse.fetch(USERS, {})["user_id"].to_pylist()) == ["a", "b", "z"]
    copied = parse_query(
        "copied",
        "SELECT window_start, user_id, sample_hash, 7 AS sample_rank FROM sampled_users WHERE user_id = :user_id",
    )
    assert warehouse.build("sampled_users", WINDOW, "3", copied, {"user_id": "z"}) == 1
    assert warehouse.build("sampled_users", WINDOW, "3", copied, {"user_id": "nobody"}) == 1
    assert sorted(warehouse.fetch(USERS, {})["user_id"].to_pylist()) == ["z", "z"]


def test_a_write_that_fails_leaves_everything_as_it_was(warehouse: Warehouse, engine: str) -> None:
    write(warehouse, 1)

    def breaks() -> Iterator[pa.RecordBatch]:
        yield from users("half")
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        warehouse.load("sampled_users", WINDOW, "2", breaks())
    failing = parse_query(
        "failing", "SELECT window_start, user_id, sample_hash, CAST('x' AS BIGINT) AS sample_rank FROM sampled_users"
    )
    with pytest.raises((DataError, ConfigurationError), match="query failing"):
        warehouse.build("sampled_users", WINDOW, "3", failing, {})
    with pytest.raises(DataError, match="table sampled_users: the rows lack the column window_start, sample_hash"):
        warehouse.load("sampled_users", WINDOW, "4", pa.table({"user_id": ["a"], "sample_rank": [1]}).to_batches())
    assert warehouse.current("sampled_users", WINDOW) == "1" and warehouse.fetch(USERS, {}).num_rows == 500


def test_published_is_the_latest_window_and_history_is_all(warehouse: Warehouse, engine: str) -> None:
    warehouse.load("sampled_users", WINDOW, "1", users("a", "b"))
    warehouse.publish(WINDOW, {"sampled_users": "1"}, {"checks": "passed"})
    warehouse.load("sampled_users", "2025-01-07", "9", users("c"))
    assert warehouse.fetch(USERS, {}, "published")["user_id"].to_pylist() == ["a", "b"]
    manifest = warehouse.publish("2025-01-07", {"sampled_users": "9"}, {})
    assert manifest.tables["sampled_users"].rows == 1 and manifest == warehouse.manifest("2025-01-07")
    assert warehouse.fetch(USERS, {}, "published")["user_id"].to_pylist() == ["c"]
    history = parse_query("history", "SELECT user_id FROM sampled_users_history ORDER BY user_id")
    assert warehouse.fetch(history, {}, "published")["user_id"].to_pylist() == ["a", "b", "c"]
    assert warehouse.published_windows() == [WINDOW, "2025-01-07"]
    assert warehouse.manifest(WINDOW).evidence == {"checks": "passed"} and warehouse.manifest("2025-01-08") is None


def test_what_is_published_is_the_version_named_or_nothing(warehouse: Warehouse, engine: str) -> None:
    write(warehouse, 1)
    write(warehouse, 2)
    with pytest.raises(MissingInputError, match=f"window {WINDOW}: there is no risk_set of version 7 to publish"):
        warehouse.publish(WINDOW, {"sampled_users": "1", "risk_set": "7"}, {})
    assert warehouse.published_windows() == []
    warehouse.publish(WINDOW, dict.fromkeys(TABLES, "1"), {})
    [row] = warehouse.fetch(BOTH, {}, "published").to_pylist()
    assert row == {"a": 1, "b": 1, "c": 1, "d": 1, "n": 500}
    assert warehouse.current("risk_set", WINDOW) == "2"


def test_what_is_superseded_is_pruned_and_what_is_named_stays(warehouse: Warehouse, engine: str) -> None:
    for number in (1, 2, 3, 4):
        write(warehouse, number)
        if number == 2:
            warehouse.publish(WINDOW, dict.fromkeys(TABLES, "2"), {})
    assert warehouse.prune(1) == 0
    assert warehouse.prune(0) == 4
    assert warehouse.current("risk_set", WINDOW) == "4" and _published(warehouse) == (2, 2)
    assert warehouse.window_keys() == [WINDOW] and warehouse.window_keys(unchanged_hours=1) == []
    assert warehouse.remove_window(WINDOW) == 4
    assert warehouse.window_keys() == [] and warehouse.published_windows() == []
    assert warehouse.fetch(USERS, {}).num_rows == 0 and warehouse.current("risk_set", WINDOW) is None


def test_a_user_is_forgotten_in_all_versions_and_stays_away(warehouse: Warehouse, engine: str) -> None:
    user, other = "x_%'\\y", "x_"
    warehouse.load("sampled_users", WINDOW, "1", users(user, other, None))
    warehouse.publish(WINDOW, {"sampled_users": "1"}, {})
    warehouse.load("sampled_users", WINDOW, "2", users(user, "b"))
    session, theirs = "x%5F%25'\\y_no-device_2025-01-06_1", "x%5F_no-device_2025-01-06_1"
    risk = pa.table({
        "window_start": pa.array([START] * 3, pa.timestamp("us")), "session_id": [session, theirs, "c_1"], "user_id": [user, other, "c"],
        "label": [1, 0, 0], "n_no_funnel": [1] * 3, "cut_at": [1] * 3, "in_risk_set": [True] * 3, "matched_case": [session, session, None],
    })  # fmt: skip
    warehouse.load("risk_set", WINDOW, "1", risk.to_batches())
    nothing = pa.array([None] * 3, pa.timestamp("us"))
    lines = [f'a,"{user}";2025', f"a,{user}z", None]
    rejected = {
        name: pa.array([None] * 3, pa.string())
        for name in ("reason", "event_id", "user_id", "device_id", "event_at_raw", "event_type")
    }
    warehouse.load(
        "rejected_events",
        "undated",
        "1",
        pa.table({**rejected, "window_start": nothing, "event_at": nothing, "detail": lines}).to_batches(),
    )
    assert warehouse.suppression().digest == ""
    forgotten = warehouse.forget(user)
    assert dict(forgotten.rows) == {"sampled_users": 2, "risk_set": 1, "rejected_events": 1}
    assert forgotten.windows == (WINDOW, "undated") and warehouse.suppression().digest != ""
    assert warehouse.fetch(USERS, {})["user_id"].to_pylist() == ["b"]
    assert set(warehouse.fetch(USERS, {}, "published")["user_id"].to_pylist()) == {other, None}
    left = warehouse.fetch(
        parse_query("q", "SELECT session_id, matched_case FROM risk_set ORDER BY session_id"), {}
    ).to_pylist()
    assert left == [{"session_id": "c_1", "matched_case": None}, {"session_id": theirs, "matched_case": None}]
    assert warehouse.current("sampled_users", WINDOW) not in ("1", "2")
    assert warehouse.manifest(WINDOW).tables["sampled_users"].rows == 2
    assert warehouse.forget("nobody").rows == {}


def test_stream_gives_what_fetch_gives_while_others_query(warehouse: Warehouse, engine: str) -> None:
    write(warehouse, 1)
    reader = warehouse.stream(USERS, {})
    assert reader.schema.names == ["user_id", "sample_rank"]
    warehouse.fetch(BOTH, {})
    assert reader.read_all() == warehouse.fetch(USERS, {})


def test_what_does_not_exist_is_named(warehouse: Warehouse, engine: str) -> None:
    with pytest.raises(ConfigurationError, match=r"no table nonsense\. Tables: .*sessions"):
        warehouse.fetch(parse_query("q", "SELECT * FROM nonsense"), {})
    with pytest.raises(MissingInputError, match="reads malformed_lines: attach the dataset's source first"):
        warehouse.fetch(load_query("staging/source_malformed"), {})
    with pytest.raises(ConfigurationError, match=r"'\.\./x' can't be a version"):
        warehouse.build("sessions", WINDOW, "../x", USERS, {})
    with pytest.raises(ConfigurationError, match=r"(?i)query q: .*nowhere"):
        warehouse.fetch(parse_query("q", "SELECT nowhere FROM sessions"), {})
    with pytest.raises(ConfigurationError, match="query q lacks since"):
        warehouse.fetch(parse_query("q", "SELECT :since AS since"), {})
