"""What people do in a session before anybody converts: event types along a chain, and the store each event is about."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from attribution_dagster.core.simulation.catalogue import DISCOVERY_FEATURES, FEATURE_SHARES, Catalogue
from attribution_dagster.core.simulation.world import MarketplaceWorld

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

_CELLS = 4096  # probabilities of the next event type are multiples of 1/4096, so that a draw is one look-up
HABITUAL_INTENT_SHARE = 0.4  # of sessions that follow the user's own habit
FAVOURITES, FAVOURITE_SHARE = 3, 0.35  # stores a user likes, and the share of choices that go to them


@dataclass(frozen=True, kw_only=True)
class Browsing:
    """E events outside the funnel of S sessions, session by session, as if nobody converted."""

    starts: Ints  # (S,) index of the session's first event
    session: Ints  # (E,)
    position: Ints  # (E,) 0-based within the session
    types: Codes  # (E,) code of the event type
    before: Codes  # (E,) code of the event just before, the number of types at the start of a session
    store: Ints  # (E,) the store at hand, also where the event bears none
    feature: Ints  # (E,) how that store was found, a code of DISCOVERY_FEATURES
    intent: Ints  # (S,) the hidden intent of each session


def browse(world: MarketplaceWorld, catalogue: Catalogue, user: Ints, rng: np.random.Generator) -> Browsing:
    """Return what happens in S sessions; `user`, shape (S,), is the number of the user within the block."""
    wished = draw_lengths(world, user.size, rng)
    intent = draw_intents(world, user, rng)
    times = np.array([each.length_times for each in world.intents])[intent]
    lengths = np.clip(np.ceil(wished * times), 1, world.length_max_events).astype(np.int64)
    ends = np.cumsum(lengths)
    starts = ends - lengths
    session = np.repeat(np.arange(user.size), lengths)
    position = np.arange(session.size) - starts[session]
    types = _walk(world, intent, lengths, starts, rng)
    before = np.roll(types, 1)
    before[starts] = len(world.event_types)
    store, feature = _stores_at_hand(world, catalogue, user, session, types, before, rng)
    return Browsing(
        starts=starts,
        session=session,
        position=position,
        types=types,
        before=before,
        store=store,
        feature=feature,
        intent=intent,
    )


def draw_lengths(world: MarketplaceWorld, sessions: int, rng: np.random.Generator) -> Ints:
    """Return events per session if nobody converts, shape (S,), before intents change them: lognormal, rounded up."""
    wished = world.length_median_events * np.exp(world.length_sigma * rng.standard_normal(sessions))
    return np.clip(np.ceil(wished), 1, world.length_max_events).astype(np.int64)


def draw_intents(world: MarketplaceWorld, user: Ints, rng: np.random.Generator) -> Ints:
    """Return the hidden intent of each session, shape (S,): the user's habit or a fresh draw."""
    shares = np.array([intent.share for intent in world.intents])
    habit = choose(shares, rng.random(world.block_users))
    fresh = choose(shares, rng.random(user.size))
    return np.where(rng.random(user.size) < HABITUAL_INTENT_SHARE, habit[user], fresh)


def choose(shares: Floats, uniform: Floats) -> Ints:
    """Return one index into `shares` per uniform number, drawn in proportion to the shares."""
    edges = np.cumsum(shares) / np.sum(shares)
    return np.minimum(np.searchsorted(edges, uniform, side="right"), len(shares) - 1)


def transition_probabilities(world: MarketplaceWorld) -> Floats:
    """Return P(next type | intent, type before), shape (K, T + 1, T); row T is the first event of a session."""
    code = {event.name: index for index, event in enumerate(world.event_types)}
    types = len(code)
    weight = np.tile([event.frequency for event in world.event_types], (len(world.intents), types + 1, 1))
    for index, intent in enumerate(world.intents):
        for name, tilt in intent.tilt.items():
            weight[index, :, code[name]] *= tilt
    for first, second, times in world.successors:
        weight[:, code[first], code[second]] *= times
    probabilities: Floats = weight / weight.sum(axis=2, keepdims=True)
    return probabilities


def _walk(world: MarketplaceWorld, intent: Ints, lengths: Ints, starts: Ints, rng: np.random.Generator) -> Codes:
    """Return the event types of all sessions, shape (E,), one step of all sessions that are still open at a time."""
    table = _lookup(transition_probabilities(world))  # (K * (T + 1), cells)
    rows = len(world.event_types) + 1
    longest_first = np.argsort(-lengths, kind="stable")
    still_open = np.searchsorted(-lengths[longest_first], -np.arange(lengths.max(initial=0)))
    cell = rng.integers(0, _CELLS, int(lengths.sum()), dtype=np.uint16)
    types = np.empty(cell.size, dtype=np.uint8)
    base = intent[longest_first] * rows
    at = starts[longest_first]
    current = np.full(lengths.size, rows - 1, dtype=np.uint8)
    for step, count in enumerate(still_open):
        here = at[:count] + step
        current = table[base[:count] + current[:count], cell[here]]
        types[here] = current
    return types


def _lookup(probabilities: Floats) -> Codes:
    """Return the inverse distribution functions on a grid, shape (rows, cells): the cell's midpoint decides."""
    edges = np.cumsum(probabilities.reshape(-1, probabilities.shape[-1]), axis=1)
    middle = (np.arange(_CELLS) + 0.5) / _CELLS
    return np.stack([np.searchsorted(row, middle) for row in edges]).clip(max=edges.shape[1] - 1).astype(np.uint8)


def _stores_at_hand(
    world: MarketplaceWorld, catalogue: Catalogue, user: Ints, session: Ints, types: Codes, before: Codes,
    rng: np.random.Generator,
) -> tuple[Ints, Ints]:  # fmt: skip
    """Return the store of each event and how it was found, both (E,); a session begins with a store of its own."""
    turns = rng.random(types.size) < _turn_rates(world)[before, types]
    turns |= before == len(world.event_types)
    visit = np.cumsum(turns) - 1  # (E,) which choice of a store holds at this event
    where = np.flatnonzero(turns)
    liked = choose(catalogue.popularity, rng.random(world.block_users * FAVOURITES)).reshape(-1, FAVOURITES)
    favourite = liked[user[session[where]], rng.integers(0, FAVOURITES, where.size)]
    popular = choose(catalogue.popularity, rng.random(where.size))
    store = np.where(rng.random(where.size) < FAVOURITE_SHARE, favourite, popular)
    feature = choose(np.array(FEATURE_SHARES), rng.random(where.size))
    names = [event.name for event in world.event_types]
    if "search" in names:
        feature[before[where] == names.index("search")] = len(DISCOVERY_FEATURES) - 1
    return store[visit], feature[visit]


def _turn_rates(world: MarketplaceWorld) -> Floats:
    """Return the chance that an event turns to another store, by type before and type, shape (T + 1, T)."""
    names = [event.name for event in world.event_types]
    rates = np.tile([event.new_store_rate for event in world.event_types], (len(names) + 1, 1))
    pair = world.interaction
    rates[names.index(pair.first), names.index(pair.second)] = pair.other_store_rate
    return rates
