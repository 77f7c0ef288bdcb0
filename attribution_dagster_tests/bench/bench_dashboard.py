"""The session debugger on 10 million attribution rows: what a search and a page cost, where aggregates and paging are the database's.

python -m attribution_dagster_tests.bench.bench_dashboard [rows]
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from attribution_dagster.datasets.registry import load_profile
from attribution_dagster.resources.published_window import dashboard_query
from attribution_dagster.warehouse.ddl import table_definition
from attribution_dagster.warehouse.duckdb import DuckDBWarehouse
from attribution_dagster_tests.bench.measuring import peak_memory_mb, row

TABLE, WINDOW = "gradient_attribution_no_funnel", "2025-02-03"
ROWS, EVENTS_PER_SESSION, TYPES, BATCH_SESSIONS = 10_000_000, 20, 24, 25_000
START = np.datetime64("2025-02-03", "us")


def batches(rows: int) -> Iterator[pa.RecordBatch]:
    """Sessions of twenty events each, with every column of the table."""
    generator = np.random.default_rng(0)
    definition = table_definition(TABLE)
    for first in range(0, rows // EVENTS_PER_SESSION, BATCH_SESSIONS):
        sessions = min(BATCH_SESSIONS, rows // EVENTS_PER_SESSION - first)
        n = sessions * EVENTS_PER_SESSION
        session = np.repeat(np.arange(first, first + sessions), EVENTS_PER_SESSION)
        names = pa.array([f"u{number:08d}_d_2025-02-03_1" for number in range(first, first + sessions)])
        ids = names.take(pa.array(session - first))
        effect = generator.normal(size=n)
        made = {
            "window_start": pa.array(np.full(n, START)),
            "session_id": ids,
            "user_id": ids,
            "label": (session % 20 == 0).astype(np.int32),
            "event_position": np.tile(np.arange(EVENTS_PER_SESSION, dtype=np.int32), sessions),
            "event_type": pa.array([f"type_{number}" for number in range(TYPES)]).take(
                pa.array(generator.integers(TYPES, size=n))
            ),
            "event_at": pa.array(START + np.arange(n).astype("timedelta64[us]")),
            "n_events": np.full(n, EVENTS_PER_SESSION, np.int32),
            "in_risk_set": np.ones(n, bool),
            "is_all_zero": np.zeros(n, bool),
            "probability": np.repeat(generator.random(sessions), EVENTS_PER_SESSION),
        }
        columns = [
            made[c.name] if c.name in made else effect if c.type == "DOUBLE" else pa.nulls(n)
            for c in definition.columns
        ]
        yield pa.record_batch([pa.array(column) for column in columns], definition.schema.names).cast(definition.schema)


def run(rows: int = ROWS) -> list[dict]:
    """Return the seconds of each question, the best of three, and the process's peak memory."""
    figures = []
    with (
        tempfile.TemporaryDirectory() as folder,
        DuckDBWarehouse(root=Path(folder), profile=load_profile("marketplace")) as warehouse,
    ):
        warehouse.load(TABLE, WINDOW, "v1", batches(rows))
        warehouse.publish(WINDOW, {TABLE: "v1"}, {})
        for said, (name, parameters) in questions().items():
            query, known = dashboard_query(name, "no_funnel"), {"window_start": START.item(), **parameters}
            took = []
            for _ in range(3):
                began = time.perf_counter()
                found = warehouse.fetch(query, known, "published")
                took.append(time.perf_counter() - began)
            figures.append(
                row(f"{said}, of {rows:,} attribution rows ({found.num_rows} leave the database)", min(took), "s")
            )
    return [*figures, row("peak memory", peak_memory_mb() / 1000, "GB")]


def questions() -> dict[str, tuple[str, dict[str, object]]]:
    """What the session debugger asks: query and parameters."""
    anything = {
        "text": "",
        "lowest_label": 0,
        "highest_label": 1,
        "lowest_probability": 0.0,
        "highest_probability": 1.0,
        "event_type": "",
        "rows": 25,
        "skip": 0,
    }
    return {
        "sessions, the most likely first": ("sessions", anything),
        "the hundredth page": ("sessions", {**anything, "skip": 2475}),
        "converted sessions": ("sessions", {**anything, "lowest_label": 1}),
        "sessions between two scores": (
            "sessions",
            {**anything, "lowest_probability": 0.3, "highest_probability": 0.4},
        ),
        "sessions whose id holds a text": ("sessions", {**anything, "text": "00123"}),
        "sessions that hold an event": ("sessions", {**anything, "event_type": "type_3"}),
        "event types to choose from": ("session_event_types", {}),
        "one session": ("session_timeline", {"session_id": "u00001234_d_2025-02-03_1"}),
    }


if __name__ == "__main__":
    for figure in run(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS):
        print(f"{figure['name']:90} {figure['value']:6.2f} {figure['unit']}")
