"""A backfill over the edges of look-backs, unattended, gives what single runs give."""

from pathlib import Path

import dagster as dg
import pyarrow as pa
from dagster._core.execution.backfill import BulkActionStatus

from attribution_dagster.assets.audited import tables
from attribution_dagster.cli.launch import dagster_home
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.queries import parse_query
from attribution_dagster_tests.pipeline.backfill import backfill, daemon
from attribution_dagster_tests.pipeline.small import (
    EXPLAINED,
    WINDOWS,
    materialise,
    own_dagster_home,
    small_environment,
    small_workspace,
)


def test_a_backfill_under_the_daemon_publishes_what_single_runs_publish(published: Workspace, tmp_path: Path) -> None:
    with own_dagster_home(tmp_path):
        workspace = small_workspace(tmp_path)
        dagster_home(workspace.settings)
        materialise(workspace, ["source"], [None])
        environment = small_environment(tmp_path)
        with dg.DagsterInstance.get() as instance:
            with daemon({**environment, "DAGSTER_HOME": str(tmp_path / "dagster")}, tmp_path / "daemon.log"):
                assert backfill(environment, instance, timeout_s=1800) is BulkActionStatus.COMPLETED_SUCCESS
            runs = instance.get_runs()
    ends = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
    first, *others = sorted(tuple(run.tags[end] for end in ends) for run in runs)
    assert first == (WINDOWS[0], WINDOWS[-1]), "all windows are prepared in one run"
    assert set(others) == {(EXPLAINED, EXPLAINED)}, "and explained one by one, where there is a look-back"
    assert workspace.warehouse.published_windows() == [EXPLAINED]
    for table in tables(workspace.profile):
        query = parse_query(table, f"SELECT * FROM {table}")
        one, other = (
            sorted(map(repr, _without_times(w.warehouse.fetch(query, {}, scope="published")).to_pylist()))
            for w in (published, workspace)
        )
        assert one == other, table
    workspace.warehouse.close()


def _without_times(table: pa.Table) -> pa.Table:
    """The table without what a clock measured."""
    return table.drop_columns([name for name in table.column_names if name == "seconds_per_1000_sessions"])
