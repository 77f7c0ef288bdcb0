"""Training: reproducible, never worse than its additive start, able to learn what only neighbours say."""

import numpy as np
import pytest
import torch

from attribution_dagster.core.models.baselines import fit_baselines
from attribution_dagster.core.models.metrics import auc, log_loss
from attribution_dagster.core.models.prediction import predict
from attribution_dagster.core.models.spec import TrainingSpec
from attribution_dagster.core.models.training import train
from attribution_dagster_tests.models.worlds import EFFECTS, planted_world, sessions, small_spec, with_label

QUICK = TrainingSpec(max_epochs=1, token_budget=1024)


@pytest.fixture(scope="module")
def worlds():
    return [planted_world(size, seed=seed) for seed, size in ((1, 3000), (2, 1500), (3, 3000))]


@pytest.fixture(scope="module")
def trained(worlds):
    return train(worlds[0][0], worlds[1][0], small_spec(), TrainingSpec(max_epochs=2), seed=5)


def test_one_seed_gives_the_same_weights_bit_for_bit_and_another_seed_others(worlds):
    part, validation = worlds[0][0].select(np.arange(600)), worlds[1][0].select(np.arange(300))
    first, again, other = (
        train(part, validation, small_spec(readout="plain"), QUICK, seed=seed).model.state_dict() for seed in (3, 3, 4)
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["cls"], other["cls"])


def test_training_leaves_the_callers_random_state_and_threads_alone(worlds):
    torch.manual_seed(11)
    state, threads = torch.random.get_rng_state(), torch.get_num_threads()
    train(worlds[0][0].select(np.arange(300)), worlds[1][0].select(np.arange(200)), small_spec(), QUICK)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_the_best_weights_are_restored(trained, worlds):
    best = min(point.validation_loss for point in trained.curves)
    restored = log_loss(predict(trained.model, worlds[1][0]), worlds[1][0].label)
    assert restored == pytest.approx(best, abs=1e-9)
    assert best <= trained.curves[0].validation_loss
    assert not trained.model.training


def test_an_additive_world_is_predicted_as_well_as_its_truth_allows(trained, worlds):
    world, _, truth = worlds[2]
    scores = predict(trained.model, world)
    assert auc(scores, world.label) > auc(truth, world.label) - 0.01
    assert auc(scores, world.label) > auc(fit_baselines(worlds[0][0])["counts"].predict(world), world.label) - 0.003


def test_the_additive_weights_are_the_planted_effects_and_their_decay(trained):
    term = trained.model.additive_term
    position = torch.exp(term.position_basis @ term.log_position).detach().numpy()
    ids = trained.model.vocabulary.lookup("event_type", [f"event_type_{index}" for index in range(len(EFFECTS))])[:-1]
    effects = term.weights["event_type"].detach().numpy()[ids] * position[0]
    np.testing.assert_allclose(effects, EFFECTS, atol=0.25)
    assert position[6] / position[0] == pytest.approx(np.exp(-1.0), abs=0.15)


def test_stores_without_an_effect_get_no_additive_weight(trained):
    assert trained.model.additive_term.weights["store_id"].abs().max() == 0.0


def test_stores_with_an_effect_get_additive_weights():
    sets = []
    for seed in (1, 2):
        world = sessions(np.full(2500, 5), seed=seed)
        session = np.repeat(np.arange(2500), 5)
        logit = np.bincount(session, np.array([*np.linspace(-1, 1, 9), 0.0])[world.codes["store_id"]], 2500)
        sets.append(with_label(world, np.random.default_rng(seed).random(2500) < 1 / (1 + np.exp(-logit))))
    model = train(*sets, small_spec(local_convolution=False), TrainingSpec(max_epochs=1, min_count=1)).model
    ids = model.vocabulary.lookup("store_id", [f"store_id_{index}" for index in range(9)])[:-1]
    weights = model.additive_term.weights["store_id"].detach().numpy()[ids]
    assert np.corrcoef(weights, np.linspace(-1, 1, 9))[0, 1] > 0.95


def test_the_local_convolution_finds_what_two_neighbours_say():
    sets = [planted_world(4000, seed=seed, pair=3.0) for seed in (11, 12, 13)]
    training = TrainingSpec(max_epochs=4, learning_rate=5e-3, patience=12, token_budget=512)
    found = {}
    for local in (True, False):
        spec = small_spec(
            categories=("event_type",),
            numbers=(),
            d_model=48,
            n_layers=1,
            dropout=0.0,
            local_convolution=local,
            neighbour_pairs=False,
        )
        model = train(sets[0][0], sets[1][0], spec, training, seed=1).model
        found[local] = auc(predict(model, sets[2][0]), sets[2][0].label)
    counts = auc(fit_baselines(sets[0][0])["counts"].predict(sets[2][0]), sets[2][0].label)
    assert found[True] > counts + 0.03
    assert found[True] > found[False] + 0.02


def test_probabilities_average_to_the_populations_prevalence(worlds):
    world = worlds[0][0].select(np.arange(1500))
    trained = train(world, worlds[1][0], small_spec(), QUICK, population_prevalence=0.05)
    calibration = trained.model.calibration
    odds = (0.05 / 0.95) / (worlds[1][0].label.mean() / (1 - worlds[1][0].label.mean()))
    assert calibration.shift == pytest.approx(np.log(odds))


def test_a_set_of_one_class_is_refused_with_its_counts(worlds):
    world = worlds[1][0].select(np.arange(50))
    one_class = with_label(world, np.zeros(50))
    with pytest.raises(ValueError, match="the validation set has 0 converted and 50 other sessions"):
        train(worlds[0][0], one_class, small_spec(), QUICK)


def test_a_loss_that_explodes_is_an_error_that_names_the_learning_rate(worlds):
    wild = TrainingSpec(max_epochs=3, learning_rate=1e30, gradient_norm=1e30)
    with pytest.raises(FloatingPointError, match="learning_rate"):
        train(worlds[0][0], worlds[1][0], small_spec(readout="plain"), wild)


def test_progress_is_told_and_ends_at_one(worlds):
    heard = []
    train(
        worlds[0][0].select(np.arange(400)),
        worlds[1][0].select(np.arange(200)),
        small_spec(),
        QUICK,
        progress=lambda message, done: heard.append((message, done)),
    )
    assert heard[-1][1] == 1.0
    assert [done for _, done in heard] == sorted(done for _, done in heard)
    assert "log-loss" in heard[0][0]
