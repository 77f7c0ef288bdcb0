"""What every attribution method must do, over the registry; and gradient x input against independent answers."""

import copy

import numpy as np
import pytest
import torch
from captum.attr import InputXGradient

from attribution_dagster.core.attribution.contributions import shares
from attribution_dagster.core.attribution.gradient_x_input import autograd_dots
from attribution_dagster.core.attribution.registry import ATTRIBUTORS, WITHOUT_UNIT
from attribution_dagster.core.models.input_gradient import InputGradient
from attribution_dagster.core.sequences.dropping import drop_events
from attribution_dagster_tests.models.stock import StockModel
from attribution_dagster_tests.models.worlds import random_model, sessions, small_spec

LENGTHS = [5, 1, 17, 30, 40, 8]
SPECS = {
    "default": small_spec(),
    "plain": small_spec(readout="plain", local_convolution=False),
    "one layer": small_spec(n_layers=1),
    "one layer, plain": small_spec(n_layers=1, readout="plain", local_convolution=False),
    "three layers": small_spec(n_layers=3, local_convolution=False),
}


class LinearModel:
    """A logit that is linear in the events: bias + sum_t (x_t . weights + additive_t). Its attribution is known."""

    def __init__(self, width=6, seed=0):
        generator = torch.Generator().manual_seed(seed)
        self.bias = 0.7
        self.table = torch.randn(64, width, generator=generator)
        self.weights = 0.1 * torch.randn(width, generator=generator)
        self.per_type = 0.1 * torch.randn(64, generator=generator)
        self.mean_event = torch.randn(width, generator=generator)
        self.mean_additive = torch.tensor(0.3)
        self.base_logit = torch.tensor(self.bias)

    def embed(self, batch):
        return self.table[batch.codes[:, :, 0]]

    def score(self, embedded, batch):
        events = (embedded @ self.weights) * batch.is_event
        return self.bias + (events + self.additive(batch)).sum(dim=1)

    def additive(self, batch):
        return self.per_type[batch.codes[:, :, 0]] * batch.is_event

    def drop(self, batch, dropped):
        return drop_events(batch, dropped, (), None)


def world_and_model(name="default", seed=0):
    world = sessions(LENGTHS, seed=3)
    model = random_model(world, SPECS[name], seed=seed)
    return model, model.encode(world)


@pytest.fixture(params=ATTRIBUTORS)
def method(request):
    return ATTRIBUTORS[request.param]


@pytest.fixture(params=[name for name in ATTRIBUTORS if name not in WITHOUT_UNIT])
def method_in_logits(request):
    return ATTRIBUTORS[request.param]


def test_a_method_gives_a_value_per_event_and_padding_earns_zero(method):
    model, data = world_and_model()
    batch = data.batch(np.arange(len(LENGTHS)))
    found = method(model)(batch)
    assert found.logit.shape == (len(LENGTHS),)
    for values in (found.signed, found.centred):
        assert values.shape == batch.is_event.shape
        assert values[~batch.is_event].abs().max() == 0
        assert torch.isfinite(values).all()


def test_a_method_explains_the_models_own_logit(method):
    model, data = world_and_model()
    batch = data.batch(np.arange(len(LENGTHS)))
    with torch.no_grad():
        expected = model(batch.codes, batch.numbers, batch.is_event)
    torch.testing.assert_close(method(model)(batch).logit, expected, atol=1e-5, rtol=0)


def test_a_method_does_not_care_what_else_is_in_the_batch(method):
    model, data = world_and_model()
    together = method(model)(data.batch(np.arange(len(LENGTHS))))
    for row, length in enumerate(data.lengths):
        alone = method(model)(data.batch(np.array([row])))
        torch.testing.assert_close(alone.signed[0], together.signed[row, :length], atol=5e-6, rtol=1e-5)
        torch.testing.assert_close(alone.centred[0], together.centred[row, :length], atol=5e-6, rtol=1e-5)


def test_a_method_takes_no_sessions_and_sessions_without_events(method):
    model, data = world_and_model()[0], world_and_model()[0].encode(sessions([0, 3, 0], seed=3))
    assert method(model)(data.batch(np.array([], dtype=np.int64))).signed.shape[0] == 0
    found = method(model)(data.batch(np.array([0, 1, 2])))
    assert torch.isfinite(found.logit).all()
    for values in (found.signed, found.centred):
        assert values[[0, 2]].abs().max() == 0 and values[1].abs().max() > 0


