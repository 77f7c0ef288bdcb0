"""A backfill of a year of weeks under the daemon: its wall time over the pure work, the sum of what the steps took.

A small simulated dataset and a quick model, so that what is measured is the orchestration: the daemon's loop, a process
per run, two runs side by side. `python -m attribution_dagster_tests.bench.bench_backfill [weeks]`
"""

import json
import os
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
from dagster._core.execution.backfill import BulkActionStatus

from attribution_dagster.cli.launch import dagster_home
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.bench.measuring import row
from attribution_dagster_tests.pipeline.backfill import backfill, daemon
from attribution_dagster_tests.pipeline.small import materialise, own_dagster_home, small_environment, small_workspace

WEEKS = 52
ONE_VARIANT = "variants: {no_funnel: {funnel: drop}}\n"
TIMEOUT_S = 3 * 3600.0  # a loaded machine takes several times what an idle one does


def run(weeks: int = WEEKS) -> list[dict]:
    """Rows of name, value, unit. Raises RuntimeError if the backfill does not end well."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, own_dagster_home(Path(name)):
        root = Path(name)
        end = date(2025, 1, 6) + timedelta(weeks=weeks)
        workspace = small_workspace(root, users=150, end=str(end), extra=ONE_VARIANT)
        dagster_home(workspace.settings)
        materialise(workspace, ["source"], [None])
        environment = {**small_environment(root), "DAGSTER_HOME": os.environ["DAGSTER_HOME"]}
        with dg.DagsterInstance.get() as instance, daemon(environment, root / "daemon.log"):
            began = time.perf_counter()
            status = backfill(environment, instance, TIMEOUT_S)
            wall_s = time.perf_counter() - began
            runs = instance.get_runs()
            work_s = sum(_steps_s(instance, each.run_id) for each in runs)
            failures = [line for each in runs if not each.is_success for line in _failure(instance, each)]
        _require_published(workspace, status, weeks, failures)
    return [
        row(f"backfill of {weeks} windows: wall time", wall_s, "s"),
        row(f"backfill of {weeks} windows: pure work", work_s, "s"),
        row(f"backfill of {weeks} windows: wall time over pure work", wall_s / work_s, "times"),
        row(f"backfill of {weeks} windows: runs", len(runs), "runs"),
    ]


def _steps_s(instance: dg.DagsterInstance, run_id: str) -> float:
    stats = instance.get_run_step_stats(run_id)
    return sum(each.end_time - each.start_time for each in stats if each.end_time and each.start_time)


def _failure(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[str]:
    """What a run that did not succeed says of why."""
    failed = {dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.RUN_CANCELED}
    entries = instance.all_logs(run.run_id, of_type=failed)
    return [f"{run.tags.get('dagster/partition')} {run.status.value}: {entry.message}" for entry in entries] or [
        f"{run.tags.get('dagster/partition')} {run.status.value}, without a failed step"
    ]


def _require_published(workspace: Workspace, status: BulkActionStatus, weeks: int, failures: list[str]) -> None:
    published = workspace.warehouse.published_windows()
    expected = weeks - workspace.profile.windows.look_back
    workspace.warehouse.close()
    if status is not BulkActionStatus.COMPLETED_SUCCESS or len(published) != expected:
        raise RuntimeError(
            f"the backfill ended as {status.value} with {len(published)} of {expected} windows published\n"
            + "\n".join(failures)
        )


if __name__ == "__main__":
    for result in run(*map(int, sys.argv[1:])):
        print(json.dumps(result))
