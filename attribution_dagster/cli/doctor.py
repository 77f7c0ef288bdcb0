"""A look at a file before anything is run: can it be read, what is in it, what could be learnt from it, how long will it take."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from attribution_dagster.core.uncertainty import Z_95
from attribution_dagster.datasets.coverage import Coverage, latest_plausible
from attribution_dagster.datasets.parameters import parameters
from attribution_dagster.datasets.profile import ROLES, Profile
from attribution_dagster.datasets.registry import load_events_profile
from attribution_dagster.datasets.windows import Window, boundary, windows
from attribution_dagster.reports.labels import one_line, shorten
from attribution_dagster.resources.database_source import copy_folder, is_from_database, update_copy
from attribution_dagster.resources.progress import LoggedProgress
from attribution_dagster.settings import Settings
from attribution_dagster.warehouse.queries import load_query
from attribution_dagster.warehouse.registry import open_warehouse
from attribution_dagster.warehouse.source import Source, open_source

TRAINED_EVENTS_PER_S = 5_000
"""Events of the risk set trained on per second and epoch on two cores, cautiously: `make bench` measures it."""
EXPLAINED_EVENTS_PER_S = 15_000
Z_POWER_80 = 0.84


@dataclass(frozen=True, kw_only=True)
class WindowCount:
    """Sessions of one window, as far as they can be told from conversions and gaps."""

    key: str
    events: int
    users: int
    conversions: int


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What was found; `problems` are reasons not to run, `remarks` are worth knowing."""

    profile: Profile
    source: Source
    events: str | None
    coverage: Coverage
    event_types: pa.Table
    windows: Sequence[WindowCount]
    problems: Sequence[str]
    remarks: Sequence[str]

    def render(self) -> RenderableType:
        """The findings for a console."""
        zone = ZoneInfo(self.profile.time_zone)
        first, last = (_local(moment, zone) for moment in (self.coverage.first_event_at, self.coverage.last_event_at))
        head = Text(
            f"{len(self.source.events.parts)} file(s), {self.coverage.n_rows:,} rows, {first} to {last} ({self.profile.time_zone})"
        )
        parts: list[RenderableType] = [head, _types_table(self.event_types), _windows_table(self.windows)]
        parts += [Text(f"• {remark}") for remark in self.remarks]
        parts += [Text(f"✗ {problem}", style="bold red") for problem in self.problems]
        if not self.problems:
            option = f" --events {self.events}" if self.events else ""
            parts.append(Text(f"✓ ready: attribution run --dataset {self.profile.name}{option}", style="bold green"))
        return Group(*parts)


def examine(settings: Settings, dataset: str) -> Findings:
    """What the dataset's profile makes of the file that the settings name.

    Raises:
        AttributionError: the profile or the file can't be read at all.
    """
    profile = load_events_profile(dataset, settings.dataset_folders)
    warehouse = open_warehouse(dataset, settings)
    try:
        events: str | Path | None = settings.events.get(dataset)
        if is_from_database(profile, settings):
            update_copy(profile, settings, warehouse.suppression(), LoggedProgress())
            events = copy_folder(profile, settings)
        source = open_source(profile, events, settings.dataset_folders, warehouse.describe_table)
        warehouse.attach_source(source)
        found = Coverage(warehouse.fetch(load_query("staging/source_hours"), {"latest_plausible": latest_plausible()}))
        types = warehouse.fetch(load_query("staging/source_event_types"), {})
        malformed = warehouse.fetch(load_query("staging/source_malformed"), {}).to_pylist()[0]["n_malformed_lines"]
        query = load_query("staging/source_windows")
        counts = [
            WindowCount(key=w.key, **warehouse.fetch(query, parameters(profile, w, query.parameters)).to_pylist()[0])
            for w in _covered(profile, found)
        ]
    finally:
        warehouse.close()
    return Findings(
        profile=profile,
        source=source,
        events=settings.events.get(dataset),
        coverage=found,
        event_types=types,
        windows=counts,
        problems=_problems(profile, found, types, counts),
        remarks=[
            *_left_out(found, malformed),
            *partial_windows(profile, found),
            *_remarks(profile, source, found, types, counts),
        ],
    )


