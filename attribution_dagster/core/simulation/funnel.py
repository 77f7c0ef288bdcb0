"""The purchase funnel: which funnel events follow which event of a session, and what happens after a conversion."""

from dataclasses import dataclass

import numpy as np

from attribution_dagster.core.simulation.behaviour import Browsing, Ints, choose
from attribution_dagster.core.simulation.event_types import CONVERSION
from attribution_dagster.core.simulation.world import MarketplaceWorld

NOT_INSERTED = -1


@dataclass(frozen=True, kw_only=True)
class Stream:
    """F events of S sessions in their order: browsing events that happened, and the funnel events put between them."""

    source: Ints  # (F,) index of the browsing event itself, or of the one that a funnel event follows
    inserted: Ints  # (F,) code of the funnel or conversion event, NOT_INSERTED for a browsing event


def with_funnel(world: MarketplaceWorld, events: Browsing, converted_at: Ints, rng: np.random.Generator) -> Stream:
    """Return what really happens once people convert (at 0-based position `converted_at`, shape (S,)) or abandon.

    A conversion is a purchase episode right after the event whose hazard struck; then the session ends or browses on.
    At every other event before it the funnel is entered and left again at the world's constant abandonment rate.
    """
    codes, lengths = _episode_table(world)
    browses_on = rng.random(converted_at.size) < world.browse_on_rate
    happens = (events.position <= converted_at[events.session]) | browses_on[events.session]
    kept = np.flatnonzero(happens)
    episode = _episodes(world, events.position[kept] - converted_at[events.session[kept]], rng)
    count = 1 + lengths[episode]
    ends = np.cumsum(count)
    rank = np.arange(int(count.sum())) - np.repeat(ends - count, count)
    return Stream(source=np.repeat(kept, count), inserted=codes[np.repeat(episode, count), rank])


def _episodes(world: MarketplaceWorld, after_conversion: Ints, rng: np.random.Generator) -> Ints:
    """Return the episode that follows each event: 0 none, then abandonments, then purchases."""
    share = np.array([episode.share for episode in world.abandonments])
    abandoned = 1 + choose(share, rng.random(after_conversion.size))
    is_abandoned = (after_conversion < 0) & (rng.random(after_conversion.size) < world.abandonment_rate)
    share = np.array([episode.share for episode in world.purchases])
    purchase = 1 + len(world.abandonments) + choose(share, rng.random(after_conversion.size))
    return np.where(after_conversion == 0, purchase, np.where(is_abandoned, abandoned, 0))


def _episode_table(world: MarketplaceWorld) -> tuple[Ints, Ints]:
    """Return the codes of each episode, shape (episodes, 1 + longest), column 0 the browsing event, and its lengths."""
    code = {name: index for index, name in enumerate(world.event_names)}
    runs: list[tuple[str, ...]] = [()]
    runs += [episode.events for episode in world.abandonments]
    runs += [(*episode.events, CONVERSION) for episode in world.purchases]
    lengths = np.array([len(run) for run in runs])
    codes = np.full((len(runs), 1 + lengths.max()), NOT_INSERTED)
    for row, run in enumerate(runs):
        codes[row, 1 : 1 + len(run)] = [code[name] for name in run]
    return codes, lengths
