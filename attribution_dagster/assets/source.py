"""The way in: the source as a whole, then its events window by window, with what had to be rejected."""

from datetime import UTC, datetime

import dagster as dg

from attribution_dagster.assets.dataset import DatasetAssets
from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.core.simulation.marketplace import simulate_marketplace
from attribution_dagster.errors import DataError, SourceError
from attribution_dagster.reports.markdown import markdown_table
from attribution_dagster.resources.workspace import WHOLE, Workspace
from attribution_dagster.warehouse.queries import load_query
from attribution_dagster.warehouse.source import Source, open_source

UNDATED = "undated"
"""Window key of rejected rows that have no usable time."""


def source_assets(assets: DatasetAssets) -> list[dg.AssetsDefinition]:
    """The assets `source` (whole) and `events` (one window each)."""

    @dg.asset(**assets.options("source", kinds={"file"}, partitioned=False, group="1_events", code=_CODE_SOURCE))
    def source(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Where the events come from and what they hold: rows, time range, event types. Rows without a usable time are quarantined here."""
        workspace = assets.workspace
        found = _open(workspace)
        return make(
            context,
            workspace,
            "source",
            reads=(),
            settings=[found.digest, workspace.profile.roles.model_dump(), str(found.events.parts[0].path)],
            code=_CODE_SOURCE,
            exists=lambda step: workspace.warehouse.current("rejected_events", UNDATED) == step.version,
            build=lambda step: _profile_source(step, found),
            window_key=WHOLE,
        )

    @dg.asset(**assets.options("events", deps=["source"], kinds={"sql"}, group="1_events", code=_CODE_EVENTS))
    def events(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """The window's events in canonical columns, each with the chain of activity it belongs to, or the reason it was rejected."""
        workspace = assets.workspace
        profile = workspace.profile
        return make(
            context,
            workspace,
            "events",
            reads=[("source", WHOLE)],
            settings=[profile.sessions.model_dump(), profile.quality.model_dump()],
            code=_CODE_EVENTS,
            exists=lambda step: step.table("stg_events", "rejected_events"),
            build=_stage_events,
        )

    return [source, events]


_CODE_SOURCE = code_version("assets/source.py", "warehouse", "core/simulation", "sql/staging")
_CODE_EVENTS = code_version("assets/source.py", "warehouse", "sql/staging", "sql/sessions/rejected_events.sql")


def attach(workspace: Workspace) -> None:
    """Makes the source readable by the warehouse. SourceError if it can't be read."""
    workspace.warehouse.attach_source(_open(workspace))


def _open(workspace: Workspace) -> Source:
    """The source named by the settings, by the profile, or simulated on first use."""
    profile, settings = workspace.profile, workspace.settings
    override = settings.events.get(profile.name)
    simulation = profile.source.simulate if profile.source else None
    if override is None and simulation is not None:
        weeks = len(workspace.windows())
        folder = (
            settings.home
            / "simulated"
            / f"{profile.name}-{simulation.users}-users-{weeks}-weeks-seed-{simulation.seed}"
        )
        if not folder.exists():
            workspace.progress.start("simulating events")
            simulate_marketplace(
                folder,
                users=simulation.users,
                weeks=weeks,
                start=profile.windows.start,
                seed=simulation.seed,
                progress=workspace.progress.advance,
            )
            workspace.progress.finish("done")
        return open_source(profile, folder / "events", settings.dataset_folders)
    return open_source(profile, override, settings.dataset_folders)


def _profile_source(step: Step, source: Source) -> Report:
    warehouse = step.workspace.warehouse
    warehouse.attach_source(source)
    row = warehouse.fetch(load_query("staging/source_profile"), {}).to_pylist()[0]
    if row["n_rows"] == 0 or row["first_event_at"] is None:
        raise SourceError(
            f"dataset {step.workspace.profile.name}: {source.events.parts[0].path} holds {row['n_rows']} rows and none with a "
            "usable time. Give a file with events, or correct the time column in the staging SQL."
        )
    types = warehouse.fetch(load_query("staging/source_event_types"), {})
    undated = load_query("staging/rejected_undated")
    n_undated = warehouse.build("rejected_events", UNDATED, step.version, undated, {})
    malformed = warehouse.fetch(load_query("staging/source_malformed"), {}).to_pylist()[0]["n_malformed_lines"]
    _refuse_too_many(
        step, "the source", n_undated, row["n_rows"] + malformed, "no usable time, or lines that are no rows"
    )
    return {
        "digest": source.digest,
        "files": len(source.events.parts),
        "first_file": {"path": str(source.events.parts[0].path)},
        "simulated": step.workspace.profile.simulated,
        "rows": row["n_rows"],
        "malformed_lines": malformed,
        "rows_without_usable_time": n_undated,
        "first_event_at": row["first_event_at"].isoformat(),
        # A device's clock may run ahead; nothing has been observed later than now.
        "last_event_at": min(row["last_event_at"], datetime.now(UTC).replace(tzinfo=None)).isoformat(),
        "event_types": {"markdown": markdown_table(types, rows=60)},
    }


def _stage_events(step: Step) -> Report:
    workspace, key = step.workspace, step.window_key
    attach(workspace)
    staged = step.build_table("stg_events", load_query("staging/stg_events"))
    rejected = step.build_table("rejected_events", load_query("sessions/rejected_events"))
    counts = workspace.fetch(load_query("staging/event_counts"), key).to_pylist()
    events = sum(row["n_events"] for row in counts)
    if events == 0:
        raise DataError(_empty_window(workspace, key))
    by_reason = {row["reason"]: row["n_events"] for row in counts if row["reason"] is not None}
    reasons = ", ".join(f"{reason} {n}" for reason, n in by_reason.items())
    _refuse_too_many(step, f"window {key}", rejected, events, reasons)
    return {"events": events, "staged_with_margin": staged, "rejected": rejected, "rejected_by_reason": by_reason}


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
    window = workspace.window(key)
    record = workspace.artifacts.record("source", WHOLE)
    span = f"{record.report['first_event_at']} to {record.report['last_event_at']}" if record else "unknown"
    return (
        f"dataset {workspace.profile.name}: window {key} ({window.start} to {window.end} UTC) holds no event; the source "
        f"covers {span} UTC. Choose another window, or correct windows.start and time_zone in the profile."
    )
