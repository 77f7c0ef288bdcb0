"""Peak memory from events to sequences, at 1 and at 10 million generated events, with DuckDB limited to 1 GB.

Each size runs in a process of its own, whose peak resident memory the system reports. All users enter the sequences, so
that nothing is spared by sampling. `python -m attribution_dagster_tests.bench.bench_memory EVENTS [LIMIT]` shows one size, stage by stage, with
another limit for DuckDB where one is given, such as 8GB.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from attribution_dagster.core.sequences.builder import build_sequences
from attribution_dagster.core.sequences.risk_set import draw_risk_set
from attribution_dagster.datasets.parameters import parameters
from attribution_dagster.datasets.profile import Profile
from attribution_dagster.datasets.registry import load_profile
from attribution_dagster.datasets.windows import windows
from attribution_dagster.warehouse.duckdb import DuckDBWarehouse
from attribution_dagster.warehouse.queries import load_query
from attribution_dagster.warehouse.source import open_source
from attribution_dagster_tests.bench.measuring import peak_memory_mb, row

SIZES = (1_000_000, 10_000_000)
MEMORY_LIMIT, CEILING_GB = "1GB", 2.5
EVENTS_PER_SESSION, BLOCK_SESSIONS = 20, 20_000
STAGES = (
    ("staging/stg_events", "stg_events"),
    ("sessions/session_events", "session_events"),
    ("sessions/sessions", "sessions"),
    ("sessions/session_funnels", "session_funnels"),
    ("sessions/sampled_users", "sampled_users"),
)
TYPES = np.array(["item_view", "card_click", "search", "store_page_load", "action_add_item", "order_placed"])
SHARES = np.array([0.4, 0.25, 0.2, 0.11, 0.035, 0.005])


def run(sizes: tuple[int, ...] = SIZES) -> list[dict]:
    """Peak memory and seconds of each size."""
    rows: list[dict] = []
    for size in sizes:
        command = [sys.executable, "-m", "attribution_dagster_tests.bench.bench_memory", str(size)]
        measured = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        name = f"memory: events to sequences, {size / 1e6:g} M events"
        rows += [row(f"{name}, peak", measured["peak_gb"], "GB"), row(f"{name}, time", measured["seconds"], "s")]
    return rows


def measure(events: int, memory_limit: str = MEMORY_LIMIT) -> dict[str, Any]:
    """Peak resident GB, seconds and CPU seconds of this process, from the raw file to the sequences of one window; and after each stage."""
    stages: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "events.parquet"
        generate(path, events)
        began, worked = time.perf_counter(), time.process_time()
        for stage in events_to_sequences(path, folder, memory_limit):
            stages[stage] = {
                "peak_gb": round(peak_memory_mb() / 1000, 2),
                "seconds": round(time.perf_counter() - began, 1),
                "cpu_seconds": round(time.process_time() - worked, 1),
            }
    return {"events": events, **stages["sequences"], "stages": stages}


def one_window() -> Profile:
    """The simulated marketplace with one window, of which all users are sampled."""
    profile = load_profile("marketplace")
    spec = {**profile.windows.model_dump(), "end": "2025-01-13", "look_back": 1}
    return profile.model_copy(
        update={
            "windows": type(profile.windows).model_validate(spec),
            "sampling": profile.sampling.model_copy(update={"users": 10**9}),
        }
    )


def events_to_sequences(path: Path, folder: Path, memory_limit: str = MEMORY_LIMIT) -> Iterator[str]:
    """Yields each stage when it is done. All events lie in one window: nothing is spared by cutting time into small pieces either."""
    profile = one_window()
    [window] = windows(profile)
    more = {"observation_end": window.end + timedelta(days=1), "funnel_rule": "drop", "cut": "risk_set", "landmark": 0}
    with DuckDBWarehouse(root=folder / "warehouse", profile=profile, memory_limit=memory_limit, threads=2) as warehouse:
        warehouse.attach_source(open_source(profile, path))
        for name, table in STAGES:
            query = load_query(name)
            warehouse.build(table, window.key, "1", query, parameters(profile, window, query.parameters, more))
            yield table
        query = load_query("features/risk_set_candidates")
        drawn = draw_risk_set(
            warehouse.fetch(query, parameters(profile, window, query.parameters, more)), window_start=window.start
        )
        warehouse.load("risk_set", window.key, "1", drawn.table.to_batches())
        yield "risk_set"
        del drawn
        query = load_query("features/sequence_events")
        stream = warehouse.stream(query, parameters(profile, window, query.parameters, more))
        build_sequences(stream, profile.model.categories, profile.model.numbers, folder / "sequences")
        yield "sequences"


def generate(path: Path, events: int) -> None:
    """Random sessions of 20 events within the first window; written block by block."""
    rng, start = np.random.default_rng(0), np.datetime64(datetime(2025, 1, 6), "us")
    writer = None
    for first in range(0, events, BLOCK_SESSIONS * EVENTS_PER_SESSION):
        size = min(BLOCK_SESSIONS * EVENTS_PER_SESSION, events - first)
        session = (first + np.arange(size)) // EVENTS_PER_SESSION
        begin = np.repeat(rng.integers(0, 6 * 86_400, -(-size // EVENTS_PER_SESSION)), EVENTS_PER_SESSION)[:size]
        seconds = begin + np.arange(size) % EVENTS_PER_SESSION * 30
        store = rng.integers(0, 500, size)
        table = pa.table(
            {
                "event_id": pa.array(first + rng.permutation(size)).cast(pa.string()),
                "user_id": pa.array(session // 2).cast(pa.string()),
                "event_at": pa.array(start + seconds * np.timedelta64(1_000_000, "us")),
                "event_type": pa.array(rng.choice(TYPES, size, p=SHARES)),
                "store_id": pa.array(store).cast(pa.string()),
                "store_name": pa.array(np.char.add("Store number ", store.astype(str))),
                "primary_tag": pa.array(np.char.add("tag ", (store % 30).astype(str))),
                "primary_category": pa.array(np.char.add("category ", (store % 8).astype(str))),
            }
        )
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer:
        writer.close()


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]), *sys.argv[2:]) if len(sys.argv) > 1 else run(), indent=1))
