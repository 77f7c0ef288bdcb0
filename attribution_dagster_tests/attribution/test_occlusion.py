"""Occlusion against sessions that are built anew without the event, and random values against their promise."""

import numpy as np
import pytest
import torch
from captum.attr import FeatureAblation

from attribution_dagster.core.attribution.occlusion import occlusion_dropped, occlusion_masked
from attribution_dagster.core.attribution.random import random
from attribution_dagster.core.models.prediction import predict
from attribution_dagster.core.sequences.sequence_set import SequenceSet
from attribution_dagster_tests.models.worlds import random_model, sessions, small_spec

LENGTHS = [5, 1, 17, 8]


def without(world, event):
    """The set without one event, with ranks and gaps as the builder computes them."""
    session = np.repeat(np.arange(world.n_sessions), world.lengths)
    kept = np.arange(world.n_events) != event
    lengths = np.bincount(session[kept], minlength=world.n_sessions)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    time = np.cumsum(world.numbers["time_delta"].astype(np.float64))[kept]
    rank = np.arange(kept.sum()) - np.repeat(offsets[:-1], lengths) + 1
    gap = np.where(rank == 1, 0.0, np.diff(time, prepend=0.0))
    fields = {name: getattr(world, name) for name in world.__dataclass_fields__}
    fields |= {
        "offsets": offsets,
        "codes": {name: codes[kept] for name, codes in world.codes.items()},
        "numbers": {
            "event_rank": rank.astype(np.float32),
            "time_delta": gap.astype(np.float32),
            "is_nv": world.numbers["is_nv"][kept],
        },
        "event_at_us": world.event_at_us[kept],
    }
    return SequenceSet(**fields)


@pytest.fixture(scope="module")
def world():
    return sessions(LENGTHS, seed=3)


@pytest.fixture(scope="module")
def model(world):
    model = random_model(world)
    model.base_logit.fill_(-0.4)
    return model


@pytest.fixture(scope="module")
def batch(world, model):
    return model.encode(world).batch(np.arange(len(LENGTHS)))


def test_a_dropped_event_leaves_the_session_that_the_builder_would_have_made(world, model, batch):
    found = occlusion_dropped(model)(batch)
    full = predict(model, world)
    for event in range(world.n_events):
        session = int(np.searchsorted(world.offsets, event, side="right")) - 1
        expected = full[session] - predict(model, without(world, event))[session]
        actual = float(found.signed[session, event - world.offsets[session]])
        assert actual == pytest.approx(expected, abs=1e-5)


def test_what_does_not_change_by_dropping_keeps_its_bits(model, batch):
    dropped = torch.zeros_like(batch.is_event)
    dropped[0, 2] = True
    shorter = model.drop(batch, dropped)
    assert torch.equal(shorter.numbers[1:], batch.numbers[1:]) and torch.equal(shorter.codes[1:], batch.codes[1:])
    assert torch.equal(shorter.numbers[0, :2], batch.numbers[0, :2])
    assert shorter.is_event[0].sum() == 4 and shorter.numbers[0, 4].abs().sum() == 0


def test_the_first_event_read_of_a_longer_session_is_not_its_first(model):
    """The gap to the event before it, which the model does not read, becomes part of the next one's."""
    world = sessions([40], seed=5)
    batch = model.encode(world).batch(np.array([0]))
    dropped = torch.zeros_like(batch.is_event)
    dropped[0, 0] = True
    gap = model.scaling.invert("time_delta", model.drop(batch, dropped).numbers[0, :, 1].numpy())
    assert gap[0] == pytest.approx(world.numbers["time_delta"][10:12].sum(), rel=1e-4)
    rank = model.scaling.invert("event_rank", model.drop(batch, dropped).numbers[0, :, 0].numpy())
    np.testing.assert_allclose(rank[:29], np.arange(11, 40), rtol=1e-4)


def test_masking_equals_captum_where_a_mask_is_a_zero_vector(model, batch):
    """Without encoder and pairs an event acts through its vector and its additive weight alone."""
    with torch.no_grad():
        silent = random_model(sessions(LENGTHS, seed=3))
        silent.head.zero_()
        silent.convolution.before.weight.zero_()
        silent.additive_term.is_pair_used.zero_()
        embedded = silent.embed(batch)
        groups = torch.arange(embedded.shape[1])[None, :, None].expand(1, -1, embedded.shape[2])
        ablated = FeatureAblation(lambda x: silent.score(x, batch)).attribute(embedded, feature_mask=groups)[:, :, 0]
        nothing = silent.convolution(torch.zeros(1, 1, 24))[0, 0] @ silent.local_head
        expected = ablated + nothing * silent.position_weights(batch.is_event) + silent.additive(batch)
    found = occlusion_masked(silent)(batch).signed
    torch.testing.assert_close(found, expected * batch.is_event, atol=1e-5, rtol=0)


def test_replacing_by_the_mean_event_equals_captum(model, batch):
    with torch.no_grad():
        embedded = model.embed(batch)
        groups = torch.arange(embedded.shape[1])[None, :, None].expand(1, -1, embedded.shape[2])
        ablation = FeatureAblation(lambda x: model.score(x, batch))
        mean = model.mean_event.expand_as(embedded).contiguous()
        ablated = ablation.attribute(embedded, baselines=mean, feature_mask=groups)[:, :, 0]
        expected = (ablated + model.additive(batch) - model.mean_additive) * batch.is_event
    torch.testing.assert_close(occlusion_masked(model)(batch).centred, expected, atol=1e-5, rtol=0)


def test_a_blank_event_is_as_if_the_session_ended_before_it(model):
    """Blank at the end and dropped at the end are the same: nothing moves up."""
    world = sessions([6], seed=8)
    batch = model.encode(world).batch(np.array([0]))
    masked, dropped = occlusion_masked(model)(batch), occlusion_dropped(model)(batch)
    assert float(masked.signed[0, -1]) == pytest.approx(float(dropped.signed[0, -1]), abs=1e-5)
    assert float((masked.signed - dropped.signed)[0, :-1].abs().min()) > 1e-5


def test_centred_effects_of_a_session_have_the_same_sum_masked_or_dropped(model, batch):
    masked, dropped = occlusion_masked(model)(batch), occlusion_dropped(model)(batch)
    torch.testing.assert_close(masked.centred.sum(dim=1), dropped.centred.sum(dim=1), atol=1e-5, rtol=0)


def test_a_session_of_one_event_falls_to_the_base_rate(model, batch):
    found = occlusion_dropped(model)(batch)
    assert float(found.logit[1] - found.signed[1, 0]) == pytest.approx(-0.4, abs=1e-6)


def test_a_pair_of_neighbours_falls_with_either_event():
    world = sessions([4], seed=1)
    model = random_model(world, small_spec(local_convolution=False))
    with torch.no_grad():
        model.head.zero_()
    batch = model.encode(world).batch(np.array([0]))
    assert (model.additive_term.pair_effects(batch.codes, batch.is_event) != 0).any()
    torch.testing.assert_close(occlusion_masked(model)(batch).signed, model.additive(batch), atol=1e-6, rtol=0)


def test_random_values_are_standard_normal_and_differ_between_sessions():
    world = sessions([30] * 100, seed=2)
    model = random_model(world)
    values = random(model)(model.encode(world).batch(np.arange(100))).signed
    assert abs(float(values.mean())) < 4 / np.sqrt(3000)
    assert float(values.std()) == pytest.approx(1.0, abs=0.06)
    assert len(torch.unique(values)) == 3000
