"""Writes the YAML of a dataset from a look at its file: windows that fit its dates, roles that fit its event names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from attribution_dagster.cli.doctor import partial_windows
from attribution_dagster.datasets.coverage import Coverage, latest_plausible
from attribution_dagster.datasets.profile import ROLES, Profile
from attribution_dagster.datasets.registry import known_datasets, load_events_profile, load_profile
from attribution_dagster.datasets.windows import boundary, next_boundary
from attribution_dagster.errors import AttributionError, ConfigurationError, DataError
from attribution_dagster.settings import Settings
from attribution_dagster.warehouse.queries import load_query
from attribution_dagster.warehouse.registry import open_warehouse
from attribution_dagster.warehouse.source import open_source

STUB_SHARE = 0.5
"""A window at either end with less than this share of a usual window's events is left out: ancient timestamps, the last evening."""
STILL_GROWING = timedelta(days=30)
"""A source whose last event is this recent gets windows without an end."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the person says of the new dataset; what is empty is taken from the dataset it is `like`."""

    name: str
    events: str
    like: str
    conversion: Sequence[str] = ()
    funnel: Sequence[str] = ()
    time_zone: str | None = None


def write_profile(settings: Settings, wanted: Wanted) -> Path:
    """Path of the new YAML, in the first folder of datasets; it extends `like`, whose staging SQL reads the file.

    Raises:
        ConfigurationError: the name is taken or refused, or no event is a conversion.
        DataError: the events cover less than two days.
        SourceError: the file can't be read as `like` reads its own.
    """
    known = known_datasets(settings.dataset_folders)
    if wanted.name in known:
        raise ConfigurationError(f"there is a dataset {wanted.name} already, {known[wanted.name]}: choose another name")
    parent = load_events_profile(wanted.like, settings.dataset_folders)
    found, types, items = _look(settings, parent, wanted)
    zone = wanted.time_zone or parent.time_zone
    content = {
        "extends": wanted.like,
        "name": wanted.name,
        "title": wanted.name.replace("_", " ").capitalize(),
        "simulated": False,
        "source": {"path": str(Path(wanted.events).absolute())},
        "time_zone": zone,
        "windows": _windows(parent, found, zone, datetime.now(ZoneInfo(zone)).date()),
        "roles": _roles(parent, types, wanted),
        # Without an item in any event there are no tokens, and nothing would be published for want of traits.
        **({"traits": None} if parent.traits is not None and not items[parent.traits.item] else {}),
    }
    path = settings.dataset_folders[0] / f"{wanted.name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    head = (
        f"# {found.n_rows:,} rows, {found.first_event_at} to {found.last_event_at} UTC, when this was written.\n"
        f"# What is not set here is as in the dataset {wanted.like}; any of its keys may be added.\n"
    )
    body = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    path.write_text(head + body, encoding="utf-8")
    try:
        profile = load_profile(wanted.name, settings.dataset_folders)
    except AttributionError:
        path.unlink()
        raise
    notes = "".join(f"# Note: {said}.\n" for said in partial_windows(profile, found))
    path.write_text(head + notes + body, encoding="utf-8")
    return path


def _look(settings: Settings, parent: Profile, wanted: Wanted) -> tuple[Coverage, list[str], dict[str, int]]:
    """What the file holds, its event types, the most frequent first, and how many events name an item, by column."""
    warehouse = open_warehouse(parent.name, settings)
    try:
        warehouse.attach_source(open_source(parent, wanted.events, settings.dataset_folders))
        bound = {"latest_plausible": latest_plausible()}
        found = Coverage(warehouse.fetch(load_query("staging/source_hours"), bound))
        types = warehouse.fetch(load_query("staging/source_event_types"), {})["event_type"].to_pylist()
        (items,) = warehouse.fetch(load_query("staging/source_items"), {}).to_pylist()
    finally:
        warehouse.close()
    return found, [name for name in types if name], items


def _windows(parent: Profile, found: Coverage, time_zone: str, today: date) -> dict[str, Any]:
    """The longest windows, up to the parent's, of which the events fill at least three; look-back as far as they allow."""
    dates = found.events_by_date(ZoneInfo(time_zone))
    lengths = ("month", "week", "day")
    for length in lengths[lengths.index(parent.windows.length) :]:
        starts = [start for start in _filled(dates, length) if next_boundary(start, length) <= today]
        if len(starts) > min(parent.windows.look_back, 2):
            break
    if len(starts) < 2:
        raise DataError(
            f"the events lie on {len(dates)} date(s), and {len(starts)} windows of them are over, where two are needed: one is explained by "
            "what was learnt from another"
        )
    end = next_boundary(starts[-1], length)
    is_growing = today - end < STILL_GROWING
    look_back = min(parent.windows.look_back, len(starts) - 1)
    # The end is written in any case: without one, that of the dataset it extends would hold.
    return {"length": length, "start": starts[0], "end": None if is_growing else end, "look_back": look_back}


def _filled(dates: Mapping[date, int], length: str) -> list[date]:
    """Starts of the windows with events, without those at either end that are hardly filled."""
    counts: dict[date, int] = {}
    for day, n_events in dates.items():
        start = boundary(day, length)
        counts[start] = counts.get(start, 0) + n_events
    usual = median(counts.values()) if counts else 0
    full = [start for start in sorted(counts) if counts[start] >= STUB_SHARE * usual]
    return [start for start in sorted(counts) if full[0] <= start <= full[-1]]


def _roles(parent: Profile, types: Sequence[str], wanted: Wanted) -> dict[str, list[str]]:
    """The parent's roles as far as the file has such events, with what the person says instead."""
    given = {"conversion": wanted.conversion, "funnel": wanted.funnel}
    roles = {role: list(given.get(role) or (t for t in getattr(parent.roles, role) if t in types)) for role in ROLES}
    unknown = [name for names in given.values() for name in names if name not in types]
    if unknown or not roles["conversion"]:
        missing = (
            f"no event is called {unknown[0]!r}" if unknown else "which event is the conversion? Give --conversion"
        )
        raise ConfigurationError(f"{missing}. The file has {', '.join(sorted(types)[:60])}")
    return roles
