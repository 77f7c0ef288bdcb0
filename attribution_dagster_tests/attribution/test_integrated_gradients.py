"""Integrated gradients against Captum and against its own sum; attention against the model's own forward."""

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients

from attribution_dagster.core.attribution import integrated_gradients as module
from attribution_dagster.core.attribution.attention import attend, attention_mean, attention_rollout
from attribution_dagster.core.attribution.gradient_x_input import autograd_dots
from attribution_dagster.core.attribution.registry import ATTRIBUTORS
from attribution_dagster.core.models.folding import Point
from attribution_dagster.core.models.input_gradient import InputGradient
from attribution_dagster_tests.attribution.test_methods import LENGTHS, SPECS, LinearModel, world_and_model
from attribution_dagster_tests.models.stock import StockModel

BASELINES = {"integrated_gradients": True, "integrated_gradients_padding": False}


def whole_batch(name="default"):
    model, data = world_and_model(name)
    return model, data.batch(np.arange(len(LENGTHS)))


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("point", [Point(scale=0.3, shift=0.7), Point(scale=0.5), Point(scale=0.0, shift=1.0)])
def test_the_gradient_by_hand_equals_autograd_anywhere_on_the_way(name, point):
    model, batch = whole_batch(name)
    for by_hand, automatic in zip(InputGradient(model)(batch, point), autograd_dots(model, batch, point), strict=True):
        torch.testing.assert_close(by_hand, automatic, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("method", BASELINES)
def test_it_equals_captum_with_as_many_nodes(method, monkeypatch):
    """To 1e-5: the same quadrature on torch's own encoder and autograd."""
    monkeypatch.setattr(module, "MOST_STEPS", module.FIRST_STEPS)
    model, batch = whole_batch()
    embedded = model.embed(batch).detach()
    baseline = model.mean_event.expand_as(embedded) if BASELINES[method] else torch.zeros_like(embedded)
    reference = IntegratedGradients(StockModel(model).score).attribute(
        embedded,
        baselines=baseline.contiguous(),
        additional_forward_args=(batch,),
        n_steps=module.FIRST_STEPS,
        method="gausslegendre",
        internal_batch_size=len(LENGTHS),
    )
    found, additive = ATTRIBUTORS[method](model)(batch), model.additive(batch).detach()
    products = reference.sum(dim=-1).float()
    if BASELINES[method]:
        expected, actual = products + additive - model.mean_additive, found.centred
    else:
        expected, actual = products + additive, found.signed
    torch.testing.assert_close(actual, (expected * batch.is_event).detach(), atol=1e-5, rtol=0)


@pytest.mark.parametrize("method", BASELINES)
@pytest.mark.parametrize("name", ["default", "three layers"])
def test_the_sum_is_complete_to_one_percent(method, name):
    model, batch = whole_batch(name)
    found = ATTRIBUTORS[method](model)(batch)
    with torch.no_grad():
        embedded, additive = model.embed(batch), model.additive(batch)
        start = model.mean_event.expand_as(embedded) if BASELINES[method] else torch.zeros_like(embedded)
        difference = found.logit - model.score(start, batch)
    effects, exact = (found.centred, additive - model.mean_additive) if BASELINES[method] else (found.signed, additive)
    total = (effects - exact * batch.is_event).sum(dim=1)
    torch.testing.assert_close(found.residual, (total - difference).abs(), atol=1e-5, rtol=0)
    assert (found.residual <= 0.01 * difference.abs().clamp(min=0.1)).all()


def test_only_sessions_that_miss_get_more_nodes_and_the_best_is_reported(monkeypatch):
    model, batch = whole_batch("three layers")
    monkeypatch.setattr(module, "FIRST_STEPS", 1)
    seen = []
    spied = module._mean_dots
    monkeypatch.setattr(
        module, "_mean_dots", lambda d, b, steps, m: seen.append((steps, len(b.rows))) or spied(d, b, steps, m)
    )
    found = ATTRIBUTORS["integrated_gradients_padding"](model)(batch)
    assert seen[0] == (1, len(LENGTHS)) and len(seen) > 1
    assert [rows for _, rows in seen] == sorted((rows for _, rows in seen), reverse=True)
    assert found.residual.max() < 0.1


@pytest.mark.parametrize("name", SPECS)
def test_the_explicit_path_gives_the_models_logit(name):
    model, batch = whole_batch(name)
    with torch.no_grad():
        expected = model(batch.codes, batch.numbers, batch.is_event)
    torch.testing.assert_close(attend(model, batch).logit, expected, atol=1e-5, rtol=0)


def test_attention_equals_torchs_own_per_layer_and_head():
    model, batch = whole_batch()
    found = attend(model, batch)
    stock = StockModel(model)
    hidden = model.tokens(model.embed(batch), batch.codes, batch.is_event)[1].detach()
    padding = torch.nn.functional.pad(~batch.is_event, (1, 0), value=False)
    for number, layer in enumerate(stock.encoder.layers):
        _, weights = layer.self_attn(hidden, hidden, hidden, key_padding_mask=padding, average_attn_weights=False)
        torch.testing.assert_close(found.weights[:, number], weights, atol=1e-5, rtol=0)
        hidden = layer(hidden, src_key_padding_mask=padding)
    assert found.from_cls().shape == (len(LENGTHS), 2, 3, batch.is_event.shape[1])
    torch.testing.assert_close(found.weights.sum(dim=-1), torch.ones(()).expand(found.weights.shape[:-1]))


def test_mean_and_rollout_of_one_layer_are_by_hand():
    model, batch = whole_batch("one layer")
    by_head = attend(model, batch).from_cls()[:, 0].mean(dim=1)
    torch.testing.assert_close(attention_mean(model)(batch).signed, by_head)
    torch.testing.assert_close(attention_rollout(model)(batch).signed, by_head / 2)


def test_rollout_is_the_product_of_layers_with_their_residuals():
    model, batch = whole_batch("three layers")
    weights = attend(model, batch).weights.mean(dim=2)
    size = weights.shape[-1]
    product = torch.eye(size).expand(len(LENGTHS), size, size)
    for layer in range(3):
        product = (0.5 * weights[:, layer] + 0.5 * torch.eye(size)) @ product
    torch.testing.assert_close(attention_rollout(model)(batch).centred, product[:, 0, 1:] * batch.is_event)


@pytest.mark.parametrize("method", [attention_mean, attention_rollout])
def test_a_model_without_attention_is_refused_by_name(method):
    with pytest.raises(TypeError, match="LinearModel has no attention"):
        method(LinearModel())
