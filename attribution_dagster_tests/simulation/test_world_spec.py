from dataclasses import FrozenInstanceError, replace

import pytest

from attribution_dagster.core.simulation import MarketplaceWorld
from attribution_dagster.core.simulation.catalogue import build_catalogue
from attribution_dagster.core.simulation.event_types import Episode, EventType, Intent, Interaction

WORLD = MarketplaceWorld()
CLICK = Interaction(first="card_click", second="store_page_load", bonus_logits=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"abandonment_rate": 1.5}, "abandonment_rate=1.5 is not within 0 to 1"),
        ({"hazard_intercept_logits": float("nan")}, "hazard_intercept_logits=nan"),
        ({"length_max_events": 0}, "length_max_events=0"),
        ({"sale_products": 41}, "sale_products=41 exceeds products_per_store=40"),
        ({"hour_weights": (1.0,)}, "hour_weights must be 24 numbers"),
        ({"weekday_weights": (0.0,) * 7}, "weekday_weights must be 7 numbers"),
        ({"intents": (Intent(name="half", share=0.5),)}, "shares of intents must sum to 1, got 0.5"),
        ({"abandonments": (Episode(share=1, events=("teleport",)),)}, r"funnel events only .*\['teleport'\]"),
        ({"successors": (("search", "search", 0.0),)}, "successors need positive multiples"),
        ({"successors": (("search", "nap", 2.0),)}, r"unknown event types \['nap'\]"),
        ({"interaction": replace(CLICK, second="search")}, "must bear a store"),
        ({"event_types": WORLD.event_types + WORLD.event_types[:1]}, r"named twice.*\['store_impression'\]"),
        ({"event_types": WORLD.event_types[:1]}, "2 to 200 event types, got 1"),
    ],
)
def test_a_world_that_makes_no_sense_is_refused_by_name_and_value(change, message):
    with pytest.raises(ValueError, match=message):
        replace(WORLD, **change)


def test_a_type_named_like_a_funnel_event_is_refused():
    extra = EventType(name="cart_page_load", effect_logits=0, frequency=1, dwell_s=1)
    with pytest.raises(ValueError, match="named twice, or like a funnel"):
        replace(WORLD, event_types=(*WORLD.event_types, extra))


def test_a_type_without_effect_may_not_borrow_one_from_a_store():
    extra = EventType(name="photo_view", effect_logits=0, frequency=1, dwell_s=1, bears_store=True)
    with pytest.raises(ValueError, match="without effect must not bear a store"):
        replace(WORLD, event_types=(*WORLD.event_types, extra))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": ""}, "needs a name"),
        ({"effect_logits": float("nan")}, "tap: effect_logits=nan"),
        ({"frequency": 0}, "tap: frequency=0"),
        ({"dwell_s": 0}, "tap: dwell_s=0"),
        ({"new_store_rate": 2}, "tap: new_store_rate=2"),
        ({"bears_store": False, "bears_product": True}, "needs bears_store=True"),
        ({"only_on_sale": True}, "needs bears_product=True"),
    ],
)
def test_an_event_type_that_makes_no_sense_is_refused(change, message):
    tap = {"name": "tap", "effect_logits": 0.1, "frequency": 1, "dwell_s": 1, "bears_store": True}
    with pytest.raises(ValueError, match=message):
        EventType(**(tap | change))


def test_pairs_intents_and_episodes_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="two different event types"):
        replace(CLICK, second="card_click")
    with pytest.raises(ValueError, match="other_store_rate=-1"):
        replace(CLICK, other_store_rate=-1)
    with pytest.raises(ValueError, match="tilts must be positive"):
        Intent(name="odd", share=1, tilt={"search": -1})
    with pytest.raises(ValueError, match="an episode needs"):
        Episode(share=1, events=())


def test_a_world_is_frozen():
    with pytest.raises(FrozenInstanceError):
        WORLD.stores = 3


def test_effects_are_spread_enough_to_be_ranked():
    sizes = [abs(event.effect_logits) for event in WORLD.event_types if not event.is_null]
    assert min(sizes) >= 0.15 and max(sizes) <= 0.8 and len(set(sizes)) >= 8


def test_store_names_are_distinct_even_when_the_stock_of_names_runs_out():
    catalogue = build_catalogue(replace(WORLD, stores=600))
    assert len(set(catalogue.store_names)) == len(set(catalogue.store_ids)) == 600


def test_the_catalogue_is_that_of_the_world_and_has_every_category():
    catalogue = build_catalogue(WORLD)
    assert catalogue.store_names == build_catalogue(WORLD).store_names
    assert len(set(catalogue.categories)) == 8 and len(set(catalogue.tags)) >= 12
    assert 0 < catalogue.is_nv.mean() < 1 and abs(catalogue.effects.std() - 0.08) < 0.03
