"""What a source holds, hour by hour: which windows can be built from it, and which have changed since they were."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from attribution_dagster.datasets.windows import Window

_CLOCK_SLACK = timedelta(days=1)
_HOUR = timedelta(hours=1)


def latest_plausible(now: datetime | None = None) -> datetime:
    """From when on (UTC) a time lies in the future: the end of tomorrow, since devices' clocks and zones differ."""
    today = (now or datetime.now(UTC)).date()
    return datetime.combine(today, time()) + timedelta(days=1) + _CLOCK_SLACK


@dataclass(frozen=True, eq=False)
class Coverage:
    """The rows of `source_hours`."""

    hours: pa.Table

    @cached_property
    def _dated(self) -> list[dict[str, Any]]:
        return sorted((row for row in self.hours.to_pylist() if row["hour_start"] is not None), key=_start)

    @property
    def n_rows(self) -> int:
        """Rows of the source that could be read."""
        return self._sum("n_events")

    @property
    def n_unparsable_time(self) -> int:
        """Rows without a time that can be read."""
        return self._sum("n_unparsable_time")

    @property
    def n_impossible_time(self) -> int:
        """Rows with a time before 1990 or in the future."""
        return self._sum("n_impossible_time")

    @property
    def first_event_at(self) -> datetime | None:
        """Time of the first event (UTC)."""
        return min((row["first_event_at"] for row in self._dated), default=None)

    @property
    def last_event_at(self) -> datetime | None:
        """Time of the last event (UTC)."""
        return max((row["last_event_at"] for row in self._dated), default=None)

    def observed_until(self, now: datetime) -> datetime:
        """Time of the last event before `now` (UTC), to the hour: a device whose clock runs ahead has not seen the future.

        Raises ValueError when there is none.
        """
        return max(row["last_event_at"] for row in self._dated if row["last_event_at"] <= now)  # type: ignore[no-any-return]

    def events_by_date(self, zone: ZoneInfo) -> dict[date, int]:
        """Local date -> its number of events, an hour counted to the date of its first event; without empty dates."""
        counts: dict[date, int] = {}
        for row in self._dated:
            day = row["first_event_at"].replace(tzinfo=UTC).astimezone(zone).date()
            counts[day] = counts.get(day, 0) + row["n_events"]
        return counts

    def holds(self, window: Window) -> bool:
        """Whether there is an event in the window. Exact, since no window is shorter than an hour."""
        return any(
            window.start <= row[name] < window.end
            for row in self._dated
            for name in ("first_event_at", "last_event_at")
        )

    def digest(self, start: datetime, end: datetime) -> str:
        """A digest of all events in [start, end), and of the rest of the hours that these cut."""
        digest = hashlib.sha256()
        for row in self._dated:
            if start - _HOUR < row["hour_start"] < end:
                digest.update(f"{row['hour_start']} {row['n_events']} {row['content_digest']}\n".encode())
        return digest.hexdigest()[:16]

    def n_outside(self, windows: list[Window]) -> int:
        """Events before the first or after the last of these windows, counted by the hour."""
        if not windows:
            return self.n_rows
        first, last = windows[0].start, windows[-1].end
        return sum(
            row["n_events"] for row in self._dated if row["last_event_at"] < first or row["first_event_at"] >= last
        )

    def _sum(self, column: str) -> int:
        return sum(self.hours[column].to_pylist())


def _start(row: dict[str, Any]) -> datetime:
    start = row["hour_start"]
    assert isinstance(start, datetime)
    return start
