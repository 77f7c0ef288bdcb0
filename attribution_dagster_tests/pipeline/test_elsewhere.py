"""A window made by another process, started by Pipes: what it made is in this Dagster's history, and so is its failure.

The dataset is that of the ads, whose graph is the shortest of those with windows to look back on.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from attribution_dagster.elsewhere import elsewhere_job
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.journeys.small import EXPLAINED
from attribution_dagster_tests.pipeline.small import copy_in_use, small_environment


def run(workspace: Workspace, root: Path, instance: dg.DagsterInstance, **settings: str) -> dg.ExecuteInProcessResult:
    """The window made in a process with a home of its own."""
    own = {"DAGSTER_HOME": str(root / "dagster"), "ATTRIBUTION_DATASETS": workspace.profile.name}

    def arguments(command: Sequence[str]) -> dict[str, Any]:
        entry_point = str(Path(sys.executable).with_name("attribution"))
        return {"command": [entry_point, *command], "env": small_environment(root) | own | settings}

    job = elsewhere_job(workspace.profile, dg.PipesSubprocessClient(), arguments)
    return job.execute_in_process(partition_key=EXPLAINED, instance=instance, raise_on_error=False)


def test_what_was_made_elsewhere_is_in_the_history_here(published_ads: Workspace, tmp_path: Path) -> None:
    copy_in_use(published_ads.settings.home.parent, tmp_path / "there")
    with dg.DagsterInstance.ephemeral() as instance:
        assert run(published_ads, tmp_path / "there", instance).success
        event = instance.get_latest_materialization_event(dg.AssetKey(["small_ads", "ad_increments"]))
        assert event is not None and event.asset_materialization is not None
        made = event.asset_materialization
        record = published_ads.artifacts.record("ad_increments", EXPLAINED)
        assert record is not None and made.partition == EXPLAINED
        assert made.metadata["dagster/row_count"].value == record.report["rows"]
        assert (made.tags or {})["dagster/data_version"] == record.version
        assert instance.get_latest_materialization_event(dg.AssetKey(["small_ads", "published"])) is not None


def test_a_failure_elsewhere_is_one_here(published_ads: Workspace, tmp_path: Path) -> None:
    copy_in_use(published_ads.settings.home.parent / "datasets", tmp_path / "datasets")
    with dg.DagsterInstance.ephemeral() as instance:
        result = run(published_ads, tmp_path, instance, ATTRIBUTION_WAREHOUSE="oracle")
        assert not result.success
        assert instance.get_latest_materialization_event(dg.AssetKey(["small_ads", "published"])) is None
