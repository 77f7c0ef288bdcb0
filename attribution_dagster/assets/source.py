"""The way in: the source as a whole, then its events window by window, with what had to be rejected."""

import math
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pyarrow as pa

from attribution_dagster.assets.showing import columns_from, top_rows
from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.assets.whole_source import attach_as_looked_at, whole_source
from attribution_dagster.core.simulation.ads import simulate_ads
from attribution_dagster.core.simulation.marketplace import simulate_marketplace
from attribution_dagster.core.simulation.shoppers import simulate_shoppers
from attribution_dagster.datasets.coverage import Coverage, latest_plausible
from attribution_dagster.datasets.parameters import parameters
from attribution_dagster.datasets.profile import ROLES
from attribution_dagster.errors import DataError, MissingInputError, SourceError
from attribution_dagster.graph import DatasetAssets
from attribution_dagster.reports.markdown import markdown_table
from attribution_dagster.resources.database_source import copy_folder, is_from_database, update_copy
from attribution_dagster.resources.workspace import WHOLE, Workspace
from attribution_dagster.warehouse.queries import load_query
from attribution_dagster.warehouse.source import Source, open_source

_WORLDS = {
    "marketplace": (simulate_marketplace, "events"),
    "ads": (simulate_ads, "impressions"),
    "shoppers": (simulate_shoppers, "events"),
}
"""World -> what simulates it into a folder, and which part of that folder holds the events."""
UNDATED = "undated"
"""Window key of rejected rows that have no usable time."""


