"""Retention removes what is older than anything that is kept or needed, and nothing else."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from mlflow import MlflowClient

from attribution_dagster.cli.care import show_retired
from attribution_dagster.cli.launch import plan_windows
from attribution_dagster.core.simulation.marketplace import simulate_marketplace
from attribution_dagster.datasets.profile import Retention
from attribution_dagster.reports.exports import replaced_folder
from attribution_dagster.resources.artifacts import Record
from attribution_dagster.resources.retention import Retired, past_retention, retire
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.lifecycle.stores import GOOD, logged_model
from attribution_dagster_tests.pipeline.small import materialise, small_workspace
from attribution_dagster_tests.pipeline.test_windows import WEEKS

TABLES = ("stg_events", "rejected_events", "session_events", "sessions")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight weeks, the last six published; each has tables, an artifact with its record, and exports."""
    root = tmp_path_factory.mktemp("built")
    simulate_marketplace(root / "world", users=60, weeks=8, start=date(2025, 1, 6), seed=1)
    made = open_at(root)
    materialise(made, ["source"], [None])
    materialise(made, ["events", "sessions"], WEEKS)
    for key in WEEKS:
        made.artifacts.create("no_funnel/sequence_tensors", key, "1", lambda folder: (folder / "a.npy").touch())
        made.artifacts.save_record("no_funnel/sequence_tensors", key, Record(version="1", inputs={}))
        made.artifacts.save_page(key, "sessions", "a page")
    for key in WEEKS[2:]:
        version = made.warehouse.current("sessions", key)
        assert version is not None
        made.warehouse.publish(key, {"sessions": version}, {})
        with replaced_folder(made.settings.exports / "small" / key) as folder:
            (folder / "sessions.csv").touch()
    made.warehouse.close()
    return root


def open_at(root: Path) -> Workspace:
    # So few users come in very different numbers from week to week.
    extra = "quality: {volume_band: [0.01, 100]}\n"
    return small_workspace(root, end="2025-03-03", events=str(root / "world" / "events"), extra=extra)


@pytest.fixture()
def workspace(built: Path, tmp_path: Path) -> Iterator[Workspace]:
    """A copy that a test may remove from."""
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    made = open_at(tmp_path)
    yield made
    made.warehouse.close()


def kept_for(workspace: Workspace, retrain_every: int = 1, **retention: object) -> Workspace:
    windows = workspace.profile.windows.model_copy(update={"retrain_every": retrain_every})
    changed = {"retention": Retention(**{"superseded_hours": 0, **retention}), "windows": windows}  # type: ignore[arg-type]
    return replace(workspace, profile=workspace.profile.model_copy(update=changed))


@pytest.mark.parametrize(
    ("windows", "retrain_every", "oldest"), [(2, 1, 4), (1, 1, 5), (2, 3, 3), (6, 1, 0), (100, 1, 0), (None, 1, 0)]
)
def test_the_oldest_that_stays_is_what_the_oldest_kept_window_learnt_from(
    workspace: Workspace, windows: int | None, retrain_every: int, oldest: int
) -> None:
    found = past_retention(kept_for(workspace, retrain_every, windows=windows))
    assert found.windows == tuple(WEEKS[:oldest])
    assert [path.name for path in found.exports] == WEEKS[2:oldest]


def test_what_is_removed_is_gone_and_what_stays_is_whole(workspace: Workspace) -> None:
    short = kept_for(workspace, windows=2)
    found = past_retention(short)
    assert "would be removed: 2025-01-06" in str(show_retired(found, dry_run=True).renderables[0])
    assert workspace.warehouse.published_windows() == WEEKS[2:]
    retire(short, found)
    assert past_retention(short) == Retired()
    assert workspace.warehouse.published_windows() == WEEKS[4:]
    left = {path.name for path in workspace.settings.home.rglob("*") if path.name.startswith("2025-")}
    assert {name.removesuffix(".json") for name in left} == set(WEEKS[4:])
    assert sorted(path.name for path in (workspace.settings.exports / "small").iterdir()) == WEEKS[4:]
    for key in WEEKS[4:]:
        assert all(workspace.warehouse.current(table, key) for table in TABLES)
        assert workspace.slice_of("sessions", key).num_rows
        assert workspace.artifacts.folder("no_funnel/sequence_tensors", key, "1")
    assert workspace.warehouse.current("source_hours", "all") and workspace.warehouse.current(
        "rejected_events", "undated"
    )
    assert plan_windows(short, None).explained == tuple(WEEKS[6:])
    assert plan_windows(short, None).prepared == tuple(WEEKS[4:6])


def test_a_window_that_changed_a_moment_ago_may_be_in_use(workspace: Workspace) -> None:
    assert past_retention(kept_for(workspace, windows=2, superseded_hours=1)).windows == ()


def test_a_folder_of_somebody_else_beside_the_exports_stays(workspace: Workspace) -> None:
    (workspace.settings.exports / "small" / WEEKS[0]).mkdir()
    (workspace.settings.exports / "small" / WEEKS[0] / "thesis.docx").touch()
    short = kept_for(workspace, windows=2)
    retire(short, past_retention(short))
    assert (workspace.settings.exports / "small" / WEEKS[0] / "thesis.docx").exists()


def test_old_runs_go_with_their_files_but_for_those_in_use(tmp_path: Path) -> None:
    workspace = small_workspace(tmp_path)
    registry, everything = workspace.registry, kept_for(workspace, mlflow_days=0)
    (model, run), others = logged_model(workspace.tracker, "small"), logged_model(workspace.tracker, "small")

    def register(model_id: str, run_id: str, week: str, promoted: bool) -> None:
        version = registry.register("no_funnel", model_id, run_id, week)
        seen = registry.champion("no_funnel")
        assert registry.record("no_funnel", version, week, replace(GOOD, promoted=promoted), "it", seen=seen)

    register(model, run, WEEKS[2], True)
    register(*others, WEEKS[3], True)
    register(*others, WEEKS[4], False)
    # Version 2 is champion, 3 the challenger, and 1 what a rollback would go to.
    assert past_retention(everything) == Retired()
    registry.roll_back("no_funnel", None, "version 2 is bad")
    register(*others, WEEKS[4], True)
    assert [version.version for version in registry.earlier_champions("no_funnel")] == [1]
    assert past_retention(everything) == Retired(), "version 1 again, and not 2"
    register(*others, WEEKS[5], True)
    assert past_retention(kept_for(workspace, mlflow_days=1)) == Retired()
    found = past_retention(everything)
    assert found == Retired(runs=(run,), models=("small-no_funnel version 1",))

    files = tmp_path / "home" / "mlflow" / "small"
    assert list((files / run).rglob("*.png")) and list((files / "models" / model).rglob("*.pt2"))
    retire(everything, found)
    assert not [path for path in (*(files / run).rglob("*"), *(files / "models" / model).rglob("*")) if path.is_file()]
    client = MlflowClient(workspace.settings.mlflow_tracking_uri)
    assert client.get_run(run).info.lifecycle_stage == "deleted"
    assert client.get_run(others[1]).info.lifecycle_stage == "active"
    assert [version.version for version in registry.versions("no_funnel")] == [2, 3, 4, 5]
    assert past_retention(everything) == Retired()
