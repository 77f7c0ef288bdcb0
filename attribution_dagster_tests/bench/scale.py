"""`make bench-scale`: events to sequences on DuckDB at growing sizes, and attribution on Spark with one core and with two.

Each figure comes from a process of its own. `python -m attribution_dagster_tests.bench.scale [EVENTS …]` does the sizes named
(default 1, 10 and 50 million), and Spark where it is installed.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from attribution_dagster.core.attribution.sessions import EVENTS_PER_CHUNK
from attribution_dagster.core.attribution.streams import attribute_elsewhere
from attribution_dagster.core.models.spec import ModelSpec
from attribution_dagster.core.models.storage import model_bytes, save_model
from attribution_dagster.core.sequences.sequence_set import SequenceSet
from attribution_dagster.datasets.parameters import parameters
from attribution_dagster.datasets.windows import windows
from attribution_dagster.warehouse.queries import load_query
from attribution_dagster_tests.bench import bench_memory
from attribution_dagster_tests.models.worlds import random_model

SIZES = (1_000_000, 10_000_000, 50_000_000)
CEILING_GB, LINEAR = 2.5, 1.3
ATTRIBUTED_EVENTS, CORES = 2_000_000, (1, 2)
ATTRIBUTION = "attribution"
TABLE = "gradient_attribution_no_funnel"


def main(sizes: tuple[int, ...]) -> None:
    """Prints one JSON line per figure as soon as it is there, and what was promised of it."""
    per_event: dict[int, float] = {}
    for size in sizes:
        found = _in_a_process(str(size))
        # The processor's time, which other work on the machine does not lengthen as it does the clock's.
        per_event[size] = found["cpu_seconds"] / size
        over_linear = per_event[size] / per_event[min(per_event)]
        kept = found["peak_gb"] <= CEILING_GB and over_linear <= LINEAR
        print(json.dumps({**found, "over_linear": round(over_linear, 2), "within_bounds": kept}), flush=True)
    if find_spec("pyspark") is None or shutil.which("java") is None:
        print(
            "attribution on Spark is left out: it needs pyspark (make test-spark installs it) and Java 17", flush=True
        )
        return
    with tempfile.TemporaryDirectory() as name:
        _in_a_process("prepare", name)
        for cores in CORES:
            print(json.dumps(_in_a_process(ATTRIBUTION, name, str(cores))), flush=True)


def _in_a_process(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "attribution_dagster_tests.bench.scale", "one", *arguments]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


def prepare(folder: Path) -> dict[str, Any]:
    """Files of a warehouse with the window's sessions and risk set, and a model of full size with random weights, which cost what others do."""
    bench_memory.generate(folder / "events.parquet", ATTRIBUTED_EVENTS)
    list(bench_memory.events_to_sequences(folder / "events.parquet", folder))
    profile = bench_memory.one_window()
    spec = ModelSpec(categories=profile.model.categories, numbers=profile.model.numbers)
    save_model(random_model(SequenceSet.open(folder / "sequences"), spec), folder / "model")
    return {}


def attribution(folder: Path, cores: int) -> dict[str, Any]:
    """Events per second that Spark explains in local mode, the best of two: the first starts Python on the cores."""
    from attribution_dagster.warehouse.spark import SparkWarehouse

    profile = bench_memory.one_window()
    [window] = windows(profile)
    query = load_query("features/sequence_events")
    more = {"observation_end": window.end + timedelta(days=1), "funnel_rule": "drop", "cut": "risk_set", "landmark": 0}
    values = parameters(profile, window, query.parameters, more)
    function = partial(attribute_elsewhere, method="gradient_x_input", window_start=window.start)
    model, seconds = model_bytes(folder / "model"), []
    with SparkWarehouse(root=folder / "warehouse", profile=profile, memory_limit="2GB", threads=cores) as spark:
        for number in range(2):
            began = time.perf_counter()
            rows = spark.map_sessions(TABLE, window.key, f"{cores}-{number}", query, values, function, model, EVENTS_PER_CHUNK)  # fmt: skip
            seconds.append(time.perf_counter() - began)
    rate = round(rows / min(seconds))
    return {"attribution_cores": cores, "events": rows, "seconds": round(min(seconds), 1), "events_per_s": rate}


def _one(kind: str, *rest: str) -> dict[str, Any]:
    if kind == "prepare":
        return prepare(Path(rest[0]))
    if kind == ATTRIBUTION:
        return attribution(Path(rest[0]), int(rest[1]))
    return bench_memory.measure(int(kind))


if __name__ == "__main__":
    if sys.argv[1:2] == ["one"]:
        print(json.dumps(_one(*sys.argv[2:])))
    else:
        main(tuple(map(int, sys.argv[1:])) or SIZES)
