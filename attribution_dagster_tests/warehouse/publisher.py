"""A process that publishes one window over and over, for a test to kill: `python -m …publisher <folder>`."""

import itertools
import sys
from pathlib import Path

import pyarrow as pa

from attribution_dagster.warehouse.duckdb import DuckDBWarehouse
from attribution_dagster_tests.warehouse.shop import shop_profile

WINDOW = "2025-01-06"
TABLES = ("sampled_users", "risk_set")


def write(warehouse: DuckDBWarehouse, number: int) -> None:
    """Both tables with `number` in every row."""
    users = {"user_id": [str(number)] * 500, "sample_hash": ["x"] * 500, "sample_rank": [number] * 500}
    risk = {
        "session_id": ["s"] * 500, "user_id": ["u"] * 500, "label": [0] * 500, "n_no_funnel": [number] * 500,
        "cut_at": [number] * 500, "in_risk_set": [True] * 500, "matched_case": [None] * 500,
    }  # fmt: skip
    for table, columns in zip(TABLES, (users, risk), strict=True):
        started = pa.array([None] * 500, pa.timestamp("us"))
        warehouse.load(table, WINDOW, str(number), pa.table({"window_start": started, **columns}).to_batches())


def main() -> None:
    """Write and publish versions 1, 2, 3 … until killed."""
    with DuckDBWarehouse(root=Path(sys.argv[1]), profile=shop_profile(), threads=1) as warehouse:
        for number in itertools.count(1):
            write(warehouse, number)
            warehouse.publish(WINDOW, dict.fromkeys(TABLES, str(number)), {"number": number})
            print(number, flush=True)


if __name__ == "__main__":
    main()
