"""One tick: read what failed, tell every target what it has not been told, keep each one's place, say that we are alive.

Dagster stores a sensor's cursor only after the tick. So each position is also written to a file of our own as soon as a target has taken a message;
a tick that dies (the machine, a time limit) is taken up there, and repeats at most the one message that was being taken when it died.
"""

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import dagster as dg

from attribution_dagster.alerts.events import OVERLAP_S, Position, caught_up, dump_cursor, parse_cursor, positions_of
from attribution_dagster.alerts.history import read_runs
from attribution_dagster.alerts.messages import Writer
from attribution_dagster.atomic import replace_file
from attribution_dagster.errors import DeliveryError
from attribution_dagster.resources.notifier import Target

TICK_BUDGET_S = 25.0
"""No new message is begun after it. With the time one message may take, a tick ends within Dagster's minute."""
_HEARTBEAT_TIMEOUT_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a tick did: failures told by target, and why one was not."""

    cursor: str
    told: Mapping[str, int]
    problems: Mapping[str, str]
    heartbeat: str

    def __str__(self) -> str:
        """One sentence: what the tick shows in the UI."""
        told = ", ".join(f"{count} to {name}" for name, count in self.told.items() if count) or "nothing new"
        problems = "".join(f"; {problem}" for problem in self.problems.values())
        return f"told: {told}{problems}{self.heartbeat and f'; {self.heartbeat}'}"


class Progress:
    """The file of positions: the cursor that the running, or the last, tick began with, and how far it has come."""

    def __init__(self, home: Path) -> None:
        self.path = home / "alerts" / "progress.json"

    def last(self) -> "LastTick | None":
        """What the last tick left; None before the first."""
        return LastTick(**json.loads(self.path.read_text())) if self.path.exists() else None

    def resume(self, cursor: str | None) -> str | None:
        """Dagster's cursor; or what came of it, if the tick that began with it died before Dagster could store that."""
        last = self.last()
        return last.cursor if last is not None and last.began_with == cursor else cursor

    def save(self, tick: "LastTick") -> None:
        """Replaces the file whole."""
        replace_file(self.path, json.dumps(asdict(tick)).encode())


@dataclass(frozen=True, kw_only=True)
class LastTick:
    """When a tick began, with which cursor, and how far it has come."""

    at: float
    began_with: str | None
    cursor: str


def tick(
    instance: dg.DagsterInstance,
    cursor: str | None,
    *,
    targets: Sequence[Target],
    writer: Writer,
    progress: Progress,
    heartbeat_url: str | None,
    clock: Callable[[], float] = time.time,
) -> Outcome:
    """What was told and the new cursor. A target that doesn't take its message keeps its place, the others go on.

    The very first tick tells nothing: it starts from now. The heartbeat is sent only when everybody has been told everything.
    """
    now, deadline = clock(), time.monotonic() + TICK_BUDGET_S
    known = parse_cursor(progress.resume(cursor))
    runs = read_runs(instance, min((p.since for p in known.values()), default=now) - OVERLAP_S, now)
    newest = caught_up(runs, now)
    positions = positions_of([t.name for t in targets], known, newest)
    told = dict.fromkeys(positions, 0)
    problems: dict[str, str] = {}
    lock = threading.Lock()

    def keep() -> None:
        progress.save(LastTick(at=now, began_with=cursor, cursor=dump_cursor(positions)))

    def advance(name: str, position: Position) -> None:
        with lock:
            positions[name] = position
            keep()

    def serve(target: Target) -> None:
        position = positions[target.name]
        try:
            for message, failures in writer.messages(position.untold(runs)):
                if time.monotonic() > deadline:
                    problems[target.name] = f"{target.name} gets the rest in the next tick"
                    return
                target.deliver(message)
                told[target.name] += len(failures)
                position = position.after(failures)
                advance(target.name, position)
            advance(target.name, newest)
        except DeliveryError as error:
            problems[target.name] = str(error)

    # Before anything is sent: a disk that can't take the file fails the tick here, and nothing is told twice.
    keep()
    with ThreadPoolExecutor(max_workers=max(1, len(targets))) as pool:
        list(pool.map(serve, targets))
    alive = _beat(heartbeat_url) if heartbeat_url and not problems else ""
    return Outcome(cursor=dump_cursor(positions), told=told, problems=problems, heartbeat=alive)


def _beat(url: str) -> str:
    """GETs the address of a watchdog; what went wrong, without the address, or nothing."""
    try:
        with urllib.request.urlopen(url, timeout=_HEARTBEAT_TIMEOUT_S):
            return ""
    except urllib.error.HTTPError as error:
        return f"the heartbeat was answered {error.code}"
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        return f"the heartbeat was not taken ({type(reason).__name__})"
