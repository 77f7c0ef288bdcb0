"""What every warehouse in the registry keeps to when several write, or one dies: readers see what was or what is."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from attribution_dagster.warehouse.protocol import Warehouse
from attribution_dagster_tests.warehouse.conftest import Opener
from attribution_dagster_tests.warehouse.contract_rows import BOTH, USERS, users
from attribution_dagster_tests.warehouse.engines import engines
from attribution_dagster_tests.warehouse.live import LIVE, live
from attribution_dagster_tests.warehouse.publisher import TABLES, WINDOW, write

pytestmark = pytest.mark.parametrize("engine", [*engines(), live])


def test_two_writers_at_once_lose_nothing_and_double_nothing(opener: Opener, engine: str) -> None:
    prepared = opener()
    write(prepared, 0)
    failed: list[BaseException] = []

    def write_all(mine: Warehouse, own_window: str) -> None:
        try:
            for number in (1, 2):
                mine.load("sampled_users", WINDOW, str(number), users("a", "b", rank=number))
                mine.load("sampled_users", own_window, str(number), users("c", rank=number))
                mine.publish(WINDOW, {"sampled_users": str(number)}, {"number": number})
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=write_all, args=(opener(), f"2025-01-0{day}")) for day in (7, 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    rows = prepared.fetch(USERS, {}).to_pylist()
    assert sorted(row["user_id"] for row in rows) == ["a", "b", "c", "c"] and {row["sample_rank"] for row in rows} <= {
        1,
        2,
    }
    published = prepared.fetch(USERS, {}, "published").to_pylist()
    assert [row["sample_rank"] for row in published] in ([1, 1], [2, 2])
    assert published[0]["sample_rank"] == prepared.manifest(WINDOW).evidence["number"]


def test_a_writer_that_dies_at_any_statement_leaves_old_or_new(
    opener: Opener, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Death before each statement in turn: nothing more is said, and nobody cleans up. Others read all the while."""
    reader = opener()
    write(reader, 0)
    reader.publish(WINDOW, dict.fromkeys(TABLES, "0"), {"number": 0})
    write(reader, 1)
    seen: list[tuple[int, int]] = []
    finished, at = False, 0
    with _polling(reader, seen):
        while not finished:
            at += 1
            mine = opener()
            assert mine.current("risk_set", WINDOW) == "1"  # and it has logged in
            with monkeypatch.context() as patch:
                steps = DYING[engine](patch, at)
                try:
                    mine.load("sampled_users", WINDOW, f"made-{at}", users(*"ab" * 250, rank=1))
                    mine.publish(WINDOW, {"sampled_users": f"made-{at}", "risk_set": "1"}, {"number": 1})
                    finished = True
                except Died:
                    assert steps() >= at
            seen.append(_published(reader))
            assert seen[-1] == ((1, 1) if finished else (0, 0))
    assert at > 2 and set(seen) == {(0, 0), (1, 1)}


class Died(BaseException):
    """Not an Exception, so that nothing treats it as one."""


def _dies(patch: pytest.MonkeyPatch, at: int, owner: Any, name: str) -> Callable[[], int]:
    """From its `at`-th call in this thread on, `owner.name` raises; counts the calls."""
    real, mine, calls = getattr(owner, name), threading.get_ident(), [0]

    def dying(*arguments: Any, **options: Any) -> Any:
        if threading.get_ident() != mine:
            return real(*arguments, **options)
        calls[0] += 1
        if calls[0] >= at:
            raise Died
        return real(*arguments, **options)

    patch.setattr(owner, name, dying)
    return lambda: calls[0]


def _files_die(patch: pytest.MonkeyPatch, at: int) -> Callable[[], int]:
    import os

    return _dies(patch, at, os, "replace")


def _snowflake_dies(patch: pytest.MonkeyPatch, at: int) -> Callable[[], int]:
    from snowflake.connector.cursor import SnowflakeCursor

    return _dies(patch, at, SnowflakeCursor, "execute")


DYING = {"duckdb": _files_die, "snowflake": _snowflake_dies, "spark": _files_die, LIVE: _snowflake_dies}
"""How a writer of each engine is made to die at its n-th step that others could see."""


def _published(warehouse: Warehouse) -> tuple[int, int]:
    """The number in all rows of either table, as published."""
    [row] = warehouse.fetch(BOTH, {}, "published").to_pylist()
    assert row["a"] == row["b"] and row["c"] == row["d"] and row["n"] == 500, row
    return row["a"], row["c"]


@contextmanager
def _polling(reader: Warehouse, seen: list[tuple[int, int]]) -> Iterator[None]:
    stop = threading.Event()

    def poll() -> None:
        while not stop.wait(0.1):
            seen.append(_published(reader))

    thread = threading.Thread(target=poll)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
