"""A schedule that is on, under a real daemon: it ticks, and a window is prepared, explained and published, with nobody asking.

The daemon finds itself started a week after it was stopped, so that a tick is due at once and nobody waits for Monday. Prints which run
came when; ends with 1 if the window was not published. `python -m attribution_dagster_tests.verify.schedule`
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import ManagedGrpcPythonEnvCodeLocationOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, ScheduleInstigatorData
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from attribution_dagster.automation import cron
from attribution_dagster.cli.launch import dagster_home
from attribution_dagster_tests.pipeline.backfill import daemon
from attribution_dagster_tests.pipeline.small import (
    EXPLAINED,
    WINDOWS,
    materialise,
    own_dagster_home,
    small_environment,
    small_workspace,
)

SCHEDULED = "schedule: {delay_hours: 3}\nvariants: {no_funnel: {funnel: drop}}\n"
ASKED = [
    *(("small_prepare", key) for key in WINDOWS),
    ("small_explain_no_funnel", EXPLAINED),
    ("small_publish", EXPLAINED),
]
"""The jobs that are to run without being asked for by anybody, with their windows."""
MODULE = "attribution_dagster.definitions"
WEEK_S = 7 * 24 * 3600
TIMEOUT_S = 900


def main() -> int:
    """0 if the window was published by the jobs that the schedule and the sensors asked for."""
    with tempfile.TemporaryDirectory() as name, own_dagster_home(Path(name)):
        root = Path(name)
        workspace = small_workspace(root, users=150, extra=SCHEDULED)
        dagster_home(workspace.settings)
        materialise(workspace, ["source"], [None])
        environment = {**small_environment(root), "DAGSTER_HOME": os.environ["DAGSTER_HOME"]}
        with dg.DagsterInstance.get() as instance:
            began = time.time()
            last_seen_a_week_ago(instance, "small_windows", cron(workspace.profile), began)
            with daemon(environment, root / "daemon.log"):
                while workspace.warehouse.published_windows() != [EXPLAINED] and time.time() < began + TIMEOUT_S:
                    time.sleep(1)
                wait_for_runs(instance, began + TIMEOUT_S)
            records = sorted(instance.get_run_records(), key=lambda record: record.create_timestamp)
            for record in records:
                run, end = record.dagster_run, record.end_time or time.time()
                at = record.create_timestamp.timestamp() - began
                print(
                    f"{at:6.1f} s  {run.job_name:<24} {run.tags['dagster/partition']}  {run.status.value} after {end - began:.1f} s"
                )
        published = workspace.warehouse.published_windows()
        workspace.warehouse.close()
        ran = {
            (r.dagster_run.job_name, r.dagster_run.tags["dagster/partition"])
            for r in records
            if r.dagster_run.is_success
        }
        is_met = published == [EXPLAINED] and ran == set(ASKED)
        print(f"{'met    ' if is_met else 'NOT MET'}  published: {', '.join(published) or 'nothing'}")
        if not is_met:
            print((root / "daemon.log").read_text()[-4000:], file=sys.stderr)
    return 0 if is_met else 1


def last_seen_a_week_ago(instance: dg.DagsterInstance, schedule: str, its_cron: str, now: float) -> None:
    """Notes in the instance that the schedule was turned on two weeks ago, and looked at for the last time one week ago."""
    target = LoadableTargetOrigin(executable_path=sys.executable, module_name=MODULE, working_directory=os.getcwd())
    location = ManagedGrpcPythonEnvCodeLocationOrigin(loadable_target_origin=target, location_name=MODULE)
    origin = RemoteRepositoryOrigin(location, "__repository__").get_instigator_origin(schedule)
    data = ScheduleInstigatorData(its_cron, start_timestamp=now - 2 * WEEK_S, last_iteration_timestamp=now - WEEK_S)
    instance.add_instigator_state(InstigatorState(origin, InstigatorType.SCHEDULE, InstigatorStatus.RUNNING, data))


def wait_for_runs(instance: dg.DagsterInstance, until: float) -> None:
    """Returns when no run is under way: the last one still writes its end when the window is there already."""
    while time.time() < until and not all(run.is_finished for run in instance.get_runs()):
        time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main())
