"""What the embedded warehouse computes in parts, for lack of memory, is what it computes at once."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from attribution_dagster.core.sequences.risk_set import draw_risk_set
from attribution_dagster.datasets.parameters import parameters
from attribution_dagster.datasets.windows import windows
from attribution_dagster.errors import ConfigurationError, DataError
from attribution_dagster.warehouse import duckdb_parts
from attribution_dagster.warehouse.duckdb_parts import statements
from attribution_dagster.warehouse.parts import parts_of
from attribution_dagster.warehouse.queries import column_of, load_query, parse_query, sql_folder, transpile
from attribution_dagster.warehouse.slices import SliceStore
from attribution_dagster_tests.warehouse.shop import OPEN_END, Shop, event, shop_profile

USERS = ["a", "B", "z'; --", 'q"', "é", "日本", "a b", "\\", "!", "tab\t", "nul\0", " lead", "10", "9", "%_", "$1"]
BLANKS = [None, "", " ", "   "]
TABLES = ("stg_events", "session_events", "sessions", "session_funnels")
BUILT = (*TABLES, "sampled_users")
WINDOWS = windows(shop_profile())[:2]
DAY, KEY = WINDOWS[0].start, WINDOWS[0].key
MORE = {"observation_end": OPEN_END, "funnel_rule": "drop", "cut": "risk_set", "landmark": 0}
DECLARED = sorted(
    str(path.relative_to(sql_folder()).with_suffix(""))
    for path in sql_folder().rglob("*.sql")
    if "-- May be computed in parts" in path.read_text()
)


def shop_events() -> list[dict[str, Any]]:
    """Some days of every user, on two devices and none, over midnight; each event of some delivered twice, some of nobody."""
    began, kinds = datetime(2025, 1, 6, 20), ["view", "view", "cart", "view", "order"]
    found = []
    for number, user in enumerate([*USERS, *BLANKS] * 3):
        device = (None, "phone", "no-device")[number % 3]
        for step, kind in enumerate(kinds[: 2 + number % 4]):
            at = began + timedelta(minutes=17 * number + 20 * step)
            at = at if user and user.strip() else began  # those of nobody tie in time: their order is by id
            more = {"device_id": device, "store_id": f"s{step % 2}", "event_id": f"{number}-{step}"}
            found += [event(user, at, kind, **more)] * (1 + (number % 5 == 0))
    return found


@pytest.fixture
def short_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some ten rows fill the shop's 500 MB."""
    monkeypatch.setattr(duckdb_parts, "_BYTES_PER_ROW", 50_000_000)


def made(folder: Path) -> Iterator[tuple[str, pa.Table]]:
    """Each table, sorted, and at last the sequences in the order in which they come."""
    folder.mkdir()
    with Shop(folder, shop_profile(sampling={"users": 1000})) as shop:
        shop.run(shop_events(), tables=BUILT, only=WINDOWS)
        for table in BUILT:
            rows = shop.warehouse.fetch(parse_query("all", f"SELECT * FROM {table}"), {})
            yield table, rows.sort_by([(name, "ascending") for name in rows.column_names])
        for window in WINDOWS:
            query = load_query("features/risk_set_candidates")
            candidates = shop.warehouse.fetch(query, parameters(shop.profile, window, query.parameters, MORE))
            drawn = draw_risk_set(candidates, window_start=window.start)
            shop.warehouse.load("risk_set", window.key, "1", drawn.table.to_batches())
            query = load_query("features/sequence_events")
            stream = shop.warehouse.stream(query, parameters(shop.profile, window, query.parameters, MORE))
            yield window.key, stream.read_all()
        yield (
            "files",
            pa.table({"n": [len(parts_of(shop.warehouse._slices.path(t, "2025-01-06", "1"))) for t in TABLES]}),
        )


