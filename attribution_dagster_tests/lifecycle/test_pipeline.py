"""What a run leaves in MLflow, how a second training meets the gate, and a training that is killed."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from attribution_dagster.assets import promotion
from attribution_dagster.assets.audited import audited
from attribution_dagster.assets.promotion import open_champion
from attribution_dagster.build import definitions_of
from attribution_dagster.cli.models import close_abandoned
from attribution_dagster.resources.liveness import PID, process_tags
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.lifecycle.stores import GOOD
from attribution_dagster_tests.pipeline.faults import report as record_report
from attribution_dagster_tests.pipeline.gates import change_verdict, failed, run_only
from attribution_dagster_tests.pipeline.small import EXPLAINED, VARIANTS, copy_in_use, own_dagster_home, small_workspace


@pytest.fixture()
def copy(published: Workspace, tmp_path: Path) -> Iterator[Workspace]:
    """A copy of the published dataset, its MLflow store included, that a test may go on with."""
    copy_in_use(published.settings.home, tmp_path / "home")
    copy_in_use(published.settings.home.parent / "datasets", tmp_path / "datasets")
    workspace = small_workspace(tmp_path)
    yield workspace
    workspace.warehouse.close()


def retrained(workspace: Workspace, *, trust_is_older: bool = False, **training: object) -> Workspace:
    """The workspace with other training settings, under which `no_funnel` was trained, explained and brought to the gate once more."""
    profile = workspace.profile
    again = replace(workspace, profile=profile.model_copy(update={"training": {**profile.training, **training}}))
    make(again, "trained_model", "event_attribution")
    if not trust_is_older:
        agree(again)
    make(again, "champion")
    return again


def make(workspace: Workspace, *assets: str) -> None:
    job = definitions_of([workspace]).resolve_implicit_global_asset_job_def()
    keys = [dg.AssetKey(["small", "no_funnel", name]) for name in assets]
    with dg.DagsterInstance.ephemeral() as instance:
        assert job.execute_in_process(instance=instance, partition_key=EXPLAINED, asset_selection=keys).success


def agree(workspace: Workspace) -> None:
    """Notes that aggregates, trust report and the like were made from the present model: making them takes long, and a bad model fails there."""
    for asset in (name for name in audited(workspace.profile) if name.startswith("no_funnel/")):
        record = workspace.artifacts.record(asset, EXPLAINED)
        assert record is not None
        present = {name: workspace.artifacts.record(*name.rsplit("@", 1)) for name in record.inputs}
        inputs = {name: found.version for name, found in present.items() if found is not None}
        workspace.artifacts.save_record(asset, EXPLAINED, replace(record, inputs=inputs))


def report(workspace: Workspace, asset: str) -> dict[str, object]:
    record = workspace.artifacts.record(asset, EXPLAINED)
    assert record is not None
    return dict(record.report)


def run_of(workspace: Workspace, variant: str) -> Run:
    run_id = report(workspace, f"{variant}/trained_model")["mlflow_run_id"]
    return MlflowClient(workspace.settings.mlflow_tracking_uri).get_run(run_id)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_training_run_says_what_it_learnt_from_and_holds_all_that_was_made(
    published: Workspace, variant: str
) -> None:
    client = MlflowClient(published.settings.mlflow_tracking_uri)
    run = run_of(published, variant)
    params, source = run.data.params, published.artifacts.record("source", "all")
    assert source is not None and params["source_digest"] == source.report["digest"]
    assert params["training_windows"] == "2025-01-06 to 2025-01-13"
    assert params["training_last_session_at"] <= params["validation_first_session_at"] < "2025-01-20"
    assert "2025-01-06" <= params["training_first_session_at"] < params["training_last_session_at"]
    assert run.inputs.dataset_inputs[0].dataset.name == "small"
    assert len(client.get_metric_history(run.info.run_id, "validation_loss")) > 1
    assert run.data.tags["dagster.attempt"] == "1" and ("DATA LEAKAGE" in run.data.tags) == (variant == "with_funnel")

    def files(path: str) -> set[str]:
        return {Path(f.path).name for f in client.list_artifacts(run.info.run_id, path)}

    assert files("pictures") == {"learning_curve.png"} and files("attribution_model") == {
        "model.json",
        "weights.safetensors",
    }
    assert {
        "model_metrics.csv", "event_type_attribution.csv", "position_attribution.csv", "calibration.png",
        f"attention_attribution_analysis_{variant}.png", f"attribution_trust_{variant}.png",
        "attribution_trust.csv", "attribution_spread.csv",
    } <= files(f"windows/{EXPLAINED}")  # fmt: skip
    logged = client.get_logged_model(run.outputs.model_outputs[0].model_id)
    folder = Path(logged.artifact_location.removeprefix("file://"))
    assert "codes" in (folder / "MLmodel").read_text() and (folder / "data" / "model.pt2").exists()
    example = json.loads(Path(client.download_artifacts(run.info.run_id, "input_example.json")).read_text())
    assert set(example) == {"codes", "numbers", "is_event"}
    assert not [p for p in folder.rglob("*") if p.suffix in {".pkl", ".pickle", ".pth"}]


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_first_model_is_champion_and_the_registry_alone_gives_its_predictions(
    published: Workspace, variant: str
) -> None:
    from attribution_dagster.assets.sequences import open_sequences
    from attribution_dagster.core.models.prediction import predict
    from attribution_dagster.warehouse.queries import parse_query

    found = open_champion(published, variant)
    assert found is not None and found[0].name == f"small-{variant} version 1" and found[0].decision == "promoted"
    assert report(published, f"{variant}/champion")["decision"] == "promoted"
    assert report(published, f"{variant}/event_attribution")["model"] == found[0].name
    manifest = published.warehouse.manifest(EXPLAINED)
    assert manifest is not None and manifest.evidence["models"][variant] == found[0].name  # type: ignore[index]
    table = f"gradient_attribution_{variant}"
    query = parse_query(table, f"SELECT DISTINCT session_id, logit FROM {table}")
    rows = published.warehouse.fetch(query, {}, scope="published").to_pylist()
    logits = {row["session_id"]: row["logit"] for row in rows}
    sequences = open_sequences(published, variant, EXPLAINED)
    scored = dict(zip(sequences.session_id.to_pylist(), predict(found[1], sequences), strict=True))
    assert scored == pytest.approx(logits, abs=1e-4)


def test_a_worse_training_is_refused_and_one_as_good_promoted_while_the_window_keeps_its_own_model(
    copy: Workspace,
) -> None:
    worse = retrained(copy, readout="plain", learning_rate=1e-9)
    said = report(worse, "no_funnel/champion")
    assert said["decision"] == "refused" and "above the champion's" in str(said["objections"])
    assert said["champion"] == "small-no_funnel version 1"
    assert report(worse, "no_funnel/event_attribution")["model"] == "small-no_funnel version 2"
    second = worse.registry.version("no_funnel", 2)
    assert second.aliases == ("challenger",) and float(second.tags["gate.log_loss_difference"]) > 0
    run_only(worse, "no_funnel/champion")
    assert report(worse, "no_funnel/champion")["decision"] == f"refused, decided on window {EXPLAINED}"
    retrained(copy, d_feedforward=16)
    assert report(copy, "no_funnel/champion")["decision"] == "promoted"
    assert copy.registry.version("no_funnel", 3).tags["gate.against"] == "small-no_funnel version 1"


def test_a_champion_that_can_not_read_the_sessions_any_more_does_not_stand_in_the_way(copy: Workspace) -> None:
    folder = Path(run_of(copy, "no_funnel").info.artifact_uri.removeprefix("file://")) / "attribution_model"
    description = (folder / "model.json").read_text()
    try:
        (folder / "model.json").write_text(re.sub(r'"format": \d+', '"format": 0', description))
        retrained(copy, d_feedforward=16)
    finally:
        (folder / "model.json").write_text(description)  # the store of the copy points at the original's files
    said = report(copy, "no_funnel/champion")
    assert said["decision"] == "promoted" and "which can't read these sessions" in str(said["against"])


def test_a_model_older_than_the_champion_is_not_compared_on_a_window_that_the_champion_may_have_learnt_from(
    copy: Workspace,
) -> None:
    first, client = copy.registry.version("no_funnel", 1), MlflowClient(copy.settings.mlflow_tracking_uri)
    left_open = client.create_run(
        run_of(copy, "no_funnel").info.experiment_id, tags={**process_tags(), PID: "99999999"}
    )
    run_id, model_id = first.run_id, run_of(copy, "no_funnel").outputs.model_outputs[0].model_id
    newer = copy.registry.register("no_funnel", model_id, run_id, "2025-01-27")
    assert copy.registry.record("no_funnel", newer, "2025-01-27", GOOD, first.name, seen=first)
    retrained(copy, d_feedforward=16)
    said = report(copy, "no_funnel/champion")
    assert said["decision"] == "refused"
    assert said["objections"] == "older than the champion, which was trained for window 2025-01-27"
    assert client.get_run(left_open.info.run_id).info.status == "KILLED"  # each training looks for such runs first


@pytest.mark.parametrize(
    ("asset", "check", "window"),
    [
        ("sequence_tensors", "tensors_equal_sql", "2025-01-06"),
        ("event_type_attribution", "event_type_attribution_adds_up", EXPLAINED),
        ("attribution_trust", "trust_tests_passed", EXPLAINED),
    ],
)
def test_a_model_is_not_promoted_while_a_blocking_check_of_what_it_was_made_from_or_made_has_failed(
    copy: Workspace, asset: str, check: str, window: str
) -> None:
    version = as_if_not_decided(copy)
    change_verdict(copy, f"no_funnel/{asset}", check, failed, window)
    with pytest.raises(Exception, match=f"no_funnel/champion of window {EXPLAINED} is not made.*{check}"):
        run_only(copy, "no_funnel/champion")
    assert copy.registry.version("no_funnel", version).decision is None
    change_verdict(copy, f"no_funnel/{asset}", check, lambda verdict: replace(verdict, passed=True), window)
    run_only(copy, "no_funnel/champion")
    assert copy.registry.version("no_funnel", version).decision == "promoted"


def as_if_not_decided(workspace: Workspace) -> int:
    """The number of the version that explains the window, registered anew, so that the gate has not been asked of it."""
    run = run_of(workspace, "no_funnel")
    version = workspace.registry.register(
        "no_funnel", run.outputs.model_outputs[0].model_id, run.info.run_id, EXPLAINED
    )
    record_report(workspace, "no_funnel/trained_model", model=version.name, model_number=version.version)
    return version.version


def test_a_trust_report_on_the_model_before_says_nothing_of_this_one(copy: Workspace) -> None:
    retrained(copy, trust_is_older=True, d_feedforward=16)
    said = str(report(copy, "no_funnel/champion")["decision"])
    assert said.startswith("not decided: made before this model") and "no_funnel/attribution_trust" in said
    assert copy.registry.version("no_funnel", 2).decision is None


def test_a_champion_that_is_made_while_the_gate_computes_is_the_one_that_counts(
    copy: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two gates at once: the other one, of a later window, is done first."""
    version, first, decide = as_if_not_decided(copy), copy.registry.version("no_funnel", 1), promotion._decide

    def slow(*args: object) -> object:
        decided = decide(*args)
        if len(copy.registry.versions("no_funnel")) == 2:
            model_id = run_of(copy, "no_funnel").outputs.model_outputs[0].model_id
            newer = copy.registry.register("no_funnel", model_id, first.run_id, "2025-01-27")
            assert copy.registry.record("no_funnel", newer, "2025-01-27", GOOD, first.name, seen=first)
        return decided

    monkeypatch.setattr(promotion, "_decide", slow)
    run_only(copy, "no_funnel/champion")
    said = report(copy, "no_funnel/champion")
    assert said["decision"] == "refused" and said["champion"] == "small-no_funnel version 3"
    assert "older than the champion" in copy.registry.version("no_funnel", version).tags["gate.objections"]


