"""How fast the simulated marketplace is written: events per second to disk, and peak memory at two sizes.

python -m attribution_dagster_tests.bench.bench_simulator
"""

import datetime
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from attribution_dagster.core.simulation import simulate_marketplace

START = datetime.date(2025, 1, 6)
SMALL_USERS, LARGE_USERS = 4_000, 16_000


def run() -> list[dict[str, Any]]:
    """Rows of name, value, unit, ratio_of, baseline. Memory is measured in fresh processes, one per size."""
    (_, small_mb), (events_per_s, large_mb) = (_measure(users) for users in (SMALL_USERS, LARGE_USERS))
    return [
        _row("simulator", events_per_s, "events/s", "target of 500,000 events/s", 500_000),
        _row("simulator peak memory", large_mb, "MB", f"peak memory at {SMALL_USERS:,} users", small_mb),
    ]


def _row(name: str, value: float, unit: str, ratio_of: str, baseline: float) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "ratio_of": ratio_of, "baseline": baseline}


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
    print(summary.events / seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _simulate(int(sys.argv[1]))
    else:
        for row in run():
            ratio = f"{row['value'] / row['baseline']:.2f} x {row['ratio_of']}"
            print(f"{row['name']}: {row['value']:,.0f} {row['unit']} ({ratio})")
