"""What is past its retention, and its removal: windows older than any that is kept or needed, MLflow runs older than so many days."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from attribution_dagster.reports.exports import MARK
from attribution_dagster.resources.model_registry import RegisteredVersion
from attribution_dagster.resources.workspace import Workspace

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, kw_only=True)
class Retired:
    """Windows, folders of exports and MLflow runs that are past their retention; and the models that go with the runs."""

    windows: tuple[str, ...] = ()
    exports: tuple[Path, ...] = ()
    runs: tuple[str, ...] = ()
    models: tuple[str, ...] = ()


def past_retention(workspace: Workspace) -> Retired:
    """What the profile's `retention` lets go; nothing where it says nothing."""
    oldest = _oldest_needed(workspace)
    stored = workspace.warehouse.window_keys(unchanged_hours=workspace.profile.retention.superseded_hours)
    windows = [key for key in stored if oldest is not None and _DATE.fullmatch(key) and key < oldest]
    folder = workspace.settings.exports / workspace.profile.name
    exports = [folder / key for key in windows if (folder / key / MARK).is_file()]
    runs = _old_runs(workspace)
    models = [v.name for variant in workspace.profile.variants for v in _versions_of(workspace, variant, runs)]
    return Retired(windows=tuple(windows), exports=tuple(exports), runs=tuple(sorted(runs)), models=tuple(models))


def retire(workspace: Workspace, retired: Retired) -> None:
    """Removes it. What readers see of a window goes first, so that nobody finds half of it."""
    for key in retired.windows:
        workspace.warehouse.remove_window(key)
        workspace.artifacts.remove_window(key)
    for folder in retired.exports:
        shutil.rmtree(folder)
    for variant in workspace.profile.variants if retired.runs else ():
        for version in _versions_of(workspace, variant, set(retired.runs)):
            workspace.registry.remove(variant, version)
    for run_id in retired.runs:
        workspace.tracker.remove(run_id)


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
    for variant in workspace.profile.variants:
        versions = workspace.registry.versions(variant)
        yield from (version.run_id for version in versions if version.aliases)
        yield from (version.run_id for version in workspace.registry.earlier_champions(variant)[:1])
        for key in workspace.artifacts.recorded(f"{variant}/trained_model"):
            record = workspace.artifacts.record(f"{variant}/trained_model", key)
            if record is not None:
                yield str(record.report["mlflow_run_id"])


def _versions_of(workspace: Workspace, variant: str, runs: set[str]) -> list[RegisteredVersion]:
    return [version for version in workspace.registry.versions(variant) if version.run_id in runs] if runs else []
