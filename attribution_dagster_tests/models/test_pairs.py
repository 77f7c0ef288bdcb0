"""Neighbours that together say more than the two alone: found where they are planted, not found where they aren't."""

import numpy as np
import pytest
import torch

from attribution_dagster.core.models.additive import AdditiveTerm
from attribution_dagster.core.models.pairs import MAX_TYPES, N_PAIRS, NO_PAIR, Pair, pair_ids
from attribution_dagster.core.models.prediction import pair_effects
from attribution_dagster.core.models.spec import TrainingSpec
from attribution_dagster.core.models.training import train
from attribution_dagster.core.sequences.vocabulary import FIRST_TOKEN
from attribution_dagster_tests.models.worlds import planted_world, random_model, sessions, small_spec

CLICK, PAGE = 3, 4
QUICK = TrainingSpec(max_epochs=1, min_count=1, learning_rate=1e-12)
"""Only the start is looked at: the network stays silent."""


def start(*, pair: float, neighbour_pairs: bool = True, seed: int = 1):
    sets = [planted_world(4000, seed=number, pair=pair)[0] for number in (seed, seed + 1)]
    model = train(*sets, small_spec(neighbour_pairs=neighbour_pairs), QUICK).model
    return pair_effects(model, model.encode(sets[1]), sets[1].user_id)


def test_the_planted_pair_is_found_with_its_weight_and_no_other():
    found = start(pair=1.5)
    assert [(each.first, each.second) for each in found] == [("event_type_3", "event_type_2")] * len(found)
    # Planted whatever the store is, so that it may be found at the same store and at others.
    assert 1 <= len(found) <= 2
    assert all(1.0 < each.mean_effect < 2.0 and 50 < each.sessions <= each.occurrences for each in found)


def test_a_pairs_mean_and_error_are_those_of_its_occurrences_by_hand():
    """Clicks and pages at no store: one pair in each of five sessions, of three users."""
    world = sessions([2, 2, 3, 2, 2], types=2, stores=1)
    for name, codes in (("event_type", [0, 1] * 2 + [0, 0, 1] + [0, 1] * 2), ("store_id", [-1] * 11)):
        world.codes[name][:] = codes
    model = random_model(world)
    click, page = (model.vocabulary.tokens["event_type"].index(f"event_type_{n}") + FIRST_TOKEN for n in (0, 1))
    term, pair = model.additive_term, Pair(first=click, second=page, same_store=False).id
    term.is_pair_used[:] = torch.arange(N_PAIRS) == pair
    (found,) = pair_effects(model, model.encode(world), ["a", "a", "b", "c", "c"])
    batch = model.encode(world).batch(np.arange(5))
    each = term.pair_effects(batch.codes, batch.is_event).sum(dim=1).detach().double().numpy()
    assert len(set(each.tolist())) == 2 and (found.occurrences, found.sessions, found.users) == (5, 5, 3)
    mean = each.mean()
    sums = np.array([(each[:2] - mean).sum(), each[2] - mean, (each[3:] - mean).sum()])
    assert found.mean_effect == pytest.approx(mean)
    assert found.standard_error == pytest.approx(np.sqrt(np.sum(sums**2 / np.array([0.6, 0.8, 0.6]))) / 5)
    (alone,) = pair_effects(model, model.encode(world), ["a"] * 5)
    assert alone.standard_error is None and alone.users == 1


@pytest.mark.parametrize("seed", [1, 11, 21])
def test_no_pair_is_found_where_none_is_planted(seed):
    assert start(pair=0.0, seed=seed) == []


def test_pairs_can_be_switched_off():
    assert start(pair=1.5, neighbour_pairs=False) == []


def test_a_pair_counts_where_it_is_complete_and_falls_away_with_either_event():
    """Click, page, page: by hand, at one store and at two; an unknown type between them breaks the pair."""
    term = AdditiveTerm({"event_type": (0, 6), "store_id": (1, 6)}, max_events=8)
    with torch.no_grad():
        term.weights["event_type"][CLICK], term.weights["event_type"][PAGE] = 0.5, 0.25
        pair = Pair(first=CLICK, second=PAGE, same_store=True).id
        term.pair_weights[pair], term.is_pair_used[pair] = 1.0, True
        same = torch.tensor([[[CLICK, 5], [PAGE, 5], [PAGE, 5], [0, 0]]])
        other = torch.tensor([[[CLICK, 4], [PAGE, 5], [1, 5], [PAGE, 5]]])
        is_event = torch.tensor([[True, True, True, False]])
        assert term(same, is_event).tolist() == [[0.5, 1.25, 0.25, 0.0]]
        assert term.worth(same, is_event).tolist() == [[1.5, 1.25, 0.25, 0.0]]
        assert term(other, torch.ones(1, 4, dtype=torch.bool)).tolist() == [[0.5, 0.25, 0.0, 0.25]]
        term.is_pair_used[pair] = False
        assert term.worth(same, is_event).tolist() == [[0.5, 0.25, 0.25, 0.0]]


def test_pairs_stay_within_a_session_and_want_known_types_and_stores():
    types = np.array([CLICK, PAGE, PAGE, 1, PAGE, MAX_TYPES, PAGE])
    stores = np.array([5, 5, 5, 5, 1, 1, 2])
    position = np.array([0, 1, 0, 1, 2, 3, 4])
    found = pair_ids(types, stores, position)
    assert found[1] == Pair(first=CLICK, second=PAGE, same_store=True).id
    assert list(found[[0, 2, 3, 4, 5, 6]]) == [NO_PAIR] * 6
    unknown_store = pair_ids(np.array([CLICK, PAGE]), np.array([1, 1]), np.array([0, 1]))
    assert unknown_store[1] == Pair(first=CLICK, second=PAGE, same_store=False).id


@pytest.mark.parametrize(
    "pair", [Pair(first=3, second=127, same_store=True), Pair(first=127, second=3, same_store=False)]
)
def test_an_id_names_its_pair(pair):
    assert Pair.of(pair.id) == pair
