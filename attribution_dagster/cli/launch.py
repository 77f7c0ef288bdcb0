"""Launches a dataset's assets, window after window, in this process and on the same Dagster instance as the UI."""

import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from attribution_dagster import errors
from attribution_dagster.assets.step import FORCE_TAG
from attribution_dagster.build import definitions_of
from attribution_dagster.errors import AttributionError, DataError, SourceError
from attribution_dagster.resources.workspace import WHOLE, Workspace
from attribution_dagster.settings import Settings

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
_MINIMAL_INSTANCE = "telemetry:\n  enabled: false\n"
_SQL_LAYER = ("events", "sessions", "session_funnels", "funnel_metrics", "sampled_users", "risk_set")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Which windows are explained, and which only prepared because their models learn from them."""

    explained: tuple[str, ...]
    prepared: tuple[str, ...]


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


def launch(workspace: Workspace, window: str | None, *, force: bool = False) -> Plan:
    """Runs the source, then the SQL layer of every window needed, then each window to its publication.

    Raises:
        AttributionError: the first thing that went wrong, in the words of whoever noticed it.
    """
    dagster_home(workspace.settings)
    definitions = definitions_of([workspace])
    tags = {FORCE_TAG: "true"} if force else {}
    variants = tuple(workspace.profile.variants)
    tensors = [f"{variant}/sequence_tensors" for variant in variants]
    with _instance() as instance:
        run = _Runner(workspace, definitions, instance, tags)
        run(["source"], None)
        plan = plan_windows(workspace, window)
        for key in plan.prepared:
            run([*_SQL_LAYER, *tensors], key)
        for key in plan.explained:
            run(None, key)
    return plan


def plan_windows(workspace: Workspace, window: str | None) -> Plan:
    """The windows to explain (one, or all that the source covers) and those they need.

    Raises:
        DataError: the source covers no window that has a full look-back.
    """
    record = workspace.artifacts.record("source", WHOLE)
    if record is None:
        raise SourceError("the source has not been profiled: run the asset `source` first")
    first, last = (datetime.fromisoformat(record.report[name]) for name in ("first_event_at", "last_event_at"))
    now = datetime.now(UTC).replace(tzinfo=None)
    if window is not None:
        explained = [workspace.window(window).key]
        if workspace.window(window).end > now:
            raise DataError(f"dataset {workspace.profile.name}: window {window} is not over yet; name an earlier one")
    else:
        covered = [w.key for w in workspace.windows() if w.end > first and w.start <= last and w.end <= now]
        explained = [
            w.key for w in workspace.explainable() if w.key in covered and covered[0] <= workspace.look_back(w.key)[0]
        ]
    if not explained:
        profile = workspace.profile
        raise DataError(
            f"dataset {profile.name}: the source covers {first} to {last} UTC, and no {profile.windows.length} in it has "
            f"{profile.windows.look_back} windows before it to learn from, counted from windows.start {profile.windows.start}. Give more "
            "events, or lower windows.look_back or move windows.start in the profile."
        )
    needed = {k for key in explained for k in workspace.look_back(workspace.retrain_key(key))}
    return Plan(explained=tuple(explained), prepared=tuple(sorted(needed - set(explained))))


class _Runner:
    """One Dagster run: some assets (all with windows, where none are named) of one partition."""

    def __init__(
        self, workspace: Workspace, definitions: dg.Definitions, instance: dg.DagsterInstance, tags: dict[str, str]
    ) -> None:
        self._name = workspace.profile.name
        self._job = definitions.resolve_implicit_global_asset_job_def()
        self._all = [k for k in definitions.resolve_all_asset_keys() if k.path[-1] != "source"]
        self._instance = instance
        self._tags = tags

    def __call__(self, assets: Sequence[str] | None, partition: str | None) -> None:
        keys = [dg.AssetKey([self._name, *a.split("/")]) for a in assets] if assets is not None else self._all
        result = self._job.execute_in_process(
            instance=self._instance,
            partition_key=partition,
            asset_selection=keys,
            run_config=_QUIET,
            tags=self._tags,
            raise_on_error=False,
        )
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
    chain = [error]
    while chain[-1].cause is not None:
        chain.append(chain[-1].cause)
    for each in chain:
        name, _, said = each.message.strip().partition(": ")
        ours = getattr(errors, name.rsplit(".", 1)[-1], None)
        if isinstance(ours, type) and issubclass(ours, AttributionError):
            return ours(said)
    return AttributionError(f"{failed.step_key}: {chain[-1].message.strip()}")


@contextmanager
def _instance() -> Iterator[dg.DagsterInstance]:
    for name in ("dagster", "great_expectations", "mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with dg.DagsterInstance.get() as instance:
        yield instance
