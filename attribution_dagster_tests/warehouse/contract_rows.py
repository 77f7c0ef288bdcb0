"""Rows that the tests of the contract write, and queries that tell which of them are seen."""

from datetime import datetime

import pyarrow as pa

from attribution_dagster.warehouse.queries import parse_query

START = datetime(2025, 1, 6)
USERS = parse_query("users", "SELECT user_id, sample_rank FROM sampled_users")
BOTH = parse_query(
    "both",
    "SELECT (SELECT MIN(sample_rank) FROM sampled_users) AS a, (SELECT MAX(sample_rank) FROM sampled_users) AS b, "
    "(SELECT MIN(cut_at) FROM risk_set) AS c, (SELECT MAX(cut_at) FROM risk_set) AS d, "
    "(SELECT COUNT(*) FROM risk_set) AS n",
)


def users(*ids: str | None, rank: int = 1, start: datetime = START) -> list[pa.RecordBatch]:
    """Batches of sampled_users."""
    columns = {"window_start": pa.array([start] * len(ids), pa.timestamp("us")), "user_id": pa.array(ids, pa.string())}
    rest = {"sample_hash": pa.array(["x"] * len(ids)), "sample_rank": pa.array([rank] * len(ids))}
    return pa.table(columns | rest).to_batches()
