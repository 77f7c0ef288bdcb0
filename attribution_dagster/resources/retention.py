"""What is past its retention, and its removal: what nothing points to any more, windows older than any that is kept or needed, old MLflow runs."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from attribution_dagster.reports.exports import MARK
from attribution_dagster.reports.labels import shorten
from attribution_dagster.resources.artifacts import Stored, base_of
from attribution_dagster.resources.masking import masked
from attribution_dagster.resources.model_registry import RegisteredVersion
from attribution_dagster.resources.workspace import Workspace

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, kw_only=True)
class Retired:
    """Artifacts, windows, folders of exports and MLflow runs that are past their retention; and the models that go with the runs."""

    superseded: tuple[Stored, ...] = ()
    windows: tuple[str, ...] = ()
    exports: tuple[Path, ...] = ()
    runs: tuple[str, ...] = ()
    models: tuple[str, ...] = ()


def past_retention(workspace: Workspace) -> Retired:
    """What the profile's `retention` lets go; of windows and runs nothing where it says nothing."""
    windows = _old_windows(workspace)
    folders = [_exports(workspace) / key for key in windows]
    runs = _old_runs(workspace)
    models = [v.name for variant in workspace.profile.models for v in _versions_of(workspace, variant, runs)]
    return Retired(
        superseded=tuple(_superseded(workspace)),
        windows=tuple(windows),
        exports=tuple(folder for folder in folders if (folder / MARK).is_file()),
        runs=tuple(sorted(runs)),
        models=tuple(models),
    )


def retire(workspace: Workspace, retired: Retired) -> int:
    """Removes it, and slices that nothing points to; how many of these and of superseded artifacts.

    What readers see of a window goes first, so that nobody finds half of it. Interrupted at any point, it finds what is left the next time.
    """
    slices = workspace.warehouse.prune(workspace.profile.retention.superseded_hours)
    for asset, key, version in retired.superseded:
        workspace.artifacts.remove(asset, key, version)
    for key in retired.windows:
        workspace.warehouse.remove_window(key)
        workspace.artifacts.remove_window(key)
    for folder in retired.exports:
        shutil.rmtree(folder)
    for variant in workspace.profile.models if retired.runs else ():
        for version in _versions_of(workspace, variant, set(retired.runs)):
            workspace.registry.remove(variant, version)
    for run_id in retired.runs:
        workspace.tracker.remove(run_id)
    return slices + len(retired.superseded)


def retire_and_report(workspace: Workspace) -> dict[str, Any]:
    """What was removed, for the report of a publication; what went wrong is said there, since the window is published all the same."""
    try:
        retired = past_retention(workspace)
        files = retire(workspace, retired)
    except Exception as error:
        said = shorten(masked(f"{type(error).__name__}: {error}", workspace.settings.secrets), 300)
        remedy = f"Mend the cause; then `attribution retention --dataset {workspace.profile.name}`, or the next publication, does the rest"
        return {"retention_failures": 1, "retention_error": f"{said}. {remedy}"}
    return {
        "superseded_files_deleted": files,
        "windows_past_retention_deleted": list(retired.windows),
        "mlflow_runs_past_retention_deleted": list(retired.runs),
        "retention_failures": 0,
        "retention_error": "none",
    }


def _superseded(workspace: Workspace) -> list[Stored]:
    """Artifacts that nothing points to, and did not for so many hours: one that is still being worked with may not be recorded yet."""
    # They are listed before what points to them, so that nothing is missed that is recorded meanwhile.
    stored = workspace.artifacts.stored()
    used = set(_artifacts_in_use(workspace))
    latest = datetime.now(UTC) - timedelta(hours=workspace.profile.retention.superseded_hours)
    unused = [(asset, key, version) for asset, key, version in stored if (asset, key, base_of(version)) not in used]
    return [artifact for artifact in unused if workspace.artifacts.last_changed(*artifact) <= latest]


def _artifacts_in_use(workspace: Workspace) -> Iterator[Stored]:
    """What an asset made last, what that or a published window was made from, and models that explain a window."""
    for asset, key, record in workspace.artifacts.records():
        yield asset, key, record.version
        yield from _inputs(record.inputs)
        if "model_version" in record.report:
            yield asset, record.report["trained_for_window"], record.report["model_version"]
    for key in workspace.warehouse.published_windows():
        manifest = workspace.warehouse.manifest(key)
        if manifest is not None:
            yield from _inputs(manifest.evidence.get("inputs", {}))


def _inputs(versions: Any) -> Iterator[Stored]:
    """From versions by `<asset>@<window>`, as records and manifests name them."""
    for name, version in versions.items():
        asset, _, key = name.rpartition("@")
        yield asset, key, version


def _old_windows(workspace: Workspace) -> list[str]:
    """Windows older than any that is kept or needed, of which anything is stored anywhere, but for those where tables changed lately."""
    oldest, warehouse = _oldest_needed(workspace), workspace.warehouse
    if oldest is None:
        return []
    exported = {path.parent.name for path in _exports(workspace).glob(f"*/{MARK}")}
    stored = {*warehouse.window_keys(), *workspace.artifacts.window_keys(), *exported}
    settled = warehouse.window_keys(unchanged_hours=workspace.profile.retention.superseded_hours)
    in_work = set(warehouse.window_keys()) - set(settled)
    return sorted(key for key in stored - in_work if _DATE.fullmatch(key) and key < oldest)


def _exports(workspace: Workspace) -> Path:
    return workspace.settings.exports / workspace.profile.name


def _oldest_needed(workspace: Workspace) -> str | None:
    """The first window that one of the kept ones was made from, or needs its model of. None if all are kept."""
    n_kept, known = workspace.profile.retention.windows, {window.key for window in workspace.explainable()}
    published = [key for key in workspace.warehouse.published_windows() if key in known]
    if n_kept is None or not published:
        return None
    return min(workspace.look_back(workspace.retrain_key(key))[0] for key in published[-n_kept:])


def _old_runs(workspace: Workspace) -> set[str]:
    """Runs that ended so many days ago, but for those of models that explain, score, are judged next or could be gone back to."""
    days = workspace.profile.retention.mlflow_days
    if days is None:
        return set()
    old = workspace.tracker.ended_before(workspace.profile.name, datetime.now(UTC) - timedelta(days=days))
    return old - set(_runs_in_use(workspace))


def _runs_in_use(workspace: Workspace) -> Iterator[str]:
    for variant in workspace.profile.models:
        versions = workspace.registry.versions(variant)
        yield from (version.run_id for version in versions if version.aliases)
        yield from (version.run_id for version in workspace.registry.earlier_champions(variant)[:1])
    for asset in (*(f"{variant}/trained_model" for variant in workspace.profile.variants), "conversion_model"):
        for key in workspace.artifacts.recorded(asset):
            record = workspace.artifacts.record(asset, key)
            if record is not None:
                yield from (str(run) for name, run in record.report.items() if name.endswith("mlflow_run_id"))


def _versions_of(workspace: Workspace, variant: str, runs: set[str]) -> list[RegisteredVersion]:
    return [version for version in workspace.registry.versions(variant) if version.run_id in runs] if runs else []