@pytest.mark.parametrize("is_training", [True, False])
def test_a_method_leaves_weights_gradients_and_mode_alone_and_is_deterministic(method, is_training):
    model, data = world_and_model()
    model.train(is_training)
    before = copy.deepcopy(model.state_dict())
    requires = [value.requires_grad for value in model.parameters()]
    first, again = (method(model)(data.batch(np.arange(len(LENGTHS)))) for _ in range(2))
    assert torch.equal(first.signed, again.signed) and torch.equal(first.centred, again.centred)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(value.grad is None for value in model.parameters())
    assert [value.requires_grad for value in model.parameters()] == requires
    assert model.training is is_training and model.encoder.layers[0].dropout.training is is_training


def test_on_a_linear_model_contributions_sum_to_the_logit_minus_its_bias(method_in_logits):
    model = LinearModel()
    world = sessions(LENGTHS, seed=3)
    batch = random_model(world).encode(world).batch(np.arange(len(LENGTHS)))
    found = method_in_logits(model)(batch)
    torch.testing.assert_close(found.signed.sum(dim=1), found.logit - model.bias, atol=5e-5, rtol=0)
    expected = (model.embed(batch) - model.mean_event) @ model.weights + model.additive(batch) - model.mean_additive
    torch.testing.assert_close(found.centred, expected * batch.is_event, atol=1e-5, rtol=0)


@pytest.mark.parametrize("has_pairs", [False, True])
def test_with_a_silent_network_contributions_are_the_additive_weights(has_pairs):
    """They sum to the logit; a pair counts at both of its events, since it falls away with either."""
    model, data = world_and_model()
    with torch.no_grad():
        model.head.zero_()
        model.local_head.zero_()
        model.additive_term.is_pair_used.logical_and_(torch.tensor(has_pairs))
    batch = data.batch(np.arange(len(LENGTHS)))
    found = ATTRIBUTORS["gradient_x_input"](model)(batch)
    pairs = model.additive(batch).sum(dim=1) - model.additive_logit(batch)
    assert bool((pairs != 0).any()) is has_pairs
    torch.testing.assert_close(found.signed.sum(dim=1), found.logit - model.bias + pairs, atol=1e-5, rtol=0)
    torch.testing.assert_close(found.signed, model.additive(batch), atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", SPECS)
def test_gradient_x_input_equals_captum_on_torchs_own_encoder(name):
    model, data = world_and_model(name)
    batch = data.batch(np.arange(len(LENGTHS)))
    stock = StockModel(model)
    embedded = model.embed(batch).detach().requires_grad_(True)
    reference = InputXGradient(stock.score).attribute(embedded, additional_forward_args=(batch,)).sum(dim=-1)
    found = ATTRIBUTORS["gradient_x_input"](model)(batch)
    expected = (reference + model.additive(batch)) * batch.is_event
    torch.testing.assert_close(found.signed, expected.detach(), atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("rows", [[0], [3, 4], [0, 1, 2, 3, 4, 5]])
def test_the_gradient_by_hand_equals_autograd(name, rows):
    model, data = world_and_model(name)
    batch = data.batch(np.array(rows))
    for by_hand, automatic in zip(InputGradient(model)(batch), autograd_dots(model, batch), strict=True):
        torch.testing.assert_close(by_hand, automatic, atol=1e-6, rtol=1e-5)


def test_gradient_x_input_is_no_cancellation_noise():
    """abs(sum over the width) / sum(abs): near 0 where a normalisation follows the embedding, large where none does."""
    model, data = world_and_model("plain")
    batch = data.batch(np.arange(len(LENGTHS)))
    embedded = model.embed(batch).detach().requires_grad_(True)

    def ratio(score):
        (gradient,) = torch.autograd.grad(score(embedded).sum(), embedded)
        products = (gradient * embedded)[batch.is_event].detach()
        return float((products.sum(-1).abs() / products.abs().sum(-1)).median())

    def normalised_first(embedded):
        return model.score(torch.nn.functional.layer_norm(embedded, embedded.shape[-1:]), batch)

    assert ratio(lambda embedded: model.score(embedded, batch)) > 0.05
    assert ratio(normalised_first) < 1e-3


def test_shares_sum_to_one_and_a_session_of_zeros_is_flagged():
    signed = np.array([1.0, -3.0, 0.0, 0.0, 5.0])
    found = shares(signed, np.array([0, 2, 4, 4, 5]))
    assert found.share.tolist() == [0.25, 0.75, 0.0, 0.0, 1.0]
    assert found.relative.tolist() == [0.5, 1.5, 0.0, 0.0, 1.0]
    assert found.is_all_zero.tolist() == [False, True, False, False]
