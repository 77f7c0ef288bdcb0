"""Scores in batch, made again: nothing is scored twice, and only another champion says anything else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from attribution_dagster.build import definitions_of
from attribution_dagster.graph import FORCE_TAG
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.pipeline.small import EXPLAINED, copy_in_use, small_workspace

TABLE = "session_scores_no_funnel"


@pytest.fixture
def copy(published: Workspace, tmp_path: Path) -> Iterator[Workspace]:
    copy_in_use(published.settings.home, tmp_path / "home")
    copy_in_use(published.settings.home.parent / "datasets", tmp_path / "datasets")
    workspace = small_workspace(tmp_path)
    yield workspace
    workspace.warehouse.close()


def score(workspace: Workspace, **tags: str) -> dict[str, Any]:
    """Scores the window again; what the asset reported."""
    job = definitions_of([workspace]).resolve_implicit_global_asset_job_def()
    key = dg.AssetKey(["small", "no_funnel", "session_scores"])
    with dg.DagsterInstance.ephemeral() as instance:
        assert job.execute_in_process(
            instance=instance, partition_key=EXPLAINED, asset_selection=[key], tags=tags
        ).success
    record = workspace.artifacts.record("no_funnel/session_scores", EXPLAINED)
    assert record is not None
    return dict(record.report)


def test_scored_again_a_window_has_each_session_once_with_the_same_score(copy: Workspace) -> None:
    before, version = copy.slice_of(TABLE, EXPLAINED), copy.warehouse.current(TABLE, EXPLAINED)
    score(copy)
    assert copy.warehouse.current(TABLE, EXPLAINED) == version
    said = score(copy, **{FORCE_TAG: "true"})
    assert copy.warehouse.current(TABLE, EXPLAINED) != version and copy.slice_of(TABLE, EXPLAINED) == before
    rows = before.to_pylist()
    assert said["rows"] == len(rows) == len({row["session_id"] for row in rows})
    for reported, column in (("events_read", "n_read"), ("events_of_unknown_type", "n_unknown")):
        assert said[reported] == sum(row[column] for row in rows), reported
    assert said["scored_by"] == "small-no_funnel version 1" and said["is_new"]
