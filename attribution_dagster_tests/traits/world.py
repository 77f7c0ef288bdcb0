"""A simulated world of shoppers in memory, read by the very SQL of the pipeline, and its planted truth."""

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from attribution_dagster.core.simulation.shoppers import DrawnShoppers, ShoppersWorld, draw_shoppers
from attribution_dagster.core.traits.corpus import Corpus, write_corpus
from attribution_dagster.core.traits.customers import CustomerTokens
from attribution_dagster.warehouse.queries import load_query, transpile

START = datetime.datetime(2025, 1, 6)
PURCHASE = ("order_placed",)
_SESSIONS = """
CREATE TABLE session_events AS
WITH marked AS (
    SELECT *, CASE WHEN event_at - LAG(event_at) OVER by_user <= INTERVAL 30 MINUTE THEN 0 ELSE 1 END AS is_start
    FROM raw WINDOW by_user AS (PARTITION BY user_id ORDER BY event_at, event_id)
),
numbered AS (SELECT *, SUM(is_start) OVER (PARTITION BY user_id ORDER BY event_at, event_id) AS n FROM marked)
SELECT
    user_id || '_' || n AS session_id,
    MIN(event_at) OVER (PARTITION BY user_id, n) AS started_at,
    ROW_NUMBER() OVER (PARTITION BY user_id, n ORDER BY event_at, event_id) AS event_index,
    CAST(DATE_TRUNC('{window}', MIN(event_at) OVER (PARTITION BY user_id, n)) AS TIMESTAMP) AS window_start,
    * EXCLUDE (is_start, n)
FROM numbered
"""
_SUMMED = """
CREATE TABLE sessions AS SELECT window_start, session_id, user_id, started_at, COUNT(*) > 1000 AS is_bot, FALSE AS is_censored,
    BOOL_OR(event_type = '{purchase}') AS is_converted
FROM session_events GROUP BY ALL
"""


@dataclass(frozen=True, kw_only=True)
class Tables:
    """The database with `sessions` and `session_events` in windows of so many days from a start."""

    database: duckdb.DuckDBPyConnection
    start: datetime.datetime = START
    days: int = 7

    def week(self, number: int) -> datetime.datetime:
        """The start of a window."""
        return self.start + datetime.timedelta(days=self.days * number)

    def fetch(self, name: str, **values: Any) -> pa.Table:
        query = load_query(f"traits/{name}")
        text = transpile(query, "duckdb")
        wanted = {name: value for name, value in values.items() if name in query.parameters}
        return self.database.sql(text, params=wanted).to_arrow_table()

    def customers(
        self, first: int, end: int, *, item: str = "product_id", half_life_days: float = 14
    ) -> CustomerTokens:
        """What customers did from the start of week `first` to that of week `end`, the snapshot."""
        table = self.fetch(
            "customer_tokens", since=self.week(first), until=self.week(end), snapshot_at=self.week(end),
            half_life_us=half_life_days * 86_400_000_000, item_column=item,
        )  # fmt: skip
        return CustomerTokens.from_table(table)

    def corpus(self, weeks: int, path: Path, *, item: str = "product_id") -> Corpus:
        tables = [self.fetch("session_tokens", window_start=self.week(week), item_column=item) for week in range(weeks)]
        return write_corpus((batch for table in tables for batch in table.to_batches(max_chunksize=4096)), path)


@dataclass(frozen=True, kw_only=True)
class World(Tables):
    """The tables of a simulated world, and what was drawn."""

    drawn: DrawnShoppers
    world: ShoppersWorld

    def truth(self, users: tuple[str, ...]) -> npt.NDArray[np.float64]:
        """The planted mixtures of these customers."""
        place = {user: row for row, user in enumerate(self.drawn.user_ids)}
        return self.drawn.mixtures[[place[user] for user in users]]


def build(*, users: int, weeks: int, seed: int, world: ShoppersWorld | None = None) -> World:
    """A drawn world as tables."""
    world = world or ShoppersWorld()
    drawn = draw_shoppers(world, users=users, weeks=weeks, start=START.date(), seed=seed)
    return World(database=sessions_of(drawn.events), drawn=drawn, world=world)


def sessions_of(events: pa.Table, *, window: str = "week", purchase: str = PURCHASE[0]) -> duckdb.DuckDBPyConnection:
    """A database with the two tables of sessions, cut at gaps of more than 30 minutes, in windows of that length."""
    database = duckdb.connect()
    database.register("raw", events)
    database.execute(_SESSIONS.format(window=window))
    database.execute(_SUMMED.format(purchase=purchase))
    return database