def test_in_parts_is_what_it_is_at_once(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    at_once = dict(made(tmp_path / "one"))
    request.getfixturevalue("short_of_memory")
    in_parts = dict(made(tmp_path / "many"))
    assert at_once.pop("files")["n"].to_pylist() == [1] * len(TABLES)
    assert min(in_parts.pop("files")["n"].to_pylist()) > 3
    assert at_once.keys() == in_parts.keys() and all(table.num_rows for table in at_once.values())
    for name, table in at_once.items():
        assert in_parts[name].equals(table), name


def test_ranges_hold_every_key_once(short_of_memory: None) -> None:
    query = parse_query("q", "-- May be computed in parts, by user_id of sessions.\nSELECT user_id FROM sessions")
    with duckdb.connect(config={"memory_limit": "500MB"}) as connection:
        connection.execute("CREATE TABLE sessions (window_start INT, user_id VARCHAR)")
        connection.executemany("INSERT INTO sessions VALUES (1, ?)", [[user] for user in [*USERS, *BLANKS] * 3])
        texts = statements(connection, query, {"window_start": 1})
        found = [[user for (user,) in connection.execute(text).fetchall()] for text in texts]
    assert len(texts) > 5 and all(found)
    assert sorted(str(user) for part in found for user in part) == sorted(map(str, [*USERS, *BLANKS] * 3))
    assert {None, "", " ", "   "} <= set(found[0])
    named = [[user for user in part if user is not None] for part in found]
    assert all(max(one) < min(other) for one, other in pairwise(named))


def test_a_part_that_fails_leaves_the_slice_as_it_was(tmp_path: Path, short_of_memory: None) -> None:
    """The last users have no number: parts before theirs are written by then, and nobody sees them."""
    users = pa.table({"window_start": [DAY] * 60, "user_id": [f"{n:02d}" for n in range(50)] + ["z"] * 10,
                      "sample_hash": ["x"] * 60, "sample_rank": [1] * 60})  # fmt: skip
    text = (
        "-- May be computed in parts, by user_id of sampled_users.\n"
        "SELECT window_start, user_id, sample_hash, CAST(user_id AS BIGINT) AS sample_rank FROM sampled_users WHERE window_start = :window_start"
    )
    with Shop(tmp_path) as shop:
        shop.warehouse.load("sampled_users", KEY, "1", users.to_batches())
        with pytest.raises(DataError, match="query q failed"):
            shop.warehouse.build("sampled_users", KEY, "2", parse_query("q", text), {"window_start": DAY})
        assert shop.warehouse.current("sampled_users", KEY) == "1"
        folder = shop.warehouse._slices.path("sampled_users", KEY, "1").parent
        assert {path.name for path in folder.iterdir()} == {"1.parquet", "CURRENT"}
        good = parse_query("q", text.replace("CAST(user_id AS BIGINT)", "sample_rank"))
        assert shop.warehouse.build("sampled_users", KEY, "2", good, {"window_start": DAY}) == 60
        assert len(parts_of(folder / "2.parquet")) > 3


@pytest.mark.parametrize("later_writes_parts", [True, False])
def test_of_two_writers_one_in_parts_the_first_is_kept(tmp_path: Path, later_writes_parts: bool) -> None:
    """They have different memory, and make the same version of a slice at once."""
    store = SliceStore(tmp_path)

    def write(path: Path, in_parts: bool, number: int) -> None:
        if in_parts:
            path.mkdir()
        pq.write_table(pa.table({"n": [number]}), path / "part-00000.parquet" if in_parts else path)

    with store.writing("sessions", KEY, "1") as path:
        write(path, later_writes_parts, 2)
        target = store.path("sessions", KEY, "1")
        write(target, not later_writes_parts, 1)
        store._place(path, target)  # as if the first had come after the second looked whether the version is there
    assert store.current("sessions", KEY) == "1"
    assert [pq.read_table(part)["n"].to_pylist() for part in parts_of(target)] == [[1]]
    assert {path.name for path in target.parent.iterdir()} == {"1.parquet", "CURRENT"}


def test_what_memory_holds_is_one_statement() -> None:
    query = parse_query("q", "-- May be computed in parts, by user_id of sessions.\nSELECT user_id FROM sessions")
    plain = parse_query("p", "SELECT user_id FROM sessions")
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE sessions (window_start INT, user_id VARCHAR)")
        assert statements(connection, query, {"window_start": 1}) == [transpile(query, "duckdb")]
        assert statements(connection, plain, {}) == [transpile(plain, "duckdb")]


def test_wide_statements_say_so_and_name_what_they_read() -> None:
    assert {Path(name).name for name in DECLARED} == {*TABLES, "sequence_events"}
    with pytest.raises(
        ConfigurationError, match=r"sessions/sessions reads no nowhere\. It reads: conversions, counted, "
    ):
        column_of(load_query("sessions/sessions"), "nowhere", "session_id")