TRAIN_FOR_EVER = """
import sys
from pathlib import Path
from attribution_dagster_tests.lifecycle.test_pipeline import retrained
from attribution_dagster_tests.lifecycle.stores import GOOD
from attribution_dagster_tests.pipeline.small import small_workspace
retrained(small_workspace(Path(sys.argv[1])), max_epochs=10000, patience=1000000)
"""


def test_the_run_of_a_training_that_was_killed_is_found_and_closed(copy: Workspace, tmp_path: Path) -> None:
    client = MlflowClient(copy.settings.mlflow_tracking_uri)
    experiment = client.get_experiment_by_name("attribution/small")
    assert experiment is not None

    def running() -> list[str]:
        found = client.search_runs([experiment.experiment_id], "attributes.status = 'RUNNING'")
        return [run.info.run_id for run in found]

    with (tmp_path / "log").open("w") as log:
        command = [sys.executable, "-c", TRAIN_FOR_EVER, str(tmp_path)]
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        while not running():
            assert process.poll() is None, (tmp_path / "log").read_text()[-2000:]
            time.sleep(0.2)
        (run_id,) = running()
        with own_dagster_home(tmp_path):
            assert close_abandoned(copy) == []
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            assert running() == [run_id]
            assert close_abandoned(copy) == [run_id]
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert client.get_run(run_id).info.status == "KILLED" and not running()
