"""A simulated world of ads as journeys in memory, by the very SQL of the pipeline, and its planted truth."""

import datetime
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from attribution_dagster.core.journeys.journeys import Journeys, read_journeys
from attribution_dagster.core.simulation.ads import ad_tables
from attribution_dagster.core.simulation.ads_world import AdsWorld, Drawn, draw
from attribution_dagster.warehouse.queries import load_query, transpile

START = datetime.date(2025, 1, 6)
LOOK_BACK_DAYS = 7


@dataclass(frozen=True, kw_only=True)
class Built:
    """Journeys of all days after the first look-back, with auctions and what was planted."""

    world: AdsWorld
    drawn: Drawn
    journeys: Journeys
    rows: pa.Table
    auctions: pa.Table
    days_ratio: float

    def added(self, without: str | None = None) -> float:
        """Expected purchases that all ads, or one campaign, added to these journeys."""
        outcomes, names = self.drawn.outcomes, [c.name for c in self.world.campaigns]
        kept = np.array([without is not None and name != without for name in names])
        day = self.rows["day_number"].to_numpy() + LOOK_BACK_DAYS
        user = np.array([int(name[1:]) for name in self.rows["user_id"].to_pylist()])
        fewer: npt.NDArray[np.float64] = outcomes.probability() - outcomes.probability(kept)
        return float(fewer[day, user].sum())


def build(world: AdsWorld, *, users: int, weeks: int, seed: int) -> Built:
    """The world's journeys: one window that begins a look-back after the start, and lasts until the end."""
    drawn = draw(world, users, 7 * weeks, seed)
    start = datetime.datetime.combine(START, datetime.time())
    begin, end = start + datetime.timedelta(days=LOOK_BACK_DAYS), start + datetime.timedelta(weeks=weeks)
    values = {
        "window_start": begin, "window_end": end, "history_start": start, "auctions_end": end - datetime.timedelta(days=LOOK_BACK_DAYS),
        "look_back_us": LOOK_BACK_DAYS * 86_400_000_000, "first_day": 0, "n_days": (end - begin).days, "min_history_events": 1,
        "impression_type": "ad_impression", "click_type": "ad_click", "campaign_column": "primary_tag",
        "ad_type_column": "discovery_feature",
    }  # fmt: skip
    with duckdb.connect(config={"threads": 1}) as connection:
        engine = _Engine(connection, values)
        for name, table in ad_tables(world, drawn, START, seed).items():
            connection.register("raw_events" if name == "impressions" else f"raw_{name}", table)
        connection.execute("CREATE TABLE event_roles AS SELECT 'purchase' AS event_type, TRUE AS is_conversion")
        canonical = transpile(load_query("staging/stg_events__ads"), "duckdb")
        connection.execute(
            f"CREATE TABLE stg_events AS SELECT TIMESTAMP '{begin}' AS window_start, 0 AS window_side, *, NULL AS rejection FROM ({canonical})"
        )
        engine.store("staging/ad_auctions__ads", "ad_auctions")
        engine.store("journeys/ad_journey_events", "ad_journey_events")
        engine.store("journeys/ad_journeys", "ad_journeys")
        rows = connection.sql("SELECT * FROM ad_journeys ORDER BY journey_id").to_arrow_table()
        journeys = read_journeys(engine.fetch("journeys/ad_sequence_events").to_batches(), rows)
        auctions = engine.fetch("journeys/ad_auction_outcomes")
    days_ratio = (end - begin).days / ((end - start).days - LOOK_BACK_DAYS)
    return Built(world=world, drawn=drawn, journeys=journeys, rows=rows, auctions=auctions, days_ratio=days_ratio)


class _Engine:
    """Statements of `sql/`, with the values of their parameters."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, values: dict[str, object]) -> None:
        self._connection, self._values = connection, values

    def fetch(self, name: str) -> pa.Table:
        query = load_query(name)
        values = {each: self._values[each] for each in query.parameters}
        return self._connection.sql(transpile(query, "duckdb"), params=values).to_arrow_table()

    def store(self, name: str, table: str) -> None:
        found = self.fetch(name)
        self._connection.register("found", found)
        self._connection.execute(f"CREATE TABLE {table} AS SELECT * FROM found")
