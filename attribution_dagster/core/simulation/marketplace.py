"""Write a simulated marketplace to disk: raw events as a warehouse would hold them, and beside them the planted truth.

    out/GENERATED.txt                     says that nothing here is real
    out/events/part-00000.parquet …       one file per block of users
    out/truth/world.json                  every number of the world, and users, weeks, start and seed
    out/truth/event_types.csv             planted effect per type, and its mean over the occurrences made
    out/truth/positions.csv               weight of each position
    out/truth/stores.csv                  planted effect per store
    out/truth/occurrences/part-00000.parquet …   per event: planted effect, hazard of the prefix that ends there

Memory is bounded by one block of users. A block depends on the world, the seed, the weeks and its own number only, so
that the first users are the same however many are asked for, and one seed gives identical bytes with the same versions
of numpy and pyarrow.
"""

import datetime
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from attribution_dagster.core.simulation.block import Block, simulate_block
from attribution_dagster.core.simulation.catalogue import Catalogue, build_catalogue
from attribution_dagster.core.simulation.event_types import CONVERSION, FUNNEL
from attribution_dagster.core.simulation.folder import generated_folder
from attribution_dagster.core.simulation.tables import block_tables
from attribution_dagster.core.simulation.world import MarketplaceWorld

Progress = Callable[[str, float], None]
LABEL = "Simulated marketplace with planted truth, made by attribution_dagster. No real person or store is in it."
MAX_WEEKS = 104


@dataclass(frozen=True, kw_only=True)
class SimulationSummary:
    """What was written: counts, and the rates that a person would look at first."""

    folder: Path
    users: int
    active_users: int
    sessions: int
    converted_sessions: int
    events: int
    browsing_events: int
    parts: int

    @property
    def conversion_rate(self) -> float:
        """Share of sessions that convert."""
        return self.converted_sessions / self.sessions if self.sessions else 0.0

    @property
    def browsing_events_per_session(self) -> float:
        """Mean number of events outside the funnel per session."""
        return self.browsing_events / self.sessions if self.sessions else 0.0


class _Tally:
    """Counts over the blocks written so far; size does not depend on the number of events."""

    def __init__(self, world: MarketplaceWorld) -> None:
        self.events = np.zeros(len(world.event_names), dtype=np.int64)  # by type
        self.valued = np.zeros(len(world.event_names), dtype=np.int64)  # of those, the ones with a planted effect
        self.effect = np.zeros(len(world.event_names))
        self.active_users = self.sessions = 0

    def add(self, block: Block) -> None:
        types = len(self.events)
        is_valued = ~np.isnan(block.planted_effect)
        self.events += np.bincount(block.types, minlength=types)
        self.valued += np.bincount(block.types[is_valued], minlength=types)
        self.effect += np.bincount(block.types[is_valued], block.planted_effect[is_valued], minlength=types)
        person = 2 * block.user + block.device
        new_session = (np.diff(person, prepend=-1) != 0) | (np.diff(block.session, prepend=-1) != 0)
        self.sessions += int(new_session.sum())
        self.active_users += int(np.count_nonzero(np.diff(block.user, prepend=-1)))


def simulate_marketplace(
    out: Path,
    *,
    users: int,
    weeks: int,
    start: datetime.date,
    seed: int,
    world: MarketplaceWorld | None = None,
    progress: Progress | None = None,
) -> SimulationSummary:
    """Return what was written to the folder `out`: events and truth of `users` people over `weeks` weeks from `start`.

    `world=None` is the documented default world. `out` appears complete or not at all; an earlier simulation there is
    replaced. Events at or after the end of the last week are cut off, so the last sessions may be incomplete.

    Raises:
        ValueError: an argument is out of range, or `out` holds files of somebody else's.
    """
    _refuse_nonsense(users=users, weeks=weeks, start=start, seed=seed)
    world = world or MarketplaceWorld()
    catalogue = build_catalogue(world)
    tally = _Tally(world)
    with generated_folder(out, LABEL) as folder:
        (folder / "events").mkdir()
        (folder / "truth" / "occurrences").mkdir(parents=True)
        blocks = simulated_blocks(world, catalogue, users=users, weeks=weeks, start=start, seed=seed)
        for number, block in enumerate(blocks):
            events, occurrences = block_tables(world, catalogue, block, number=number, start=start)
            part = f"part-{number:05d}.parquet"
            _write_parquet(events, folder / "events" / part)
            _write_parquet(occurrences, folder / "truth" / "occurrences" / part)
            tally.add(block)
            done = min(users, (number + 1) * world.block_users)
            if progress:
                progress(f"simulated {done:,} of {users:,} users", done / users)
        arguments = {"users": users, "weeks": weeks, "start": start.isoformat(), "seed": seed}
        _write_truth(folder / "truth", world, catalogue, tally, arguments)
    return _summary(out, users, world, tally)


