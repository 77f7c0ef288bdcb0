"""A backfill as the UI's button asks for it, done by a real daemon."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._time import get_current_timestamp

from attribution_dagster.build import build_definitions
from attribution_dagster.settings import Settings

UNFINISHED = {BulkActionStatus.REQUESTED, BulkActionStatus.CANCELING, BulkActionStatus.FAILING}


@contextmanager
def daemon(environment: Mapping[str, str], log: Path) -> Iterator[None]:
    """Runs Dagster's daemon on the project's definitions; ends it and its children."""
    command = [str(Path(sys.executable).with_name("dagster-daemon")), "run", "-m", "attribution_dagster.definitions"]
    with log.open("w") as out:
        process = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=out, stderr=out, start_new_session=True
        )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)


def backfill(environment: Mapping[str, str], instance: dg.DagsterInstance, timeout_s: float) -> BulkActionStatus:
    """How a backfill of all assets and all their windows ended; asks the daemon for it and waits."""
    graph = build_definitions(Settings.from_environment(environment)).resolve_asset_graph()
    keys = [key for key in graph.materializable_asset_keys if graph.get(key).is_partitioned]
    asked = PartitionBackfill.from_asset_partitions(
        asset_graph=graph,
        backfill_id="everything",
        tags={},
        backfill_timestamp=get_current_timestamp(),
        asset_selection=keys,
        partition_names=None,
        dynamic_partitions_store=instance,
        all_partitions=True,
        title=None,
        description=None,
        run_config=None,
    )
    instance.add_backfill(asked)
    latest = time.monotonic() + timeout_s
    while time.monotonic() < latest:
        found = instance.get_backfill("everything")
        if found is not None and found.status not in UNFINISHED:
            return found.status
        time.sleep(1)
    raise TimeoutError(f"the backfill did not end within {timeout_s} s")
