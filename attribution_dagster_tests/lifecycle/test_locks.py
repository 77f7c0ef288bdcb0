"""Who waits for whom: two makers of one thing, a reader and a maker, everybody and a user being forgotten."""

import multiprocessing
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from attribution_dagster.errors import ConfigurationError
from attribution_dagster.resources import locks
from attribution_dagster.resources.locks import Locks
from attribution_dagster_tests.deployment.servers import HANGING_S

SESSIONS, FUNNELS = ("sessions", "2025-01-20"), ("session_funnels", "2025-01-20")
OTHER = ("sessions", "2025-01-27")
Hold = Callable[[Locks, Callable[[str], None]], AbstractContextManager[None]]


def making(made, *read) -> Hold:
    return lambda found, waits: found.making(made, read, waits)


def forgetting(found: Locks, waits: Callable[[str], None]) -> AbstractContextManager[None]:
    return found.forgetting(waits)


@pytest.mark.parametrize(
    ("first", "second", "waits_at"),
    [
        (making(SESSIONS), making(SESSIONS), "sessions/2025-01-20"),
        (making(SESSIONS), making(FUNNELS, SESSIONS), "sessions/2025-01-20"),
        (making(FUNNELS, SESSIONS), making(SESSIONS), "sessions/2025-01-20"),
        (making(FUNNELS, SESSIONS), forgetting, "dataset"),
        (forgetting, forgetting, "dataset"),
    ],
)
def test_the_second_waits_until_the_first_is_done(tmp_path: Path, first: Hold, second: Hold, waits_at: str) -> None:
    told, entered = threading.Event(), threading.Event()
    places: list[str] = []

    def waits(place: str) -> None:
        places.append(place)
        told.set()

    def enter() -> None:
        with second(Locks(tmp_path), waits):
            entered.set()

    other = threading.Thread(target=enter)
    with first(Locks(tmp_path), _never):
        other.start()
        assert told.wait(HANGING_S) and not entered.is_set()
    other.join(HANGING_S)
    assert entered.is_set() and places == [waits_at]


def test_readers_of_one_thing_and_makers_of_different_ones_do_not_wait(tmp_path: Path) -> None:
    found = Locks(tmp_path)
    with (
        found.making(FUNNELS, [SESSIONS], _never),
        found.making(("risk_set", "2025-01-20"), [SESSIONS], _never),
        found.making(OTHER, [], _never),
        found.judging(),
    ):
        pass


def test_a_process_that_dies_gives_its_locks_up(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    held = context.Event()
    child = context.Process(target=_hold_for_ever, args=(tmp_path, held))
    child.start()
    while not held.wait(1):
        assert child.is_alive(), "it ended before it held anything"
    child.kill()
    child.join(HANGING_S)
    with Locks(tmp_path).making(SESSIONS, [], _never):
        pass


def test_a_file_system_without_locks_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(file, kind):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(locks.fcntl, "flock", refuse)
    with pytest.raises(ConfigurationError, match=r"can't be locked .No locks available.: ATTRIBUTION_HOME must lie"):
        Locks(tmp_path).making(SESSIONS, [], _never).__enter__()


def _hold_for_ever(folder: Path, held) -> None:
    with Locks(folder).making(SESSIONS, [], _never):
        held.set()
        threading.Event().wait(HANGING_S)


def _never(place: str) -> None:
    raise AssertionError(f"waited at {place}")
