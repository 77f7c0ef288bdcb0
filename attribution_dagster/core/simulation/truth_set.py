"""Sessions of a world as a sequence set, with the planted effect of every occurrence beside them; nothing on disk.

The planted effect is the change in the log-odds of converting, at the end of what is visible, when one occurrence is
deleted and every other keeps its place. It is a closed form (`hazard.planted_effects`); a test deletes occurrences and
computes the hazard path anew, and finds the same.
"""

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from attribution_dagster.core.sequences.risk_set import draw_risk_set
from attribution_dagster.core.sequences.sequence_set import SequenceSet
from attribution_dagster.core.simulation.behaviour import Browsing, Floats, Ints, browse
from attribution_dagster.core.simulation.block import DWELL_SIGMA
from attribution_dagster.core.simulation.catalogue import Catalogue, build_catalogue
from attribution_dagster.core.simulation.hazard import Truth, first_hits, plant, planted_effects
from attribution_dagster.core.simulation.truth_worlds import TruthWorld
from attribution_dagster.core.simulation.world import MarketplaceWorld

CONTROLS_PER_CASE = 3
SESSIONS_PER_USER = 5
CANDIDATES_PER_SESSION = 2.5  # sessions simulated per session wanted, so that there are cases enough
MAX_SESSIONS = 20_000
_US_PER_WEEK = 7 * 24 * 3600 * 1_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class TruthSet:
    """S sessions with E visible events and their truth.

    planted: (E,) logits; oracle: (S,) the hazard's logit at the end of what is visible, hidden intent included.
    """

    sequences: SequenceSet
    planted: Floats
    oracle: Floats

    def select(self, sessions: Ints) -> "TruthSet":
        """Return the sessions of an index array, in its order."""
        offsets = self.sequences.offsets
        events = [np.arange(offsets[row], offsets[row + 1]) for row in sessions]
        return TruthSet(
            sequences=self.sequences.select(sessions),
            planted=self.planted[np.concatenate([np.zeros(0, np.int64), *events])],
            oracle=self.oracle[sessions],
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Lived:
    """What people did and what it was worth, as if nobody stopped at a conversion. converted_at: (S,) 0-based."""

    user: Ints
    events: Browsing
    truth: Truth
    converted_at: Ints


def simulate_truth(world: TruthWorld, *, sessions: int, seed: int, later: bool = False) -> TruthSet:
    """Return about `sessions` sessions, a quarter of them converted, each with its visible events only.

    `later=True` draws other users, in the weeks that are explained. Fewer sessions come back where too few converted.
    Raises ValueError outside 40 to 20,000 sessions.
    """
    if not 40 <= sessions <= MAX_SESSIONS:
        raise ValueError(f"sessions={sessions} is not within 40 to {MAX_SESSIONS}")
    stream = np.random.SeedSequence(seed, spawn_key=(int(later),))
    rng = np.random.Generator(np.random.SFC64(stream))
    users = int(np.ceil(sessions * CANDIDATES_PER_SESSION / SESSIONS_PER_USER))
    marketplace = world.later if later and world.later is not None else world.marketplace
    marketplace = replace(marketplace, block_users=users)
    catalogue = build_catalogue(marketplace)
    lived = live(world, marketplace, catalogue, np.repeat(np.arange(users), SESSIONS_PER_USER), rng)
    chosen, cut = _compared(world, lived, sessions // (1 + CONTROLS_PER_CASE), seed)
    return _truth_set(marketplace, catalogue, lived, chosen, cut, later, rng)


def live(
    world: TruthWorld, marketplace: MarketplaceWorld, catalogue: Catalogue, user: Ints, rng: np.random.Generator
) -> Lived:
    """Return what the users, (S,) one per session, do in `marketplace`, and at which event each session converts."""
    events = browse(marketplace, catalogue, user, rng)
    truth = plant(marketplace, catalogue, events, world.interactions)
    eager = np.array([world.intent_logits.get(intent.name, 0.0) for intent in marketplace.intents])
    truth = replace(truth, logit=truth.logit + eager[events.intent][events.session])
    return Lived(
        user=user, events=events, truth=truth, converted_at=first_hits(truth, events, rng.random(events.types.size))
    )


def _compared(world: TruthWorld, lived: Lived, cases: int, seed: int) -> tuple[Ints, Ints]:
    """Return the sessions that are compared and after how many events each is cut."""
    whole = np.bincount(lived.events.session, minlength=len(lived.user))
    label = lived.converted_at < whole
    length = np.where(label, lived.converted_at + 1, whole)
    surplus = label & (np.cumsum(label) > cases)
    rows = np.flatnonzero(~surplus)
    if world.cut == "none":
        wanted = CONTROLS_PER_CASE * int(label[rows].sum())
        rows = rows[label[rows] | (np.cumsum(~label[rows]) <= wanted)]
        return rows, length[rows]
    names = [f"{row:08d}" for row in rows]
    candidates = {"session_id": names, "user_id": names, "label": label[rows].astype(int), "n_no_funnel": length[rows]}
    risk_set = draw_risk_set(
        pa.table(candidates), window_start=datetime(2025, 1, 6), controls_per_case=CONTROLS_PER_CASE, seed=seed
    ).table
    matched = risk_set.filter(risk_set["in_risk_set"])
    return matched["session_id"].to_numpy().astype(np.int64), matched["cut_at"].to_numpy()


def _truth_set(
    marketplace: MarketplaceWorld,
    catalogue: Catalogue,
    lived: Lived,
    chosen: Ints,
    cut: Ints,
    later: bool,
    rng: np.random.Generator,
) -> TruthSet:
    events, truth = lived.events, lived.truth
    last_visible = np.full(len(lived.user), -1)
    last_visible[chosen] = cut - 1
    effect, _ = planted_effects(truth, events, last_visible)
    offsets = np.concatenate([[0], np.cumsum(cut)])
    source = np.repeat(events.starts[chosen] - offsets[:-1], cut) + np.arange(offsets[-1])
    rank = events.position[source] + 1
    dwell = np.array([event.dwell_s for event in marketplace.event_types])[events.types]
    dwell = dwell * np.exp(DWELL_SIGMA * rng.standard_normal(dwell.size))
    gap = np.where(rank == 1, 0.0, np.roll(dwell, 1)[source])
    visit = chosen % SESSIONS_PER_USER
    started = visit * _US_PER_WEEK + lived.user[chosen] * 1_000_000
    bears_store = np.array([event.bears_store for event in marketplace.event_types])[events.types]
    when = "later" if later else "earlier"
    return TruthSet(
        sequences=SequenceSet(
            offsets=offsets,
            codes={
                "event_type": events.types[source].astype(np.int32),
                "store_id": np.where(bears_store, events.store, -1)[source].astype(np.int32),
            },
            dictionaries={
                "event_type": [event.name for event in marketplace.event_types],
                "store_id": list(catalogue.store_ids),
            },
            numbers={"event_rank": rank.astype(np.float32), "time_delta": gap.astype(np.float32)},
            event_at_us=np.repeat(started, cut) + _elapsed_us(gap, offsets),
            session_id=pa.array([f"{when}-{row:07d}" for row in chosen]),
            user_id=pa.array([f"{when}-{user:06d}" for user in lived.user[chosen]]),
            label=(cut == lived.converted_at[chosen] + 1).astype(np.int8),
            in_risk_set=np.ones(len(chosen), dtype=np.bool_),
            started_at_us=started,
        ),
        planted=effect[source],
        oracle=truth.logit[events.starts[chosen] + cut - 1],
    )


def _elapsed_us(gap: Floats, offsets: Ints) -> npt.NDArray[np.int64]:
    """Return the time since the start of its session of each event, (E,)."""
    running = np.cumsum(gap)
    elapsed = running - np.repeat(running[offsets[:-1]], np.diff(offsets))
    return (elapsed * 1e6).astype(np.int64)
