"""One block of users from first visit to last event: what they do, what it is about, when, and what it was worth."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from attribution_dagster.core.simulation.behaviour import Browsing, Floats, Ints, browse
from attribution_dagster.core.simulation.catalogue import Catalogue
from attribution_dagster.core.simulation.event_types import ADD, CONVERSION, REMOVE
from attribution_dagster.core.simulation.funnel import NOT_INSERTED, Stream, with_funnel
from attribution_dagster.core.simulation.hazard import Truth, first_hits, plant, planted_effects
from attribution_dagster.core.simulation.schedule import MS_PER_WEEK, Visits, draw_visits, place_visits
from attribution_dagster.core.simulation.world import MarketplaceWorld

FUNNEL_DWELL_S = 8.0  # median time after a funnel event
DWELL_SIGMA = 0.9  # of the lognormal time until the next event
SHORTEST_GAP_MS = 200
LONGEST_GAP_SHARE = 0.9  # of the inactivity timeout: no gap within a session comes closer to it


@dataclass(frozen=True, kw_only=True)
class Block:
    """F events of one block of users, by user, device and time. Codes index the world's and the catalogue's tuples."""

    user: Ints  # (F,) number of the user within the block
    device: Ints  # (F,) 0 or 1
    session: Ints  # (F,) 1-based number of the session of that user and device
    at_ms: Ints  # (F,) since the start of the simulation, strictly increasing within a user and device
    types: Ints  # (F,) code into `world.event_names`
    store: Ints  # (F,) -1 where the event bears none
    feature: Ints  # (F,) -1 where there is no store
    product: Ints  # (F,) -1 where the event bears none
    position: Ints  # (F,) 1-based rank among events outside the funnel, 0 for funnel and conversion events
    planted_effect: Floats  # (F,) logits; 0 for funnel events, NaN from the conversion on
    next_bonus: Floats  # (F,) the part of `planted_effect` that rests on the next event outside the funnel
    oracle_logit: Floats  # (F,) hazard after the visible prefix that ends here, NaN from the conversion on

    def keep(self, rows: npt.NDArray[np.bool_]) -> "Block":
        """Return the events where `rows`, shape (F,), is true."""
        return Block(**{name: column[rows] for name, column in vars(self).items()})


def simulate_block(
    world: MarketplaceWorld, catalogue: Catalogue, *, weeks: int, weekday: int, rng: np.random.Generator
) -> Block:
    """Return all events of one block of `world.block_users` users over `weeks` weeks that begin on `weekday`.

    Events past the last week are cut off as an extract would do, so the last sessions may be incomplete.
    """
    visits = draw_visits(world, weeks, weekday, rng)
    events = browse(world, catalogue, visits.user, rng)
    truth = plant(world, catalogue, events)
    converted_at = first_hits(truth, events, rng.random(events.types.size))
    stream = with_funnel(world, events, converted_at, rng)
    is_own = stream.inserted == NOT_INSERTED
    types = np.where(is_own, events.types[stream.source], stream.inserted)
    session = events.session[stream.source]
    at_ms = _times(world, visits, types, session, rng)
    store, feature, product = _about(world, events, stream, types, rng)
    effect, next_bonus, logit = _worth(world, events, stream, truth, converted_at)
    block = Block(
        user=visits.user[session],
        device=visits.device[session],
        session=_numbered(visits)[session],
        at_ms=at_ms,
        types=types,
        store=store,
        feature=feature,
        product=product,
        position=np.where(is_own, events.position[stream.source] + 1, 0),
        planted_effect=effect,
        next_bonus=next_bonus,
        oracle_logit=logit,
    )
    return block.keep(at_ms < weeks * MS_PER_WEEK)


def _times(world: MarketplaceWorld, visits: Visits, types: Ints, session: Ints, rng: np.random.Generator) -> Ints:
    """Return the time of each event in milliseconds, shape (F,): lognormal dwell after each, short of the timeout."""
    dwell_s = np.full(len(world.event_names), FUNNEL_DWELL_S)
    dwell_s[: len(world.event_types)] = [event.dwell_s for event in world.event_types]
    wished = 1000 * dwell_s[types] * np.exp(DWELL_SIGMA * rng.standard_normal(types.size, dtype=np.float32))
    longest = LONGEST_GAP_SHARE * world.inactivity_minutes * 60_000
    dwell = np.clip(wished, SHORTEST_GAP_MS, longest).astype(np.int64)
    elapsed = np.cumsum(dwell) - dwell
    first = np.flatnonzero(np.diff(session, prepend=-1))
    last = np.append(first, types.size)[1:] - 1
    start = place_visits(visits, elapsed[last] - elapsed[first])
    at_ms: Ints = elapsed + (start - elapsed[first])[session]
    return at_ms


def _numbered(visits: Visits) -> Ints:
    """Return the 1-based number of each visit of its user and device, shape (S,)."""
    first = np.flatnonzero(visits.is_first)
    order = np.arange(visits.user.size)
    number: Ints = order - first[np.cumsum(visits.is_first) - 1] + 1
    return number


def _about(
    world: MarketplaceWorld, events: Browsing, stream: Stream, types: Ints, rng: np.random.Generator
) -> tuple[Ints, Ints, Ints]:
    """Return store, feature and product of each event; funnel events share those of the event they follow."""
    kinds = world.event_types
    in_funnel = world.event_names[len(kinds) :]
    bears_store = np.array([event.bears_store for event in kinds] + [True for _ in in_funnel])
    with_product = (ADD, REMOVE, CONVERSION)
    bears_product = np.array([event.bears_product for event in kinds] + [name in with_product for name in in_funnel])
    on_sale = np.array([event.only_on_sale for event in kinds])[events.types]
    lowest = np.where(on_sale, world.products_per_store - world.sale_products, 0)
    shelf = lowest + (rng.random(on_sale.size) * (world.products_per_store - lowest)).astype(np.int64)
    product = events.store * world.products_per_store + shelf
    has_store, has_product = bears_store[types], bears_product[types]
    return (
        np.where(has_store, events.store[stream.source], -1),
        np.where(has_store, events.feature[stream.source], -1),
        np.where(has_product, product[stream.source], -1),
    )


def _worth(
    world: MarketplaceWorld, events: Browsing, stream: Stream, truth: Truth, converted_at: Ints
) -> tuple[Floats, Floats, Floats]:
    """Return planted effect, its part from the next event, and hazard of each event of the stream, as in `Block`."""
    source = stream.source
    is_own = stream.inserted == NOT_INSERTED
    effect, next_bonus = planted_effects(truth, events, converted_at)
    is_over = events.position[source] > converted_at[events.session[source]]
    is_over |= stream.inserted == world.event_names.index(CONVERSION)
    return (
        np.where(is_over, np.nan, np.where(is_own, effect[source], 0.0)),
        np.where(is_own & ~is_over, next_bonus[source], 0.0),
        np.where(is_over, np.nan, truth.logit[source]),
    )
