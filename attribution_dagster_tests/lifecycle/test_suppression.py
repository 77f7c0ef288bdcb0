"""The list of forgotten users: whom it recognises, that it holds no id, and how a user is traced to a source's column."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from attribution_dagster.datasets.registry import known_datasets, load_profile
from attribution_dagster.warehouse.forgetting import Forgettable
from attribution_dagster.warehouse.queries import load_query, parse_query, traced
from attribution_dagster.warehouse.suppression import add_to_suppression, load_suppression


@pytest.mark.parametrize("user", ["u1", "a_b", "50%", "it's", "x|y", "(u.*)", "jörg", 'say "u"'])
def test_a_user_is_recognised_exactly_whatever_the_id_holds(user: str) -> None:
    mine = Forgettable(user_id=user)
    escaped = user.replace("%", "%25").replace("_", "%5F")
    rows = pa.RecordBatch.from_pylist([
        {"user_id": user, "session_id": None, "detail": None},
        {"user_id": f"{user}2", "session_id": f"{escaped}2_d_2025-01-06_1", "detail": f"line 1: {user}2,x"},
        {"user_id": None, "session_id": f"{escaped}_d_2025-01-06_1", "detail": None},
        {"user_id": None, "session_id": None, "detail": f"line 1: x,{user},y"},
        {"user_id": None, "session_id": None, "detail": f"line 1: x,2{user}"},
        {"user_id": "other", "session_id": "other_d_2025-01-06_1", "detail": None},
    ])  # fmt: skip
    assert mine.stays(rows).to_pylist() == [False, True, False, False, True, True]


@pytest.mark.parametrize("user", ["u1", "it's", "50%", "jörg"])
def test_the_list_holds_no_id_and_the_engine_hashes_as_python_does(user: str, tmp_path: Path) -> None:
    add_to_suppression(tmp_path, user)
    listed = add_to_suppression(tmp_path, "another")
    assert listed == load_suppression(tmp_path) == add_to_suppression(tmp_path, user) and len(listed.hashes) == 2
    assert user.encode() not in (tmp_path / "suppressed.json").read_bytes()
    rows, line = listed.keeps_sql("u"), listed.keeps_line_sql("u")
    ask = f"SELECT {rows}, {line} FROM (VALUES ($1), ('b'), (NULL), ('x,' || $1 || ',y')) AS t(u)"
    with duckdb.connect() as connection:
        assert connection.execute(ask, [user]).fetchall() == [(False, False), (True, True), (True, True), (True, False)]
    assert load_suppression(tmp_path / "none").keeps_sql("u") is None


@pytest.mark.parametrize("dataset", [name for name in sorted(known_datasets()) if load_profile(name).kind == "events"])
def test_the_user_of_every_built_in_source_can_be_traced_to_its_column(dataset: str) -> None:
    column = "visitorid" if "retailrocket" in dataset else "user_id"
    staging = load_query(f"staging/stg_events__{load_profile(dataset).staging}")
    found = traced(staging, "user_id", "raw_events", "duckdb")
    assert found is not None and column in found and "." not in found


def test_a_user_made_of_something_else_can_not_be_traced() -> None:
    query = parse_query("q", "SELECT o.user_id FROM raw_events AS e INNER JOIN raw_owners AS o ON e.shop = o.shop")
    assert traced(query, "user_id", "raw_events", "duckdb") is None
