"""Sessions of hostile names, of bots and of too few tokens, through the SQL into sentences and back."""

from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from attribution_dagster.core.traits.corpus import write_corpus
from attribution_dagster.core.traits.customers import CustomerTokens
from attribution_dagster.core.traits.vectors import ItemVectors
from attribution_dagster.warehouse.queries import load_query, transpile
from attribution_dagster_tests.traits.by_hand import VECTORS

EVENTS = """
CREATE TABLE sessions AS SELECT TIMESTAMP '2025-01-06' AS window_start, * FROM (VALUES
    ('good', 'u', TIMESTAMP '2025-01-07 10:00:00', FALSE), ('short', 'u', TIMESTAMP '2025-01-07 11:00:00', FALSE),
    ('blank', 'u', TIMESTAMP '2025-01-07 12:00:00', FALSE), ('bot', 'r', TIMESTAMP '2025-01-07 09:00:00', TRUE)
) AS t(session_id, user_id, started_at, is_bot);
CREATE TABLE session_events AS SELECT TIMESTAMP '2025-01-06' AS window_start, user_id, session_id, event_index, 'view' AS event_type, product_id,
    NULL::VARCHAR AS store_id, 'x' AS primary_category, started_at + INTERVAL (event_index) MINUTE AS event_at, NULL::DOUBLE AS price_usd
FROM sessions JOIN (VALUES
    ('good', 2, $one), ('good', 1, $two), ('good', 3, NULL), ('short', 1, 'p'), ('short', 2, NULL), ('blank', 1, NULL),
    ('bot', 1, 'p'), ('bot', 2, 'q'), ('bot', 3, 'p')
) AS e(session_id, event_index, product_id) USING (session_id)
"""
HOSTILE = ("a|b %7C\n'; DROP TABLE sessions; --", "=cmd|' /C calc'!A0 \u202e<script>")


@pytest.fixture()
def warehouse() -> duckdb.DuckDBPyConnection:
    database = duckdb.connect()
    first, second = EVENTS.split(";\nCREATE")
    database.execute(first)
    database.execute(f"CREATE{second}", {"one": HOSTILE[0], "two": HOSTILE[1]})
    return database


def asked_of(database: duckdb.DuckDBPyConnection, name: str) -> pa.Table:
    query = load_query(f"traits/{name}")
    monday, next_monday = (pa.scalar(f"2025-01-{day}").cast(pa.timestamp("us")).as_py() for day in ("06", "13"))
    values = {
        "window_start": monday,
        "since": monday,
        "until": next_monday,
        "snapshot_at": next_monday,
        "item_column": "product_id",
        "half_life_us": 1e12,
    }
    return database.sql(
        transpile(query, "duckdb"), params={n: v for n, v in values.items() if n in query.parameters}
    ).to_arrow_table()


def test_bots_and_sessions_of_one_token_or_none_are_left_out_and_counted(warehouse: duckdb.DuckDBPyConnection) -> None:
    (counted,) = asked_of(warehouse, "token_counts").to_pylist()
    assert counted == {
        "all_sessions": 4, "bot_sessions": 1, "sessions_without_item": 1, "sessions_of_one_token": 1, "sentences": 1, "tokens": 2,
        "events_without_item": 3,
    }  # fmt: skip
    sentences = asked_of(warehouse, "session_tokens")
    assert sentences["session_id"].to_pylist() == ["good", "good"] and sentences.num_rows == counted["tokens"]
    assert set(asked_of(warehouse, "customer_tokens")["user_id"].to_pylist()) == {"u"}


def test_hostile_names_are_one_word_each_in_the_order_of_the_session(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    corpus = write_corpus(asked_of(warehouse, "session_tokens").to_batches(), tmp_path / "c.txt")
    assert corpus.items == [HOSTILE[1], HOSTILE[0]] and corpus.path.read_text() == "0 1\n"
    read = CustomerTokens.from_table(asked_of(warehouse, "customer_tokens"))
    vectors = replace(
        VECTORS,
        actions=("view", "view"),
        items=HOSTILE,
        categories=("x", None),
        counts=np.array([2, 1]),
        vectors=np.eye(2, dtype=np.float32),
    )
    vectors.save(tmp_path / "v")
    again = ItemVectors.load(tmp_path / "v")
    assert (
        again.items == HOSTILE
        and np.array_equal(again.vectors, vectors.vectors)
        and len((tmp_path / "v" / "vectors.txt").read_text().splitlines()) == 3
    )
    assert set(HOSTILE) <= set(read.items)
