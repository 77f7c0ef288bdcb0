"""The planted truth at work: the value of each event, the hazard of converting, who converts, and what an event did."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from attribution_dagster.core.simulation.behaviour import Browsing, Floats, Ints
from attribution_dagster.core.simulation.catalogue import Catalogue
from attribution_dagster.core.simulation.event_types import Interaction
from attribution_dagster.core.simulation.world import MarketplaceWorld

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What each of E events is worth, in logits. Holds for the visible prefix: nothing here knows what comes later."""

    value: Floats  # (E,) all that this event adds, the bonus of a pair that it completes included
    bonus: Floats  # (E,) the part of `value` that needs the event just before
    logit: Floats  # (E,) hazard at this event: intercept plus all values up to and including this one


def plant(
    world: MarketplaceWorld, catalogue: Catalogue, events: Browsing, further: Sequence[Interaction] = ()
) -> Truth:
    """Return the truth of every event, by the formula in the docstring of `world`, with `further` interactions."""
    names = [event.name for event in world.event_types]
    effect = np.array([event.effect_logits for event in world.event_types])
    bears_store = np.array([event.bears_store for event in world.event_types])
    weight = world.position_weights()[events.position]
    own = effect[events.types] + np.where(bears_store[events.types], catalogue.effects[events.store], 0.0)
    same_store = events.store == np.roll(events.store, 1)
    bonus = np.zeros(events.types.size)
    for pair in (world.interaction, *further):
        completes = (events.types == names.index(pair.second)) & (events.before == names.index(pair.first))
        bonus += pair.bonus_logits * weight * (completes & same_store)
    value = own * weight + bonus
    running = np.cumsum(value)
    before_session = (running - value)[events.starts]
    logit = world.hazard_intercept_logits + running - before_session[events.session]
    return Truth(value=value, bonus=bonus, logit=logit)


def first_hits(truth: Truth, events: Browsing, uniform: Floats) -> Ints:
    """Return the 0-based position at which each session converts, shape (S,); past any position if it never does."""
    never = np.iinfo(np.int64).max
    hit = uniform < 1 / (1 + np.exp(-truth.logit))
    return np.minimum.reduceat(np.where(hit, events.position, never), events.starts)


def planted_effects(truth: Truth, events: Browsing, converted_at: Ints) -> tuple[Floats, Floats]:
    """Return the planted effect of each occurrence and the part of it that rests on the next event, both (E,).

    The effect is the change in log-odds when this occurrence is deleted and all others keep their places. Events after
    the conversion have none (NaN), and the next event counts only if it is still before the conversion.
    """
    last_visible = converted_at[events.session]
    next_bonus = np.roll(truth.bonus, -1)
    next_bonus[-1:] = 0.0
    next_bonus[events.position >= last_visible] = 0.0
    effect = np.where(events.position <= last_visible, truth.value + next_bonus, np.nan)
    return effect, next_bonus
