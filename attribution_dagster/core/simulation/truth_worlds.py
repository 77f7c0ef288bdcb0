"""Worlds of rising difficulty, on which methods of attribution are compared with planted truth.

Each is the simulated marketplace with something taken away or made harder. To add one: an entry in `WORLDS`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from attribution_dagster.core.simulation.event_types import (
    EVENT_TYPES,
    INTENTS,
    INTERACTION,
    EventType,
    Intent,
    Interaction,
)
from attribution_dagster.core.simulation.world import MarketplaceWorld


@dataclass(frozen=True, kw_only=True)
class TruthWorld:
    """A marketplace, and what makes attribution hard in it.

    interactions: pairs beside the marketplace's own. intent_logits: what a hidden intent itself adds to the hazard.
    later: the marketplace of the weeks that are explained, where it is not that of the weeks trained on. cut: `matched`
    compares sessions of the same length; `none` leaves converted sessions short and the others whole.
    """

    lesson: str
    marketplace: MarketplaceWorld
    interactions: tuple[Interaction, ...] = ()
    intent_logits: Mapping[str, float] = field(default_factory=dict)
    later: MarketplaceWorld | None = None
    cut: Literal["matched", "none"] = "matched"
    is_additive: bool = False

    def __post_init__(self) -> None:
        """Refuse intents and event types that the marketplace does not have, and weeks that value events otherwise."""
        if self.cut not in ("matched", "none"):
            raise ValueError(f"cut={self.cut!r} is neither 'matched' nor 'none'")
        intents = {intent.name for intent in self.marketplace.intents}
        if unknown := set(self.intent_logits) - intents:
            raise ValueError(f"intent_logits names {sorted(unknown)}; the intents are {sorted(intents)}")
        bears_store = {event.name for event in self.marketplace.event_types if event.bears_store}
        if unknown := {name for pair in self.interactions for name in (pair.first, pair.second)} - bears_store:
            raise ValueError(f"interactions need event types that bear a store, got {sorted(unknown)}")
        if self.later is not None and _values(self.later) != _values(self.marketplace):
            raise ValueError("later weeks may differ in what people do, not in what an event is worth")


def _values(world: MarketplaceWorld) -> tuple[object, ...]:
    worth = tuple((event.name, event.effect_logits, event.bears_store) for event in world.event_types)
    decay = (world.position_floor, world.position_scale_events, world.length_max_events)
    stores = (world.stores, world.store_effect_sd_logits, world.catalogue_seed)
    return (worth, world.interaction, *decay, *stores, [intent.name for intent in world.intents])


def _times(factors: Mapping[str, float]) -> tuple[EventType, ...]:
    """Return the default event types, some of them so many times as frequent."""
    return tuple(replace(event, frequency=event.frequency * factors.get(event.name, 1.0)) for event in EVENT_TYPES)


_NO_PAIR = replace(INTERACTION, bonus_logits=0.0)
_ANYBODY = (Intent(name="anybody", share=1.0),)
_PLAIN = MarketplaceWorld(
    successors=(),
    intents=_ANYBODY,
    interaction=_NO_PAIR,
    position_floor=1.0,
    store_effect_sd_logits=0.0,
    hazard_intercept_logits=-4.7,
)
_MARKETPLACE = MarketplaceWorld(hazard_intercept_logits=-4.7)
_STRONG_INTENTS = tuple(
    replace(intent, tilt={name: times**2 for name, times in intent.tilt.items()}) for intent in INTENTS
)
_EAGER = (
    Intent(name="browsing", share=0.75),
    Intent(name="eager", share=0.25, tilt={"banner_view": 5.0}),
)
_HURRIED = (
    Intent(name="strolling", share=0.6, length_times=1.6),
    Intent(name="hurried", share=0.4, length_times=0.4),
)
_RARE = dict.fromkeys(
    ("add_favorite", "help_open", "review_read", "delivery_fee_view", "map_view", "profile_view"), 0.1
)
_SALE = {
    "sale_flag_view": 3.0,
    "banner_view": 3.0,
    "delivery_fee_view": 2.5,
    "search": 0.5,
    "item_view": 0.5,
    "add_favorite": 0.5,
}

WORLDS: Mapping[str, TruthWorld] = {
    "additive": TruthWorld(
        lesson="each event type has one effect, wherever it stands: logistic regression on counts is the true model",
        marketplace=_PLAIN,
        is_additive=True,
    ),
    "decaying": TruthWorld(
        lesson="early events count up to ten times as much as late ones",
        marketplace=replace(_PLAIN, position_floor=0.1, position_scale_events=6.0, hazard_intercept_logits=-4.4),
    ),
    "interactions": TruthWorld(
        lesson="four pairs of neighbours at one store are worth more, or less, than the two events alone",
        marketplace=replace(_PLAIN, successors=_MARKETPLACE.successors, interaction=INTERACTION),
        interactions=(
            Interaction(first="item_view", second="review_read", bonus_logits=-0.9),
            Interaction(first="store_page_load", second="delivery_fee_view", bonus_logits=0.8),
            Interaction(first="item_view", second="add_favorite", bonus_logits=0.8),
        ),
    ),
    "hidden_intent": TruthWorld(
        lesson="the default marketplace (decay, stores, a pair), with strong hidden intents: events come in company",
        marketplace=replace(_MARKETPLACE, intents=_STRONG_INTENTS),
    ),
    "rare_events": TruthWorld(
        lesson="the default marketplace; four event types with an effect are ten times rarer, in 2 to 4 % of sessions",
        marketplace=replace(_MARKETPLACE, event_types=_times(_RARE)),
    ),
    "confounded": TruthWorld(
        lesson="a quarter of the sessions are eager to convert anyway, and are shown five times as many banners, which do nothing",
        marketplace=replace(_MARKETPLACE, intents=_EAGER, hazard_intercept_logits=-5.0),
        intent_logits={"eager": 1.0},
    ),
    "length": TruthWorld(
        lesson="people in a hurry convert more and do less, and nothing is cut: sessions that convert are shorter by a third",
        marketplace=replace(_MARKETPLACE, intents=_HURRIED, hazard_intercept_logits=-5.2),
        intent_logits={"hurried": 2.5},
        cut="none",
    ),
    "season": TruthWorld(
        lesson="trained on ordinary weeks, explained in a sale: other events, more conversions, the same effects",
        marketplace=_MARKETPLACE,
        later=replace(_MARKETPLACE, event_types=_times(_SALE), hazard_intercept_logits=-4.4),
    ),
}
