"""How fast the simulated marketplace is written: events per second to disk, and peak memory at two sizes.

python -m attribution_dagster_tests.bench.bench_simulator
"""

import datetime
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from attribution_dagster.core.simulation import simulate_marketplace
from attribution_dagster_tests.bench.measuring import peak_memory_mb, row

START = datetime.date(2025, 1, 6)
SMALL_USERS, LARGE_USERS = 4_000, 16_000


def run() -> list[dict]:
    """Rows of name, value, unit. Memory is measured in fresh processes, one per size."""
    (_, small_mb), (events_per_s, large_mb) = (_measure(users) for users in (SMALL_USERS, LARGE_USERS))
    return [
        row("simulator, truth included", events_per_s, "events/s"),
        row(f"simulator: peak memory, {SMALL_USERS:,} users", small_mb, "MB"),
        row(f"simulator: peak memory, {LARGE_USERS:,} users", large_mb, "MB"),
    ]


def _measure(users: int) -> tuple[float, float]:
    command = [sys.executable, "-m", __spec__.name if __spec__ else __name__, str(users)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(answer[0]), float(answer[1])


def _simulate(users: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        # A first, tiny one: what libraries load on first use is not the simulator's speed.
        simulate_marketplace(Path(folder) / "warm", users=1, weeks=1, start=START, seed=0)
        began = time.perf_counter()
        summary = simulate_marketplace(Path(folder) / "out", users=users, weeks=5, start=START, seed=0)
        seconds = time.perf_counter() - began
    print(summary.events / seconds, peak_memory_mb())


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _simulate(int(sys.argv[1]))
    else:
        for each in run():
            print(json.dumps(each))
