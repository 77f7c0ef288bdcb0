"""What can go wrong, and how far each target has been told of it. Pure: no Dagster, no clock, no network.

Each target has a position of its own in the history of runs. So one that is down keeps its place and nobody else waits for it or hears a thing twice.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from attribution_dagster.errors import ConfigurationError

OVERLAP_S = 300.0
"""Runs that changed this long before a position are looked at again: clocks of machines differ, and a commit takes its time."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """What all failures have. `event` is its number in the log of its run; the two are its identity."""

    run_id: str
    event: int
    at: float
    dataset: str
    asset: str
    window: str


@dataclass(frozen=True, kw_only=True)
class FailedCheck(Event):
    """A check that did not pass. A blocking one has stopped its run."""

    check: str
    is_error: bool
    blocking: bool
    observed: Mapping[str, str]
    expected: str
    said: str


@dataclass(frozen=True, kw_only=True)
class FailedRun(Event):
    """A run that failed for another reason than a failed check."""

    error: str


Failure = FailedCheck | FailedRun


@dataclass(frozen=True, kw_only=True)
class RunLog:
    """A run and what failed in it so far."""

    run_id: str
    failures: Sequence[Failure]


@dataclass(frozen=True, kw_only=True)
class Position:
    """What a target has been told: all of the time before `since`, and of each of these runs the events of these numbers.

    Numbers and not a highest one: processes of one run write their events side by side, and a lower number can appear after a higher one.
    """

    since: float
    told: Mapping[str, Collection[int]] = field(default_factory=dict)

    def untold(self, runs: Iterable[RunLog]) -> list[Failure]:
        """What these runs have to tell, the oldest first."""
        return sorted(
            (f for run in runs for f in run.failures if not self._knows(f)), key=lambda f: (f.at, f.run_id, f.event)
        )

    def after(self, failures: Iterable[Failure]) -> "Position":
        """The position when these have been told, and perhaps others not yet."""
        told = {run_id: set(events) for run_id, events in self.told.items()}
        for failure in failures:
            told.setdefault(failure.run_id, set()).add(failure.event)
        return Position(since=self.since, told=told)

    def _knows(self, failure: Failure) -> bool:
        if failure.run_id in self.told:
            return failure.event in self.told[failure.run_id]
        # A run that was over long ago changes again when somebody adds a tag to it; its failures are old news.
        return failure.at < self.since - OVERLAP_S


def caught_up(runs: Iterable[RunLog], now: float) -> Position:
    """The position of who has been told everything there is in the runs that are unfinished or changed lately."""
    return Position(since=now, told={run.run_id: {f.event for f in run.failures} for run in runs})


def positions_of(names: Sequence[str], known: Mapping[str, Position], newest: Position) -> dict[str, Position]:
    """A position for each target. A new one starts at the newest, unless it takes the place of one that is gone: then it takes over what waits there."""
    gone = [position for name, position in known.items() if name not in names]
    start = min(gone, key=lambda position: position.since, default=newest)
    return {name: known.get(name, start) for name in names}


def dump_cursor(positions: Mapping[str, Position]) -> str:
    """The positions as the text that Dagster keeps for a sensor."""
    content = {
        name: {"since": p.since, "told": {run: sorted(events) for run, events in sorted(p.told.items())}}
        for name, p in positions.items()
    }
    return json.dumps(content, separators=(",", ":"))


def parse_cursor(text: str | None) -> dict[str, Position]:
    """The positions in a cursor; none where there is no cursor yet.

    Raises:
        ConfigurationError: somebody has written something else there.
    """
    if not text:
        return {}
    try:
        return {
            name: Position(
                since=float(p["since"]), told={run: {int(e) for e in told} for run, told in p["told"].items()}
            )
            for name, p in json.loads(text).items()
        }
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigurationError(
            "the cursor of the sensor `alerts` can't be read; empty it in the UI (Automation, alerts, the cursor's pencil), and it starts from now"
        ) from error
