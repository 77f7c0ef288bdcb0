"""Simulated sessions and their truth: the closed form is what deleting an occurrence and simulating again gives."""

from dataclasses import replace

import numpy as np
import pytest

from attribution_dagster.core.simulation.behaviour import Browsing
from attribution_dagster.core.simulation.catalogue import build_catalogue
from attribution_dagster.core.simulation.event_types import EVENT_TYPES, Interaction
from attribution_dagster.core.simulation.hazard import plant
from attribution_dagster.core.simulation.truth_set import simulate_truth
from attribution_dagster.core.simulation.truth_worlds import WORLDS, TruthWorld

NAMES = [event.name for event in EVENT_TYPES]


@pytest.fixture(scope="module")
def drawn():
    """World and weeks -> 800 sessions, drawn once."""
    return {
        (name, later): simulate_truth(WORLDS[name], sessions=800, seed=3, later=later)
        for name in WORLDS
        for later in (False, True)
    }


def hazard_logit(world, catalogue, later, types, stores, positions):
    """The planted hazard's logit after these events, by the simulator itself; positions may have gaps."""
    marketplace = world.later if later and world.later is not None else world.marketplace
    if len(types) == 0:
        return marketplace.hazard_intercept_logits
    next_to = np.diff(positions, prepend=-2) == 1
    alone = Browsing(
        starts=np.array([0]),
        session=np.zeros(len(types), dtype=np.int64),
        position=positions,
        types=types,
        before=np.where(next_to, np.roll(types, 1), len(NAMES)),
        store=stores,
        feature=np.zeros(len(types), dtype=np.int64),
        intent=np.array([0]),
    )
    return plant(marketplace, catalogue, alone, world.interactions).logit[-1]


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("name", list(WORLDS))
def test_the_planted_effect_is_the_change_when_one_occurrence_is_deleted_and_simulated_again(name, later, drawn):
    world, truth = WORLDS[name], drawn[name, later]
    catalogue, sequences = build_catalogue(world.marketplace), truth.sequences
    assert np.isfinite(truth.planted).all()
    for session in range(40):
        rows = np.arange(sequences.offsets[session], sequences.offsets[session + 1])
        types, stores = sequences.codes["event_type"][rows], sequences.codes["store_id"][rows]
        place = np.arange(len(rows))
        whole = hazard_logit(world, catalogue, later, types, stores, place)
        for gone in place:
            kept = place[place != gone]
            without = hazard_logit(world, catalogue, later, types[kept], stores[kept], kept)
            assert truth.planted[rows[gone]] == pytest.approx(whole - without, abs=1e-9)
        intent = truth.oracle[session] - whole
        assert min(abs(intent - logits) for logits in (0.0, *world.intent_logits.values())) < 1e-9


@pytest.mark.parametrize("name", list(WORLDS))
def test_a_quarter_converts_and_only_the_uncut_world_tells_it_by_length(name, drawn):
    sequences = drawn[name, False].sequences
    label, lengths = sequences.label == 1, sequences.lengths
    assert sequences.n_sessions > 700 and label.mean() == pytest.approx(0.25, abs=0.02)
    if WORLDS[name].cut == "none":
        assert lengths[label].mean() < 0.8 * lengths[~label].mean()
    else:
        assert lengths[label].mean() == pytest.approx(lengths[~label].mean(), rel=0.03)


def test_types_without_effect_do_nothing_and_additive_occurrences_are_alike(drawn):
    null = [code for code, event in enumerate(EVENT_TYPES) if event.is_null]
    for truth in drawn.values():
        assert (truth.planted[np.isin(truth.sequences.codes["event_type"], null)] == 0).all()
    additive = drawn["additive", False]
    for code, event in enumerate(EVENT_TYPES):
        here = additive.planted[additive.sequences.codes["event_type"] == code]
        assert here == pytest.approx(np.full(len(here), event.effect_logits), abs=1e-12)


def test_the_confounded_banner_does_nothing_and_looks_as_if_it_did():
    sequences = simulate_truth(WORLDS["confounded"], sessions=6000, seed=0).sequences
    session = np.repeat(np.arange(sequences.n_sessions), sequences.lengths)
    banners = np.bincount(session, sequences.codes["event_type"] == NAMES.index("banner_view"))
    assert sequences.label[banners > 0].mean() > sequences.label[banners == 0].mean() + 0.05


def test_a_sale_changes_what_people_do_and_rare_types_are_rare(drawn):
    def share(name, later, event):
        types = drawn[name, later].sequences.codes["event_type"]
        return float(np.mean(types == NAMES.index(event)))

    assert share("season", True, "sale_flag_view") > 1.8 * share("season", False, "sale_flag_view")
    assert share("additive", True, "sale_flag_view") < 1.4 * share("additive", False, "sale_flag_view")
    assert 0 < share("rare_events", False, "help_open") < 0.3 * share("hidden_intent", False, "help_open")


def test_one_seed_gives_the_same_sessions_and_later_ones_are_of_other_users(drawn):
    first, again = drawn["decaying", False], simulate_truth(WORLDS["decaying"], sessions=800, seed=3)
    assert np.array_equal(first.planted, again.planted)
    assert first.sequences.session_id.equals(again.sequences.session_id)
    later = drawn["decaying", True].sequences
    assert not set(later.user_id.to_pylist()) & set(first.sequences.user_id.to_pylist())
    assert not np.array_equal(later.lengths[:100], first.sequences.lengths[:100])
    picked = first.select(np.array([5, 2]))
    bounds = first.sequences.offsets
    assert np.array_equal(picked.planted, np.concatenate([first.planted[bounds[s] : bounds[s + 1]] for s in (5, 2)]))


def test_worlds_that_contradict_themselves_are_refused():
    marketplace = WORLDS["season"].marketplace
    with pytest.raises(ValueError, match="what an event is worth"):
        TruthWorld(lesson="", marketplace=marketplace, later=replace(marketplace, position_floor=0.9))
    with pytest.raises(ValueError, match="nobody"):
        TruthWorld(lesson="", marketplace=marketplace, intent_logits={"nobody": 1.0})
    with pytest.raises(ValueError, match="search"):
        pair = Interaction(first="search", second="item_view", bonus_logits=1.0)
        TruthWorld(lesson="", marketplace=marketplace, interactions=(pair,))
    with pytest.raises(ValueError, match="sessions=10"):
        simulate_truth(WORLDS["additive"], sessions=10, seed=0)
