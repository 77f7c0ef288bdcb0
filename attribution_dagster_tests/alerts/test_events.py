"""Positions and cursors, without Dagster."""

import json

import pytest

from attribution_dagster.alerts.events import (
    OVERLAP_S,
    FailedRun,
    Position,
    RunLog,
    caught_up,
    dump_cursor,
    parse_cursor,
    positions_of,
)
from attribution_dagster.errors import ConfigurationError


def failure(run_id: str, event: int, at: float) -> FailedRun:
    return FailedRun(run_id=run_id, event=event, at=at, dataset="d", asset="a", window="w", error="e")


def log(run_id: str, *failures: tuple[int, float]) -> RunLog:
    return RunLog(run_id=run_id, failures=[failure(run_id, event, at) for event, at in failures])


def test_what_was_not_told_is_told_oldest_first_and_then_not_again() -> None:
    runs = [log("b", (7, 1010.0), (9, 1030.0)), log("a", (5, 1020.0)), log("c")]
    position = Position(since=1000.0, told={"b": {9}})
    untold = position.untold(runs)
    assert [(f.run_id, f.event) for f in untold] == [("b", 7), ("a", 5)]
    assert position.after(untold).untold(runs) == [] and position.after(untold).since == 1000.0
    assert [f.run_id for f in position.after(untold[:1]).untold(runs)] == ["a"]


def test_a_lower_number_that_appears_later_is_told() -> None:
    position = caught_up([log("a", (10, 1000.0))], 1001.0)
    assert [f.event for f in position.untold([log("a", (9, 999.0), (10, 1000.0))])] == [9]


@pytest.mark.parametrize(("at", "is_news"), [(1000.0 - OVERLAP_S - 0.001, False), (1000.0 - OVERLAP_S, True)])
def test_an_unknown_run_is_news_unless_it_failed_long_ago(at: float, is_news: bool) -> None:
    assert bool(Position(since=1000.0).untold([log("a", (1, at))])) == is_news


def test_a_failure_of_a_run_that_was_open_is_news_however_old_the_position() -> None:
    position = caught_up([log("long")], 1000.0)
    assert position.untold([log("long", (4, 10.0))])


def test_a_new_target_starts_now_and_one_in_anothers_place_where_that_was() -> None:
    old, older, newest = Position(since=20.0), Position(since=10.0), Position(since=30.0)
    assert positions_of(["slack", "mailto"], {"slack": old}, newest) == {"slack": old, "mailto": newest}
    assert positions_of(["json"], {"slack": old, "mailto": older}, newest) == {"json": older}


def test_a_cursor_is_what_was_dumped() -> None:
    positions = {"slack": Position(since=1.5, told={"r": {3, 1}}), "mailto-2": Position(since=2.0)}
    assert parse_cursor(dump_cursor(positions)) == positions
    assert parse_cursor(None) == parse_cursor("") == {}


@pytest.mark.parametrize("text", ["17", "[]", "{", '{"slack": 3}', '{"slack": {"since": "x", "told": {}}}', "null"])
def test_a_foreign_cursor_is_refused_with_the_remedy(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"cursor.*empty it in the UI"):
        parse_cursor(text)


def test_a_cursor_of_many_runs_stays_small() -> None:
    runs = [log(f"{n:036d}", (20, 1000.0)) for n in range(400)]
    assert len(json.dumps(dump_cursor({"slack": caught_up(runs, 1000.0)}))) < 25_000
