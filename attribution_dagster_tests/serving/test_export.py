"""The exported programs, by `torch.export` and as ONNX, say what the model says."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from attribution_dagster.assets.promotion import open_champion
from attribution_dagster.assets.sequences import open_sequences
from attribution_dagster.cli.serving import save_onnx
from attribution_dagster.core.models.exporting import INPUTS, export_onnx, export_program
from attribution_dagster.core.models.prediction import predict
from attribution_dagster.core.models.transformer import AttributionModel
from attribution_dagster.core.sequences.sequence_set import SequenceSet
from attribution_dagster.errors import ConfigurationError, DataError, MissingInputError
from attribution_dagster.resources.model_registry import ModelRegistry
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.serving.packaging import require_readable
from attribution_dagster_tests.models.worlds import random_model, sessions
from attribution_dagster_tests.pipeline.small import EXPLAINED

LENGTHS = [1, 2, 3, 30, 31, 7, 30]  # the model reads 30


def by_onnx(file: Path, model: AttributionModel, sequences: SequenceSet, rows: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    batch = model.encode(sequences).batch(rows)
    (logits,) = session.run(None, {name: getattr(batch, name).numpy() for name in INPUTS})
    return np.asarray(logits)


def test_programs_of_a_model_with_every_part_give_its_logits(tmp_path: Path) -> None:
    world = sessions(LENGTHS, seed=1)
    model = random_model(world)
    expected, batch = predict(model, world), model.encode(world).batch(np.arange(len(LENGTHS)))
    with torch.no_grad():
        exported = export_program(model).module()(batch.codes, batch.numbers, batch.is_event)
    np.testing.assert_allclose(exported.numpy(), expected, rtol=0, atol=1e-6)
    export_onnx(model, tmp_path / "model.onnx")
    for rows in (np.arange(len(LENGTHS)), np.array([0]), np.array([4])):  # other numbers of sessions and of events
        found = by_onnx(tmp_path / "model.onnx", model, world, rows)
        np.testing.assert_allclose(found, expected[rows], rtol=0, atol=2e-6)


def test_champion_as_onnx_and_as_mlflow_keeps_it_gives_its_scores(published: Workspace, tmp_path: Path) -> None:
    import mlflow

    found = open_champion(published, "no_funnel")
    assert found is not None
    version, model = found
    sequences = open_sequences(published, "no_funnel", EXPLAINED)
    rows = np.flatnonzero(sequences.lengths)[:40]
    expected = predict(model, sequences)[rows]
    assert save_onnx(published, "no_funnel", tmp_path / "champion.onnx") == version.name
    np.testing.assert_allclose(by_onnx(tmp_path / "champion.onnx", model, sequences, rows), expected, rtol=0, atol=2e-6)
    mlflow.set_tracking_uri(published.settings.mlflow_tracking_uri)
    kept = mlflow.pytorch.load_model(f"models:/{version.model}/{version.version}")
    batch = model.encode(sequences).batch(rows)
    with torch.no_grad():
        logits = kept(batch.codes, batch.numbers, batch.is_event).numpy()
    np.testing.assert_allclose(logits, expected, rtol=0, atol=2e-6)


def test_what_lacks_is_named(published: Workspace, tmp_path: Path) -> None:
    registry = ModelRegistry(published.settings.mlflow_tracking_uri, "other")
    with pytest.raises(MissingInputError, match="other-no_funnel has no champion yet: attribution run"):
        save_onnx(replace(published, registry=registry), "no_funnel", tmp_path / "x.onnx")
    champion = published.registry.champion("no_funnel")
    assert champion is not None
    (tmp_path / "model.json").write_text('{"format": 1}')
    with pytest.raises(
        DataError, match=r"no_funnel version 1 can't be loaded .*format 1 is not 2.*attribution rollback"
    ):
        require_readable(champion, tmp_path)
    with pytest.raises(ConfigurationError, match=r"'nofunnel' is no variant of small: no_funnel, with_funnel"):
        save_onnx(published, "nofunnel", tmp_path / "x.onnx")
    without_events = replace(published, profile=published.profile.model_copy(update={"variants": {}}))
    with pytest.raises(ConfigurationError, match="small has no events that a model reads, and so no champion to serve"):
        save_onnx(without_events, "no_funnel", tmp_path / "x.onnx")
