"""The journey model: packed by true length, one contract with the transformer, the base rate for a journey without ads."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from attribution_dagster.core.attribution.registry import ATTRIBUTORS
from attribution_dagster.core.journeys.importance import (
    event_contributions,
    feature_importance,
    gap_names,
    position_names,
)
from attribution_dagster.core.journeys.journeys import Journeys
from attribution_dagster.core.journeys.lstm import JourneyModel, JourneySpec
from attribution_dagster.core.journeys.measuring import embeddings, measured, trajectory
from attribution_dagster.core.journeys.storage import load_journey_model, save_journey_model
from attribution_dagster.core.journeys.training import (
    JourneyTraining,
    all_batches,
    fresh_model,
    predict,
    predict_logits,
    resample_users,
    split_by_time,
    train_journeys,
)
from attribution_dagster_tests.journeys.world import Built

TINY = JourneySpec(d_category=4, d_model=8, d_hidden=8)


def test_logits_do_not_depend_on_what_else_is_in_the_batch_nor_on_padding(model: JourneyModel, some: Journeys) -> None:
    data = model.encode(some)
    alone = np.concatenate([predict_logits(model, model.encode(some.select([n]))) for n in range(len(some.label))])
    assert np.allclose(alone, predict_logits(model, data), atol=1e-5) and data.lengths.min() == 0 < data.lengths.max()


def test_the_packed_state_is_that_of_a_plain_loop_over_true_lengths(model: JourneyModel, some: Journeys) -> None:
    batch = model.encode(some).batch(np.arange(len(some.label)))
    with torch.no_grad():
        embedded = model.embed(batch)
        state = model.pooled(*model.states(embedded, batch.is_event))
        for row in range(0, len(state), 7):
            steps = embedded[row][batch.is_event[row]][None]
            expected = model.lstm(steps)[1][0][0, 0] if steps.shape[1] else torch.zeros(TINY.d_hidden)
            assert torch.allclose(state[row], expected, atol=1e-6)


def test_a_journey_without_ads_has_the_base_rate_given_its_intent(model: JourneyModel, some: Journeys) -> None:
    data = model.encode(some)
    batch = data.batch(np.arange(len(some.label)))
    with torch.no_grad():
        without = model.without_ads(batch)
        emptied = model(replace(batch, is_event=torch.zeros_like(batch.is_event)))
    assert torch.allclose(emptied, without, atol=1e-6)
    empty = data.lengths == 0
    assert np.allclose(predict_logits(model, data)[empty], without.numpy()[empty], atol=1e-6)


def test_attention_pools_the_states_of_true_events_only(built: Built, some: Journeys) -> None:
    train, validation = split_by_time(built.journeys)
    spec = replace(TINY, attention=True)
    model = train_journeys(train, validation, spec, JourneyTraining(max_epochs=1), seed=1).model
    with torch.no_grad():
        model.head.weight.fill_(0.5)
    alone = [predict_logits(model, model.encode(some.select([n])))[0] for n in range(len(some.label))]
    assert np.allclose(alone, predict_logits(model, model.encode(some)), atol=1e-5)


@pytest.mark.parametrize(
    "method", ["gradient_x_input", "integrated_gradients_padding", "occlusion_masked", "occlusion_dropped", "random"]
)
def test_every_method_of_the_registry_explains_it_and_leaves_it_alone(
    method: str, model: JourneyModel, some: Journeys
) -> None:
    before = {name: value.clone() for name, value in model.state_dict().items()}
    batch = model.encode(some).batch(np.flatnonzero(some.sequences.lengths)[:12])
    found = ATTRIBUTORS[method](model)(batch)
    assert found.signed.shape == batch.is_event.shape and bool((found.signed[~batch.is_event] == 0).all())
    with torch.no_grad():
        assert torch.allclose(found.logit, model(batch), atol=1e-5)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_without_the_network_gradient_x_input_is_occlusion_exactly(model: JourneyModel, some: Journeys) -> None:
    silent = JourneyModel(model.spec, model.vocabulary, model.scaling)
    silent.load_state_dict({**model.state_dict(), "head.weight": torch.zeros_like(model.head.weight)})
    assert silent.is_silent and not model.is_silent
    first, second = (event_contributions(silent, some, name) for name in ("gradient_x_input", "occlusion_masked"))
    assert np.allclose(first, second, atol=1e-6) and np.abs(first).max() > 0.01


def test_training_recovers_a_planted_share_of_the_gain_and_the_base_rate(built: Built) -> None:
    train, validation = split_by_time(built.journeys)
    trained = train_journeys(train, validation, TINY, JourneyTraining(max_epochs=1), seed=0)
    probability, seen = predict(trained.model, built.journeys), built.journeys.sequences.lengths > 0
    for part in (seen, ~seen):
        assert probability[part].mean() == pytest.approx(built.journeys.label[part].mean(), rel=0.3)
    rows = {r["model"]: r for r in measured({"journey_model": trained.model}, train, built.journeys)}
    assert rows["journey_model"]["auc"] > max(rows["last_touch"]["auc"], 0.65) and rows["prior"]["auc"] == 0.5
    assert trained.curves[0].epoch == 0.0 and trained.best_epoch in {point.epoch for point in trained.curves}
    again = train_journeys(train, validation, TINY, JourneyTraining(max_epochs=1), seed=0)
    assert all(
        torch.equal(a, b)
        for a, b in zip(trained.model.state_dict().values(), again.model.state_dict().values(), strict=True)
    )


def test_product_embeddings_can_come_from_elsewhere(built: Built) -> None:
    model = fresh_model(built.journeys, TINY, JourneyTraining())
    token = model.vocabulary.tokens["product_id"][0]
    assert model.share_products({token: [1.0, 2.0, 3.0, 4.0], "unheard of": [0.0] * 4}) == 1
    code = int(model.vocabulary.lookup("product_id", [token])[0])
    assert model.embeddings[3].weight[code].tolist() == [1.0, 2.0, 3.0, 4.0]  # type: ignore[index]
    with pytest.raises(ValueError, match=r"has a vector of \(2,\); d_category=4"):
        model.share_products({token: [1.0, 2.0]})


def test_a_stored_model_says_the_same(model: JourneyModel, some: Journeys, tmp_path: Path) -> None:
    save_journey_model(model, tmp_path / "m")
    assert np.array_equal(predict(load_journey_model(tmp_path / "m"), some), predict(model, some))
    with pytest.raises(ValueError, match="holds no journey model"):
        load_journey_model(tmp_path)


def test_batches_keep_to_the_budget_and_leave_no_journey_out() -> None:
    lengths = np.array([0, 3, 9, 1, 0, 30])
    batches = all_batches(lengths, 32)
    assert sorted(np.concatenate(batches).tolist()) == list(range(6))
    assert all(len(rows) * (max(lengths[rows].max(), 1) + 1) <= 32 for rows in batches)


def test_the_latest_days_validate_and_users_are_drawn_whole(built: Built) -> None:
    train, validation = split_by_time(built.journeys)
    assert train.sequences.started_at_us.max() < validation.sequences.started_at_us.min()
    drawn = resample_users(built.journeys, 1)
    counts = np.bincount(np.unique(built.journeys.user, return_inverse=True)[1])
    of = {u: n for u, n in zip(sorted(set(built.journeys.sequences.user_id.to_pylist())), counts, strict=True)}
    ids, times = np.unique(drawn.sequences.user_id.to_pylist(), return_counts=True)
    assert all(t % of[u] == 0 for u, t in zip(ids, times, strict=True)) and len(ids) < len(of)


def test_alike_labels_are_refused(built: Built) -> None:
    none = built.journeys.select(np.flatnonzero(built.journeys.label == 0)[:50])
    with pytest.raises(ValueError, match=r"the training journeys are all alike \(0 of 50 bought\)"):
        train_journeys(none, none, TINY, JourneyTraining(), seed=0)


def test_a_trajectory_ends_at_the_journeys_probability_and_begins_without_ads(
    model: JourneyModel, some: Journeys
) -> None:
    longest = some.select([int(np.argmax(some.sequences.lengths))])
    path = trajectory(model, longest)
    assert len(path) == longest.sequences.n_events + 1 and path[-1] == pytest.approx(
        predict(model, longest)[0], abs=1e-6
    )
    batch = model.encode(longest).batch(np.array([0]))
    with torch.no_grad():
        assert path[0] == pytest.approx(model.probability(model.without_ads(batch))[0], abs=1e-6)


def test_embeddings_and_importance_are_of_journeys_with_ads(model: JourneyModel, some: Journeys) -> None:
    assert len(embeddings(model, some)) == int((some.sequences.lengths > 0).sum())
    rows = feature_importance(model, some)
    counts = {
        f: sum(r["occurrences"] for r in rows if (r["feature"], r["method"]) == (f, "gradient_x_input"))
        for f in ("campaign_id", "gap", "position")
    }
    assert set(counts.values()) == {some.sequences.n_events}


def test_bins_at_their_edges() -> None:
    assert list(gap_names([11.9, 12.0, 96.0])) == ["under 12 h", "12 to 24 h", "96 h and more"]
    assert list(position_names([1, 2, 3, 4, 6, 7])) == ["1st", "2nd", "3rd", "4th to 6th", "4th to 6th", "7th on"]
