"""What `attribution alerts` shows: whether people would be told of a failure, now."""

import time
from datetime import UTC, datetime

import dagster as dg
from rich.console import Group
from rich.table import Table
from rich.text import Text

from attribution_dagster.alerts.delivery import Progress
from attribution_dagster.alerts.events import OVERLAP_S, Position, parse_cursor
from attribution_dagster.alerts.history import read_runs
from attribution_dagster.cli.launch import dagster_home
from attribution_dagster.errors import ConfigurationError, DeliveryError
from attribution_dagster.resources.notifier import Message, Severity, Target, open_targets
from attribution_dagster.settings import Settings

LATE_S = 15 * 60.0


def send_test(settings: Settings) -> tuple[Group, bool]:
    """What each target did with a test message, and whether all have taken it."""
    message = Message(
        title="Test: alerts of attribution_dagster",
        body=f"Failed checks and failed runs are told here.\nruns: {settings.ui_url}/runs",
        severity=Severity.INFO,
    )
    refused = []
    lines = []
    for target in _targets(settings):
        try:
            target.deliver(message)
            lines.append(Text(f"{target.name} took the test message"))
        except DeliveryError as error:
            refused.append(target.name)
            lines.append(Text(str(error), style="bold red"))
    return Group(*lines), not refused


def standing(settings: Settings) -> tuple[Group, bool]:
    """Each target with the moment up to which it has been told everything and what waits; and whether none is late."""
    targets, last, now = _targets(settings), Progress(settings.home).last(), time.time()
    if last is None:
        return Group(Text("the sensor `alerts` has not run yet: start Dagster (make ui)", style="bold red")), False
    positions = parse_cursor(last.cursor)
    shown = Table(header_style="bold")
    for name in ("target", "told everything until", "waiting"):
        shown.add_column(name, justify="right" if name == "waiting" else "left")
    served = {target.name: positions[target.name] for target in targets if target.name in positions}
    waiting = _waiting(settings, served, now)
    for target in targets:
        until = _moment(served[target.name].since, now) if target.name in served else "not served yet"
        shown.add_row(target.name, until, str(waiting.get(target.name, "")))
    is_well = len(served) == len(targets) and all(now - p.since <= LATE_S for p in served.values())
    late = [] if is_well else [Text(f"late: more than {LATE_S / 60:.0f} minutes behind", style="bold red")]
    return Group(Text(f"the sensor last ran {_moment(last.at, now)}"), shown, *late), is_well


def _targets(settings: Settings) -> list[Target]:
    if not settings.alert_urls:
        raise ConfigurationError("nobody is told of failures: set ATTRIBUTION_ALERT_URLS, see docs/alerts.md")
    return open_targets(settings.alert_urls)


def _waiting(settings: Settings, positions: dict[str, Position], now: float) -> dict[str, int]:
    dagster_home(settings)
    since = min((p.since for p in positions.values()), default=now) - OVERLAP_S
    with dg.DagsterInstance.get() as instance:
        runs = read_runs(instance, since, now)
    return {name: len(position.untold(runs)) for name, position in positions.items()}


def _moment(at: float, now: float) -> str:
    ago = max(0, round(now - at))
    shown = f"{ago} s" if ago < 120 else f"{ago // 60} min" if ago < 7200 else f"{ago // 3600} h"
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC, {shown} ago"
