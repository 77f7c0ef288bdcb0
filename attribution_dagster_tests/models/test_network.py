"""The network: equal to torch's own encoder, blind to padding, exportable, stored and read back."""

import numpy as np
import pytest
import torch

from attribution_dagster.core.models.calibration import Calibration
from attribution_dagster.core.models.prediction import predict
from attribution_dagster.core.models.spec import ModelSpec, TrainingSpec
from attribution_dagster.core.models.storage import load_model, save_model
from attribution_dagster_tests.models.stock import StockModel
from attribution_dagster_tests.models.worlds import random_model, sessions, small_spec

LENGTHS = [5, 1, 17, 30, 40, 8]
SPECS = {
    "default": small_spec(),
    "plain": small_spec(readout="plain", local_convolution=False),
    "one layer": small_spec(n_layers=1),
    "three layers": small_spec(n_layers=3, readout="plain"),
}


@pytest.fixture(params=SPECS)
def model(request):
    return random_model(sessions(LENGTHS, seed=3), SPECS[request.param])


@pytest.fixture
def batch(model):
    return model.encode(sessions(LENGTHS, seed=3)).batch(np.arange(len(LENGTHS)))


def test_the_lean_forward_equals_torchs_encoder(model, batch):
    with torch.no_grad():
        lean = model(batch.codes, batch.numbers, batch.is_event)
        stock = StockModel(model).score(model.embed(batch), batch)
    torch.testing.assert_close(lean, stock, atol=1e-5, rtol=0)


def test_a_logit_does_not_depend_on_what_else_is_in_the_batch(model, batch):
    data = model.encode(sessions(LENGTHS, seed=3))
    with torch.no_grad():
        together = model(batch.codes, batch.numbers, batch.is_event)
        for row in range(len(LENGTHS)):
            alone = data.batch(np.array([row]))
            torch.testing.assert_close(
                model(alone.codes, alone.numbers, alone.is_event)[0], together[row], atol=1e-6, rtol=1e-6
            )


def test_what_stands_in_padding_changes_nothing(model, batch):
    changed = torch.where(batch.is_event[:, :, None], batch.codes, 4)
    numbers = torch.where(batch.is_event[:, :, None], batch.numbers, 7.0)
    with torch.no_grad():
        before = model(batch.codes, batch.numbers, batch.is_event)
        after = model(changed, numbers, batch.is_event)
    torch.testing.assert_close(before, after, atol=0, rtol=0)


def test_the_additive_contributions_are_exactly_what_the_logit_adds():
    world = sessions(LENGTHS, seed=3)
    model = random_model(world)
    batch = model.encode(world).batch(np.arange(len(LENGTHS)))
    with torch.no_grad():
        whole = model(batch.codes, batch.numbers, batch.is_event)
        contributions = model.additive_term(batch.codes, batch.is_event)
        for weights in [*model.additive_term.weights.values(), model.additive_term.pair_weights]:
            weights.zero_()
        without = model(batch.codes, batch.numbers, batch.is_event)
    assert contributions[~batch.is_event].abs().max() == 0
    torch.testing.assert_close(whole - without, contributions.sum(dim=1), atol=1e-5, rtol=0)


def test_an_exported_model_takes_batches_of_any_size_and_length(model, batch):
    sizes = {0: torch.export.Dim("sessions", max=4096), 1: torch.export.Dim("events", max=30)}
    inputs = (batch.codes, batch.numbers, batch.is_event)
    exported = torch.export.export(model, inputs, dynamic_shapes=(sizes, sizes, sizes)).module()
    data = model.encode(sessions(LENGTHS, seed=3))
    for rows in ([1], [0, 2], [5]):
        other = data.batch(np.array(rows))
        inputs = (other.codes, other.numbers, other.is_event)
        with torch.no_grad():
            torch.testing.assert_close(exported(*inputs), model(*inputs), atol=1e-6, rtol=0)


def test_a_stored_model_predicts_the_same_and_keeps_what_belongs_to_it(model, tmp_path):
    model.calibration = Calibration(slope=0.9, intercept=0.1, shift=-2.0)
    save_model(model, tmp_path / "model")
    read = load_model(tmp_path / "model")
    world = sessions(LENGTHS, seed=9)
    np.testing.assert_array_equal(predict(read, world), predict(model, world))
    assert (read.spec, read.vocabulary, read.scaling, read.calibration) == (
        model.spec,
        model.vocabulary,
        model.scaling,
        model.calibration,
    )
    assert torch.equal(read.mean_event, model.mean_event)
    assert sorted(path.suffix for path in (tmp_path / "model").iterdir()) == [".json", ".safetensors"]


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"empty.*train it first"):
        load_model(tmp_path / "empty")


def test_an_empty_session_gets_the_base_rate():
    world = sessions([3, 0, 2], seed=1)
    model = random_model(world)
    model.base_logit.fill_(-1.25)
    assert predict(model, world)[1] == -1.25


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"d_model": 50, "n_heads": 6}, "d_model=50 is not divisible by n_heads=6"),
        ({"dropout": 1.0}, r"dropout=1.0 must lie in \[0, 1\)"),
        ({"readout": "mean"}, "readout='mean'"),
        ({"categories": ("store_id",)}, "must hold event_type"),
        ({"numbers": ("store_id",)}, "named twice"),
        ({"max_events": 0}, "max_events=0"),
    ],
)
def test_a_senseless_specification_is_refused_with_its_values(changes, message):
    with pytest.raises(ValueError, match=message):
        ModelSpec(**{"categories": ("event_type", "store_id"), **changes})


def test_a_senseless_training_is_refused_with_its_values():
    with pytest.raises(ValueError, match="learning_rate=0"):
        TrainingSpec(learning_rate=0)


def test_a_specification_survives_json():
    assert ModelSpec.from_json(small_spec().to_json()) == small_spec()
