"""Launches a dataset's assets, window after window, in this process and on the same Dagster instance as the UI."""

import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from attribution_dagster.alerts.history import reason
from attribution_dagster.assets.source import coverage
from attribution_dagster.build import definitions_of
from attribution_dagster.datasets.coverage import Coverage
from attribution_dagster.datasets.one_window import OneWindowProfile
from attribution_dagster.errors import AttributionError, DataError
from attribution_dagster.graph import FORCE_TAG, PREPARED
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.settings import Settings

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
_MINIMAL_INSTANCE = "telemetry:\n  enabled: false\n"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Which windows are explained, which only prepared because their models learn from them, and which left out, and why."""

    explained: tuple[str, ...]
    prepared: tuple[str, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)


def dagster_home(settings: Settings) -> Path:
    """DAGSTER_HOME, set to a folder of the settings' home where it isn't set, with a dagster.yaml in it."""
    home = Path(os.environ.setdefault("DAGSTER_HOME", str(settings.home / "dagster")))
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "dagster.yaml").exists():
        project = Path("dagster.yaml")
        if project.exists():
            shutil.copy(project, home)
        else:
            (home / "dagster.yaml").write_text(_MINIMAL_INSTANCE)
    return home


def launch(
    workspace: Workspace, window: str | None, *, force: bool = False, report: Callable[[dg.AssetMaterialization], None] | None = None,
) -> Plan:  # fmt: skip
    """Runs the source, then the SQL layer of every window needed, then each window to its publication.

    `report` is told of each asset that was made, or found current.

    Raises:
        AttributionError: the first thing that went wrong, in the words of whoever noticed it.
    """
    dagster_home(workspace.settings)
    definitions = definitions_of([workspace])
    tags = {FORCE_TAG: "true"} if force else {}
    with dagster_instance() as instance:
        run = _Runner(workspace, definitions, instance, tags, report)
        run(["source"], None)
        plan = plan_windows(workspace, window)
        for key in sorted({*plan.prepared, *plan.explained}):
            run(run.prepared, key)
        for key in plan.explained:
            run(run.explained, key)
    return plan


def plan_windows(workspace: Workspace, window: str | None) -> Plan:
    """The windows to explain (one, or all that the source's events allow) and those they need.

    Raises:
        DataError: there is no window to explain, or the one that is named is not over yet.
    """
    profile, now = workspace.profile, datetime.now(UTC).replace(tzinfo=None)
    left_out: dict[str, str] = {}
    if isinstance(profile, OneWindowProfile):
        return Plan(explained=tuple(each.key for each in workspace.windows()), prepared=())
    if window is not None:
        explained = [workspace.window(window).key]
        if workspace.window(window).end > now:
            raise DataError(f"dataset {profile.name}: window {window} is not over yet; name an earlier one")
    else:
        explained, left_out = _explainable(workspace, coverage(workspace), now)
    if not explained:
        found = coverage(workspace)
        empty = ", ".join(w.key for w in workspace.windows() if not found.holds(w))
        raise DataError(
            f"dataset {profile.name}: the source covers {found.first_event_at} to {found.last_event_at} UTC, and no {profile.windows.length} "
            f"in it has {profile.windows.look_back} windows with events before it to learn from, counted from windows.start "
            f"{profile.windows.start}{f' (without events: {empty})' if empty else ''}. Give more events, or lower windows.look_back or move "
            "windows.start in the profile."
        )
    needed = {k for key in explained for k in workspace.look_back(workspace.retrain_key(key))}
    return Plan(explained=tuple(explained), prepared=tuple(sorted(needed - set(explained))), left_out=left_out)


def _explainable(workspace: Workspace, found: Coverage, now: datetime) -> tuple[list[str], dict[str, str]]:
    """The windows that hold events and learn from windows that do; and those between them that can't be explained, with the reason."""
    holding = {w.key for w in workspace.windows() if w.end <= now and found.holds(w)}
    explained, left_out = [], {}
    for key in (w.key for w in workspace.explainable()):
        empty = [k for k in (*workspace.look_back(workspace.retrain_key(key)), key) if k not in holding]
        if not empty:
            explained.append(key)
        elif min(holding, default=key) < key < max(holding, default=key):
            left_out[key] = "holds no event" if empty == [key] else f"learns from {empty[0]}, which holds no event"
    # What retention would delete again is not made.
    explained = explained[-(workspace.profile.retention.windows or len(explained)) :]
    return explained, {key: reason for key, reason in left_out.items() if explained and key > explained[0]}


class _Runner:
    """One Dagster run: some assets of one window. `prepared` and `explained` name all assets of either kind."""

    def __init__(
        self, workspace: Workspace, definitions: dg.Definitions, instance: dg.DagsterInstance, tags: dict[str, str],
        report: Callable[[dg.AssetMaterialization], None] | None,
    ) -> None:  # fmt: skip
        self._name = workspace.profile.name
        self._job = definitions.resolve_implicit_global_asset_job_def()
        names = ["/".join(key.path[1:]) for key in definitions.resolve_all_asset_keys() if key.path[-1] != "source"]
        self.prepared = [name for name in names if name.split("/")[-1] in PREPARED]
        self.explained = [name for name in names if name not in self.prepared]
        self._instance = instance
        self._tags = tags
        self._report = report

    def __call__(self, assets: Sequence[str], partition: str | None) -> None:
        keys = [dg.AssetKey([self._name, *a.split("/")]) for a in assets]
        result = self._job.execute_in_process(
            instance=self._instance,
            partition_key=partition,
            asset_selection=keys,
            run_config=_QUIET,
            tags=self._tags,
            raise_on_error=False,
        )
        for event in result.get_asset_materialization_events() if self._report else ():
            self._report(event.step_materialization_data.materialization)
        if not result.success:
            raise _failure(result, partition)


def _failure(result: dg.ExecuteInProcessResult, partition: str | None) -> AttributionError:
    """What failed: blocking checks with what they found, or the first failed step's error, ours as it was said."""
    checks = [
        f"check {e.check_name} of {e.asset_key.to_user_string()} failed: {e.description}"
        for e in result.get_asset_check_evaluations()
        if not e.passed and e.blocking
    ]
    if checks:
        return DataError(f"window {partition}: " + "; ".join(checks))
    failed = next((event for event in result.all_events if event.is_step_failure), None)
    error = failed.step_failure_data.error if failed is not None else None
    if failed is None or error is None:
        return AttributionError(f"the run of {partition} failed; look at it in the UI (make ui)")
    ours, said = reason(error)
    return ours(said) if ours is not None else AttributionError(f"{failed.step_key}: {said}")


@contextmanager
def dagster_instance() -> Iterator[dg.DagsterInstance]:
    """The instance in DAGSTER_HOME, its libraries silent."""
    for name in ("dagster", "great_expectations", "mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with dg.DagsterInstance.get() as instance:
        yield instance