def source_assets(assets: DatasetAssets) -> list[dg.AssetsDefinition]:
    """The assets `source` (whole) and `events` (one window each)."""

    source = whole_source(
        assets,
        "Where the events come from and what they hold: rows, time range, event types. Rows without a usable time are quarantined here.",
        group="step1_events",
        code=_CODE_SOURCE,
        find=_updated,
        look=_profile_source,
        more=lambda workspace: [workspace.profile.roles.model_dump(), _bound_in_force(workspace)],
        exists=_is_profiled,
    )

    @dg.asset(**assets.options("events", deps=["source"], kinds={"sql"}, group="step1_events", code=_CODE_EVENTS))
    def events(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """The window's events under the same column names whatever the source; each with the run of activity it belongs to, or why it was rejected."""
        workspace = assets.workspace
        profile = workspace.profile
        return make(
            context,
            workspace,
            "events",
            reads=lambda _: (),
            settings=lambda key: [
                profile.sessions.model_dump(),
                profile.quality.max_rejected_share,
                content_digest(workspace, key, "scan_start", "scan_end"),
            ],
            code=_CODE_EVENTS,
            exists=lambda step: step.table("stg_events", "rejected_events"),
            build=_stage_events,
        )

    return [source, events]


_CODE_SOURCE = code_version("assets/source.py", "assets/whole_source.py", "warehouse", "core/simulation", "sql/staging")
_CODE_SIMULATION = code_version("core/simulation")
_CODE_EVENTS = code_version("assets/source.py", "warehouse", "sql/staging", "sql/sessions/rejected_events.sql")


def coverage(workspace: Workspace) -> Coverage:
    """What the source holds, as it was last profiled. MissingInputError if it has not been."""
    if workspace.warehouse.current("source_hours", WHOLE) is None:
        name = workspace.profile.name
        raise MissingInputError(
            f"dataset {name}: the source has not been profiled. Make the asset `source` first: "
            f"`attribution run --dataset {name}`, or `dg launch --assets key:{name}/source`."
        )
    return Coverage(workspace.warehouse.fetch(load_query("staging/source_coverage"), {}))


def content_digest(workspace: Workspace, key: str, since: str, until: str) -> str:
    """Digest of the events between two of the window's bounds in time, named as the statements in `sql/` name them.

    Of a window's events, those of it and of its margins decide it; others may come and go.

    Raises:
        DataError: a user has been forgotten since the source was profiled.
    """
    record = workspace.artifacts.record("source", WHOLE)
    if record is not None and record.report.get("suppressed", "") != workspace.warehouse.suppression().digest:
        raise DataError(
            f"dataset {workspace.profile.name}: a user has been forgotten since the asset `source` looked at the events. "
            "Materialise `source` again, then what is downstream."
        )
    bounds = parameters(workspace.profile, workspace.window(key), frozenset({since, until}))
    start, end = bounds[since], bounds[until]
    assert isinstance(start, datetime) and isinstance(end, datetime)
    return coverage(workspace).digest(start, end)


def _updated(workspace: Workspace) -> Source:
    """The source; of a database's table, the copy brought up to date."""
    if is_from_database(workspace.profile, workspace.settings):
        with workspace.locks.judging():
            update_copy(workspace.profile, workspace.settings, workspace.warehouse.suppression(), workspace.progress)
    return _open(workspace)


def _open(workspace: Workspace) -> Source:
    """The source named by the settings, by the profile, or simulated on first use; of a database's table, the copy as it is."""
    profile, settings = workspace.profile, workspace.settings
    if is_from_database(profile, settings):
        return open_source(profile, copy_folder(profile, settings), settings.dataset_folders)
    override = settings.events.get(profile.name)
    if override is None and profile.source is not None and profile.source.simulate is not None:
        return open_source(profile, _simulated(workspace), settings.dataset_folders)
    return open_source(profile, override, settings.dataset_folders, workspace.warehouse.describe_table)


def _simulated(workspace: Workspace) -> Path:
    """The events of the profile's simulated world, made on first use; its folder's name holds all that the world depends on."""
    profile, windows = workspace.profile, workspace.windows()
    assert profile.source is not None and profile.source.simulate is not None
    wanted = profile.source.simulate
    users, seed = wanted.users, wanted.seed
    simulate, events = _WORLDS[wanted.world]
    weeks = math.ceil((windows[-1].end - windows[0].start).days / 7)
    name = f"{profile.name}-{users}-users-{weeks}-weeks-from-{profile.windows.start}-seed-{seed}-{_CODE_SIMULATION[:8]}"
    folder = workspace.settings.home / "simulated" / name
    if not folder.exists():
        workspace.progress.start("simulating events")
        progress = workspace.progress.advance
        simulate(folder, users=users, weeks=weeks, start=profile.windows.start, seed=seed, progress=progress)
        workspace.progress.finish("done")
    return folder / events


def _bound_in_force(workspace: Workspace) -> str | None:
    """From when on times lay in the future, if that kept events out last time: they may have happened since."""
    record = workspace.artifacts.record("source", WHOLE)
    kept_out = record is not None and record.report["rows_with_impossible_time"]
    return latest_plausible().isoformat() if kept_out else None


def _is_profiled(step: Step) -> bool:
    slices = (("source_hours", WHOLE), ("rejected_events", UNDATED))
    return all(step.workspace.warehouse.current(*each) == step.version for each in slices)


def _profile_source(step: Step, source: Source) -> Report:
    workspace, warehouse = step.workspace, step.workspace.warehouse
    warehouse.attach_source(source)
    until = latest_plausible()
    bound = {"latest_plausible": until}
    warehouse.build("source_hours", WHOLE, step.version, load_query("staging/source_hours"), bound)
    found = coverage(workspace)
    if found.first_event_at is None or found.last_event_at is None:
        raise SourceError(
            f"dataset {workspace.profile.name}: {source.events.parts[0].path} holds {found.n_rows} rows and none with a "
            "usable time. Give a file with events, or correct the time column in the staging SQL."
        )
    try:
        observed_until = found.observed_until(datetime.now(UTC).replace(tzinfo=None))
    except ValueError:
        raise SourceError(
            f"dataset {workspace.profile.name}: all events of {source.events.parts[0].path} lie after now, the first at {found.first_event_at} UTC. "
            "Correct the time column, or its time zone, in the staging SQL."
        ) from None
    types = warehouse.fetch(load_query("staging/source_event_types"), {})
    n_undated = warehouse.build("rejected_events", UNDATED, step.version, load_query("staging/rejected_undated"), bound)
    malformed = warehouse.fetch(load_query("staging/source_malformed"), {}).to_pylist()[0]["n_malformed_lines"]
    _refuse_too_many(
        step, "the source", n_undated, found.n_rows + malformed, "no usable time, or lines that are no rows"
    )
    return {
        "digest": source.digest,
        "suppressed": warehouse.suppression().digest,
        "files": len(source.events.parts),
        "first_file": {"path": str(source.events.parts[0].path)},
        "simulated": workspace.profile.simulated,
        "rows": found.n_rows,
        "malformed_lines": malformed,
        "rows_without_usable_time": n_undated,
        "rows_with_impossible_time": found.n_impossible_time,
        "plausible_until": until.isoformat(),
        "first_event_at": found.first_event_at.isoformat(),
        "last_event_at": observed_until.isoformat(),
        "events_outside_all_windows": found.n_outside(workspace.windows()),
        "event_types": {"markdown": markdown_table(_with_roles(types), rows=60)},
    }


def _with_roles(types: pa.Table) -> pa.Table:
    """Event types with how often and by how many they occur, and their roles in one column."""
    roles = [", ".join(role for role in ROLES if row[f"is_{role}"]) or None for row in types.to_pylist()]
    return types.select(["event_type", "n_events", "n_users"]).append_column("roles", pa.array(roles, pa.string()))


def _stage_events(step: Step) -> Report:
    workspace, key = step.workspace, step.window_key
    attach_as_profiled(workspace)
    staging = load_query("staging/stg_events")
    staged = step.build_table("stg_events", staging)
    rejected = step.build_table("rejected_events", load_query("sessions/rejected_events"))
    counts = workspace.fetch(load_query("staging/event_counts"), key).to_pylist()
    events = sum(row["n_events"] for row in counts)
    if events == 0:
        raise DataError(_empty_window(workspace, key))
    by_reason = {row["reason"]: row["n_events"] for row in counts if row["reason"] is not None}
    reasons = ", ".join(f"{reason} {n}" for reason, n in by_reason.items())
    _refuse_too_many(step, f"window {key}", rejected, events, reasons)
    columns = ("event_at", "event_type", "store_name", "primary_category", "price_usd", "rejection")
    report = {"rows": staged, "events_in_window": events, "rejected": rejected, "rejected_by_reason": by_reason}
    return report | top_rows(step, "stg_events", columns, "event_at, event_id") | columns_from(step, staging)


def attach_as_profiled(workspace: Workspace) -> None:
    """Makes the source readable by the warehouse. DataError if it is not the one that was profiled."""
    attach_as_looked_at(workspace, _open(workspace))


def _refuse_too_many(step: Step, where: str, rejected: int, rows: int, reasons: str) -> None:
    """Raises DataError if more rows are rejected than the profile allows."""
    limit = step.workspace.profile.quality.max_rejected_share
    if rejected > limit * rows:
        raise DataError(
            f"dataset {step.workspace.profile.name}, {where}: {rejected} of {rows} events ({rejected / rows:.1%}) are rejected "
            f"({reasons}), more than the {limit:.1%} allowed. Look at table rejected_events, mend the source, or raise "
            "quality.max_rejected_share in the profile."
        )


def _empty_window(workspace: Workspace, key: str) -> str:
    window, found = workspace.window(key), coverage(workspace)
    return (
        f"dataset {workspace.profile.name}: window {key} ({window.start} to {window.end} UTC) holds no event; the source "
        f"covers {found.first_event_at} to {found.last_event_at} UTC. Choose another window, or correct windows.start and "
        "time_zone in the profile."
    )
