"""Retention removes what is older than anything that is kept or needed, and nothing else."""

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import dagster as dg
import pytest
from mlflow import MlflowClient

from attribution_dagster.cli.care import show_retired
from attribution_dagster.cli.launch import plan_windows
from attribution_dagster.core.simulation.marketplace import simulate_marketplace
from attribution_dagster.datasets.profile import Retention
from attribution_dagster.reports.exports import replaced_folder
from attribution_dagster.resources.artifacts import ArtifactStore, Record
from attribution_dagster.resources.retention import Retired, past_retention, retire
from attribution_dagster.resources.tracker import Tracker
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.lifecycle.stores import GOOD, logged_model
from attribution_dagster_tests.pipeline.faults import copy_of
from attribution_dagster_tests.pipeline.gates import run_only
from attribution_dagster_tests.pipeline.small import EXPLAINED, materialise, small_workspace
from attribution_dagster_tests.pipeline.test_windows import WEEKS

LOCK = ".lock"  # empty, and never deleted: who waits for the file that is gone and who makes it anew would both hold it
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
    assert "would be removed: 2025-01-06" in str(show_retired(found, dry_run=True).renderables[1])
    assert workspace.warehouse.published_windows() == WEEKS[2:]
    retire(short, found)
    assert past_retention(short) == Retired()
    assert workspace.warehouse.published_windows() == WEEKS[4:]
    left = {path.name for path in workspace.settings.home.rglob("2025-*") if path.suffix != LOCK}
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


TENSORS, MODEL = "no_funnel/sequence_tensors", "no_funnel/trained_model"


@pytest.mark.parametrize("dies_at", ["artifacts", "exports"])
def test_a_removal_that_was_interrupted_is_finished_the_next_time(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, dies_at: str
) -> None:
    remove, short = shutil.rmtree, kept_for(workspace, windows=2)

    def die(*arguments: object) -> None:
        raise KeyboardInterrupt

    def die_at_exports(folder: str | Path, **options: bool) -> None:
        remove(folder, **options) if workspace.settings.home in Path(folder).parents else die()

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        if dies_at == "artifacts":
            patch.setattr(ArtifactStore, "remove_window", die)
        else:
            patch.setattr(shutil, "rmtree", die_at_exports)
        retire(short, past_retention(short))
    assert past_retention(short) != Retired()
    retire(short, past_retention(short))
    assert past_retention(short) == Retired()
    left = {path.name for path in workspace.settings.home.rglob("2025-*") if path.suffix != LOCK}
    assert {name.removesuffix(".json") for name in left} == set(WEEKS[4:])
    assert sorted(path.name for path in (workspace.settings.exports / "small").iterdir()) == WEEKS[4:]


def test_artifacts_go_when_nothing_has_pointed_to_them_for_so_long(workspace: Workspace) -> None:
    """Kept are the last made, what that or a published window was made from, and the model in use."""
    store, week, shown = workspace.artifacts, WEEKS[5], WEEKS[6]

    def write(asset: str, *versions: str) -> None:
        for version in versions:
            store.create(asset, week, version, lambda folder: (folder / "a").touch())

    write(TENSORS, "published", "learnt_from", "forced")
    store.replace(TENSORS, week, "learnt_from", lambda folder: (folder / "a").touch())
    write(MODEL, "old", "in_use")
    learnt = {f"{TENSORS}@{week}": "learnt_from"}
    of_model = {"trained_for_window": week, "model_version": "in_use"}
    store.save_record(MODEL, shown, Record(version="x", inputs=learnt, report=of_model))
    version = workspace.warehouse.current("sessions", shown)
    assert version is not None
    workspace.warehouse.publish(shown, {"sessions": version}, {"inputs": {f"{TENSORS}@{week}": "published"}})

    assert past_retention(kept_for(workspace, superseded_hours=1)).superseded == ()
    found = past_retention(kept_for(workspace)).superseded
    assert found == ((TENSORS, week, "forced"), (MODEL, week, "old"))
    assert retire(kept_for(workspace), Retired(superseded=found)) == 2
    assert [store.folder(asset, key, version) for asset, key, version in found] == [None, None]
    for asset, kept in ((TENSORS, "1"), (TENSORS, "published"), (TENSORS, "learnt_from"), (MODEL, "in_use")):
        assert store.folder(asset, week, kept) is not None, kept


def test_an_artifact_that_was_superseded_a_moment_ago_may_be_in_use(workspace: Workspace) -> None:
    store, long_ago = workspace.artifacts, time.time() - 7200
    store.create(TENSORS, WEEKS[5], "2", lambda folder: (folder / "a").touch())
    store.save_record(TENSORS, WEEKS[5], Record(version="2", inputs={}))
    old = store.folder(TENSORS, WEEKS[5], "1")
    assert old is not None
    os.utime(old / "a.npy", (long_ago, long_ago))
    patient = kept_for(workspace, superseded_hours=1)
    assert past_retention(patient).superseded == ()
    os.utime(workspace.settings.home / f"artifacts/small/records/{TENSORS}/{WEEKS[5]}.json", (long_ago, long_ago))
    assert past_retention(patient).superseded == ((TENSORS, WEEKS[5], "1"),)


def test_a_window_that_changed_a_moment_ago_may_be_in_use(workspace: Workspace) -> None:
    assert past_retention(kept_for(workspace, windows=2, superseded_hours=1)).windows == ()


def test_a_publication_whose_retention_failed_took_place_and_warns(
    published: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = kept_for(copy_of(published, tmp_path), mlflow_days=1)
    copy = replace(copy, settings=replace(copy.settings, secrets=("swordfish99",)))
    before = copy.warehouse.manifest(EXPLAINED)

    def down(*arguments: object) -> None:
        raise RuntimeError("no answer from MLflow for swordfish99")

    monkeypatch.setattr(Tracker, "ended_before", down)
    result = run_only(copy, "published")
    now, record = copy.warehouse.manifest(EXPLAINED), copy.artifacts.record("published", EXPLAINED)
    assert before is not None and now is not None and now.published_at > before.published_at
    assert record is not None and record.version == now.evidence["version"]
    said = {each.check_name: each for each in result.get_asset_check_evaluations()}["retention_applied"]
    assert not said.passed and said.severity == dg.AssetCheckSeverity.WARN
    assert "RuntimeError: no answer from MLflow for ***. Mend the cause; then `attribution retention" in str(
        said.description
    )
    monkeypatch.undo()
    assert all(each.passed for each in run_only(copy, "published").get_asset_check_evaluations())


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