def _covered(profile: Profile, found: Coverage) -> list[Window]:
    """The windows that hold events and are over."""
    if found.last_event_at is None:
        return []
    now = datetime.now(UTC).replace(tzinfo=None)
    return [w for w in windows(profile, until=found.last_event_at) if w.end <= now and found.holds(w)]


def _problems(profile: Profile, found: Coverage, types: pa.Table, counts: Sequence[WindowCount]) -> list[str]:
    if found.first_event_at is None:
        return [
            f"none of the {found.n_rows:,} rows has a usable time: check the time column against sql/staging/stg_events__{profile.staging}.sql"
        ]
    problems: list[str] = []
    present = set(types["event_type"].to_pylist())
    if not present & set(profile.roles.conversion):
        names = ", ".join(str(name) for name in sorted(present - {None})[:12])
        problems.append(
            f"no event is a conversion ({', '.join(profile.roles.conversion)}); the file has {names}: correct roles.conversion"
        )
    barren = [c.key for c in counts if c.events and not c.conversions]
    if barren and present & set(profile.roles.conversion):
        problems.append(
            f"no conversion in window {', '.join(barren[:5])}: a model needs some in each; choose longer windows"
        )
    if len(counts) <= profile.windows.look_back:
        problems.append(
            f"the events cover {len(counts)} {profile.windows.length}(s) between windows.start {profile.windows.start} and windows.end "
            f"{profile.windows.end or '(open)'}; {profile.windows.look_back + 1} are needed, {profile.windows.look_back} to learn from and one to "
            f"explain: `attribution new NAME --events FILE` writes a profile whose windows fit; or set windows.start to "
            f"{_first_window(found.first_event_at, profile)} and windows.end past your last event, or lower look_back"
        )
    return problems


def _first_window(first: datetime, profile: Profile) -> str:
    """The date on which the window of the first event begins."""
    return str(boundary(_date(first, ZoneInfo(profile.time_zone)), profile.windows.length))


def _left_out(found: Coverage, malformed: int) -> list[str]:
    """What can be told of rejected rows before a run, by reason."""
    reasons = {
        "lines that are no row": malformed,
        "rows whose time can't be read": found.n_unparsable_time,
        "rows with a time before 1990 or in the future": found.n_impossible_time,
    }
    said = ", ".join(f"{n:,} {reason}" for reason, n in reasons.items() if n)
    share = sum(reasons.values()) / max(1, found.n_rows + malformed)
    return [f"left out: {said} ({share:.2%}); they will be in rejected_events or counted by `source`"] if said else []


def partial_windows(profile: Profile, found: Coverage) -> list[str]:
    """Which windows at either end of the events hold only some of their days, and what to do. Windows of a day are not looked at."""
    covered, zone = _covered(profile, found), ZoneInfo(profile.time_zone)
    if not covered or profile.windows.length == "day":
        return []
    first, last = covered[0], covered[-1]
    first_day, last_day = _date(first.start, zone), _date(last.end - timedelta(hours=12), zone)
    dates = [each for each in found.events_by_date(zone) if first_day <= each <= last_day]
    said = []
    if min(dates) > first_day:
        next_start = _date(first.end, zone)
        said.append(
            f"window {first.key} is not full: the events begin on {min(dates)}; windows.start {next_start} leaves it out"
        )
    if max(dates) < last_day:
        said.append(
            f"window {last.key} is not full: the events end on {max(dates)}, the window on {last_day}; it is compared with whole ones, "
            f"windows.end {last.key} leaves it out"
        )
    return said


def _date(moment: datetime, zone: ZoneInfo) -> date:
    return moment.replace(tzinfo=UTC).astimezone(zone).date()