def simulated_blocks(
    world: MarketplaceWorld, catalogue: Catalogue, *, users: int, weeks: int, start: datetime.date, seed: int
) -> Iterator[Block]:
    """Yield block after block of the first `users` users; each has its own random stream, keyed by seed and number."""
    for number in range(-(-users // world.block_users)):
        stream = np.random.SeedSequence(seed, spawn_key=(number,))
        block = simulate_block(
            world, catalogue, weeks=weeks, weekday=start.weekday(), rng=np.random.Generator(np.random.SFC64(stream))
        )
        asked = users - number * world.block_users
        yield block if asked >= world.block_users else block.keep(block.user < asked)


def _refuse_nonsense(*, users: int, weeks: int, start: datetime.date, seed: int) -> None:
    if users < 1:
        raise ValueError(f"users={users} must be at least 1")
    if not 1 <= weeks <= MAX_WEEKS:
        raise ValueError(f"weeks={weeks} must be within 1 to {MAX_WEEKS}")
    if not datetime.date(1990, 1, 1) <= start <= datetime.date(2098, 1, 1):
        raise ValueError(f"start={start} must lie within 1990 to 2097")
    if seed < 0:
        raise ValueError(f"seed={seed} must not be negative")


def _write_parquet(table: pa.Table, path: Path) -> None:
    """Write one row group. Without Arrow's own schema, readers see plain strings rather than dictionaries."""
    coded = [field.name for field in table.schema if pa.types.is_dictionary(field.type)]
    pq.write_table(
        table, path, compression="zstd", compression_level=1, use_dictionary=coded, store_schema=False,
        row_group_size=max(table.num_rows, 1),
    )  # fmt: skip


def _write_truth(
    folder: Path, world: MarketplaceWorld, catalogue: Catalogue, tally: _Tally, arguments: dict[str, object]
) -> None:
    described = {"simulated": True, **arguments, "world": asdict(world)}
    (folder / "world.json").write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")
    effect = {event.name: event.effect_logits for event in world.event_types}
    names = [name for name in world.event_names if name != CONVERSION]
    valued = tally.valued[: len(names)]
    _write_csv(folder / "event_types.csv", {
        "event_type": names,
        "effect_logits": [float(effect.get(name, 0.0)) for name in names],
        "is_null": [effect.get(name, 0.0) == 0 for name in names],
        "is_funnel": [name in FUNNEL for name in names],
        "occurrences": valued,
        "mean_effect_logits": np.round(tally.effect[: len(names)] / np.maximum(valued, 1), 6),
    })  # fmt: skip
    weights = world.position_weights()
    _write_csv(folder / "positions.csv", {"position": np.arange(1, weights.size + 1), "weight": weights})
    _write_csv(folder / "stores.csv", {
        "store_id": list(catalogue.store_ids),
        "store_name": list(catalogue.store_names),
        "primary_category": list(catalogue.categories),
        "effect_logits": catalogue.effects,
        "popularity": np.round(catalogue.popularity, 9),
    })  # fmt: skip


def _write_csv(path: Path, columns: dict[str, object]) -> None:
    pyarrow.csv.write_csv(pa.table(columns), path)


def _summary(out: Path, users: int, world: MarketplaceWorld, tally: _Tally) -> SimulationSummary:
    return SimulationSummary(
        folder=out,
        users=users,
        active_users=tally.active_users,
        sessions=tally.sessions,
        converted_sessions=int(tally.events[world.event_names.index(CONVERSION)]),
        events=int(tally.events.sum()),
        browsing_events=int(tally.events[: len(world.event_types)].sum()),
        parts=-(-users // world.block_users),
    )
