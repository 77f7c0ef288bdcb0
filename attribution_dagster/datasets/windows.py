"""Windows of time: local calendar days, weeks or months of a dataset, as half-open UTC intervals."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from attribution_dagster.datasets.profile import Profile
from attribution_dagster.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True, order=True)
class Window:
    """One window: `key` is the local date of its start, `start` and `end` are UTC without a zone, half-open."""

    key: str
    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        """Refuse an interval that holds no time."""
        if not self.start < self.end:
            raise ConfigurationError(f"window {self.key}: start {self.start} is not before end {self.end}")


def windows(profile: Profile, until: datetime | None = None) -> list[Window]:
    """All windows of the dataset, oldest first.

    `until` (UTC, no zone) stands in for a profile without `windows.end`: the last window is the one that holds it.

    Raises ConfigurationError when neither the profile nor the caller says where the windows end.
    """
    zone, spec = ZoneInfo(profile.time_zone), profile.windows
    if spec.end is not None:
        return _windows(profile, spec.start, spec.end)
    if until is None:
        raise ConfigurationError(
            f"dataset {profile.name}: windows.end is not set, so the windows have no end. Set windows.end in the "
            "profile (the first date that is no longer covered)."
        )
    last = until.replace(tzinfo=UTC).astimezone(zone).date() + timedelta(days=1)
    return _windows(profile, spec.start, last)


def window(profile: Profile, key: str, until: datetime | None = None) -> Window:
    """The window that starts on the local date `key`.

    Raises ConfigurationError for a key that starts no window of the dataset.
    """
    known = windows(profile, until)
    return known[_position(profile, known, key)]


def explainable(profile: Profile, until: datetime | None = None) -> list[Window]:
    """The windows that have a full look-back before them, oldest first."""
    return windows(profile, until)[profile.windows.look_back :]


def look_back(profile: Profile, key: str, until: datetime | None = None) -> list[Window]:
    """The windows before `key` that train its model, oldest first: exactly `windows.look_back` of them.

    Raises ConfigurationError when the dataset starts too late for that.
    """
    known = windows(profile, until)
    position, needed = _position(profile, known, key), profile.windows.look_back
    if position < needed:
        first = known[needed].key if needed < len(known) else "none"
        raise ConfigurationError(
            f"dataset {profile.name}: window {key} has {position} windows before it and needs {needed} to learn from. "
            f"The first window that can be explained is {first}."
        )
    return known[position - needed : position]


def comparable(profile: Profile, of: Window, count: int) -> list[Window]:
    """At most `count` windows before this one that it is like, latest first: days of its weekday; of others, those just before."""
    step = 7 if profile.windows.length == "day" else 1
    return _until(profile, of)[-1 - step :: -step][:count]


def preceding(profile: Profile, of: Window, count: int) -> list[Window]:
    """At most `count` windows just before this one, oldest first."""
    return _until(profile, of)[:-1][-count:]


def _until(profile: Profile, last: Window) -> list[Window]:
    return [known for known in windows(profile, until=last.start) if known.start <= last.start]


def retrain_key(profile: Profile, key: str, until: datetime | None = None) -> str:
    """The window whose model explains `key`: its own, or the latest before it at which a model is trained."""
    known, first = windows(profile, until), profile.windows.look_back
    look_back(profile, key, until)
    position = _position(profile, known, key)
    return known[first + (position - first) // profile.windows.retrain_every * profile.windows.retrain_every].key


def _position(profile: Profile, known: list[Window], key: str) -> int:
    for position, candidate in enumerate(known):
        if candidate.key == key:
            return position
    span = f"{known[0].key} to {known[-1].key}, one a {profile.windows.length}" if known else "none"
    raise ConfigurationError(f"dataset {profile.name}: {key!r} starts no window. Windows: {span}.")


def boundary(day: date, length: str) -> date:
    """The date on which the window that holds `day` begins."""
    if length == "month":
        return day.replace(day=1)
    return day - timedelta(days=day.weekday() if length == "week" else 0)


def next_boundary(start: date, length: str) -> date:
    """The date on which the window after the one that begins on `start` begins."""
    if length == "month":
        return date(start.year + start.month // 12, start.month % 12 + 1, 1)
    return start + timedelta(days=7 if length == "week" else 1)


def _starts(first: date, end: date, length: str) -> Iterator[date]:
    while first < end:
        yield first
        first = next_boundary(first, length)


def _windows(profile: Profile, first: date, end: date) -> list[Window]:
    zone, length = ZoneInfo(profile.time_zone), profile.windows.length
    spans = [
        (day, _midnight(day, zone), _midnight(next_boundary(day, length), zone)) for day in _starts(first, end, length)
    ]
    # Samoa had no 30 December 2011: a date that a zone leaves out is no window.
    return [Window(key=day.isoformat(), start=start, end=stop) for day, start, stop in spans if start < stop]


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    # Where a clock change skips or repeats midnight, fold=0 gives the first instant of the local date.
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC).replace(tzinfo=None)