def _remarks(
    profile: Profile, source: Source, found: Coverage, types: pa.Table, counts: Sequence[WindowCount]
) -> list[str]:
    remarks: list[str] = []
    present = set(types["event_type"].to_pylist())
    if not present & set(profile.roles.funnel):
        remarks.append(
            "no event is of the funnel: if carts or checkouts are among them, name them in roles.funnel (attribution new: --funnel TYPE, once for each), "
            "or they give the answer away in no_funnel, and both variants are the same"
        )
    for role in ROLES:
        absent = [name for name in getattr(profile.roles, role) if name not in present]
        if absent:
            remarks.append(f"role {role}: no event is called {', '.join(absent)}")
    span = found.last_event_at - found.first_event_at if found.first_event_at and found.last_event_at else timedelta()
    remarks.append(
        f"times are read as the staging SQL says, and days begin at midnight in {profile.time_zone}; the events span {span.days} days"
    )
    outside = found.n_outside(windows(profile, until=found.last_event_at)) if found.last_event_at else 0
    if outside:
        remarks.append(
            f"{outside:,} events lie before windows.start {profile.windows.start} or after windows.end, and are left out"
        )
    used = {column.casefold() for column in (*source.events.required, *source.events.optional)}
    unused = [column for column in source.events.columns if column.casefold() not in used]
    if unused:
        remarks.append(f"columns that are not used: {', '.join(shorten(one_line(name), 30) for name in unused[:12])}")
    if counts:
        remarks += _power(counts[-1], profile)
        remarks.append(f"expect about {_minutes(profile, counts):.0f} minutes for the first run on two cores")
    return remarks


def _power(last: WindowCount, profile: Profile) -> list[str]:
    """Smallest effect detectable in one window: two-sided 5 %, power 80 %, log odds ratio of a feature half of all sessions have, or a tenth.

    SE = sqrt((1/cases + 1/controls) / (p (1 - p))), which ignores that sessions of one user are alike.
    """
    cases, ratio = last.conversions, profile.risk_set.controls_per_case
    if cases == 0:
        return []
    said = []
    for share in (0.5, 0.1):
        error = math.sqrt((1 / cases + 1 / (cases * ratio)) / (share * (1 - share)))
        effect = (Z_95 + Z_POWER_80) * error
        said.append(f"{effect:.2f} logits (odds x {math.exp(effect):.2f}) for something in {share:.0%} of sessions")
    return [
        f"with {cases:,} conversions in window {last.key}, an effect can be told from none if it is at least "
        + ", or ".join(said)
    ]


def _minutes(profile: Profile, counts: Sequence[WindowCount]) -> float:
    """A rough duration: the risk set's share of events is estimated from conversions and mean length."""
    epochs = int(profile.training.get("max_epochs", 3))
    per_window = sum(c.events for c in counts) / len(counts)
    conversions = sum(c.conversions for c in counts) / len(counts)
    sampled = min(1.0, profile.sampling.users / max(1, max(c.users for c in counts)))
    risk_set_events = min(per_window, conversions * (1 + profile.risk_set.controls_per_case) * 10) * sampled
    trainings = math.ceil(max(1, len(counts) - profile.windows.look_back) / profile.windows.retrain_every)
    explained = max(1, len(counts) - profile.windows.look_back)
    seconds = len(profile.variants) * (
        trainings * (epochs * risk_set_events * profile.windows.look_back / TRAINED_EVENTS_PER_S + 10)
        + explained * per_window * sampled / EXPLAINED_EVENTS_PER_S
    )
    return max(1.0, (seconds + 20 + 5 * len(counts)) / 60)


def _types_table(types: pa.Table) -> Table:
    table = Table(title="Event types", title_justify="left", header_style="bold")
    for name, justify in (("event type", "left"), ("events", "right"), ("users", "right"), ("roles", "left")):
        table.add_column(name, justify="right" if justify == "right" else "left")
    for row in types.slice(0, 40).to_pylist():
        roles = ", ".join(role for role in ROLES if row[f"is_{role}"]) or "–"
        name = shorten(one_line(row["event_type"]), 40) if row["event_type"] else "(empty: will be rejected)"
        table.add_row(Text(name), f"{row['n_events']:,}", f"{row['n_users']:,}", roles)
    return table


def _windows_table(counts: Sequence[WindowCount]) -> Table:
    table = Table(title="Windows", title_justify="left", header_style="bold")
    table.add_column("window")
    for name in ("events", "users", "conversion events"):
        table.add_column(name, justify="right")
    for c in counts[-20:]:
        table.add_row(c.key, f"{c.events:,}", f"{c.users:,}", f"{c.conversions:,}")
    return table


def _local(moment: datetime | None, zone: ZoneInfo) -> str:
    return "never" if moment is None else f"{moment.replace(tzinfo=ZoneInfo('UTC')).astimezone(zone):%Y-%m-%d %H:%M}"
