"""Journeys by hand: what lies in the look-back, what a click belongs to, and which day a purchase is of."""

from datetime import datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from attribution_dagster.warehouse.queries import load_query, transpile

START = datetime(2025, 1, 13)
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
VALUES = {
    "window_start": START, "window_end": START + 7 * DAY, "history_start": START - 7 * DAY, "look_back_us": 7 * 86_400_000_000, "first_day": 0,
    "n_days": 7, "min_history_events": 1, "impression_type": "shown", "click_type": "clicked", "campaign_column": "primary_tag",
    "ad_type_column": "discovery_feature",
}  # fmt: skip
COLUMNS = ("event_id", "user_id", "event_at", "event_type", "primary_tag", "auction_id", "price_usd", "rejection")
SCHEMA = pa.schema(
    [("window_start", pa.timestamp("us")), ("window_side", pa.int32())]
    + [
        (name, pa.timestamp("us") if name == "event_at" else pa.float64() if name == "price_usd" else pa.string())
        for name in COLUMNS
    ]
    + [(name, pa.string()) for name in ("discovery_feature", "primary_category", "store_id", "ad_id", "product_id")]
)


def event(number: int, at: datetime, kind: str, **more: Any) -> dict[str, Any]:
    start = START if at >= START else START - 7 * DAY
    return {
        "window_start": start,
        "window_side": 0,
        "event_id": f"e{number}",
        "user_id": "u",
        "event_at": at,
        "event_type": kind,
        **more,
    }


def journeys(
    events: list[dict[str, Any]], auctions: list[dict[str, Any]] | None = None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of ad_journeys by day, and of ad_journey_events."""
    # Somebody else is there every day, so that every day is one of the window.
    others = [event(900 + d, START + d * DAY, "other", user_id="x") for d in range(7)]
    schema = pa.schema(
        [("user_id", pa.string()), ("held_at", pa.timestamp("us")), ("is_won", pa.bool_()), ("relevance", pa.float64())]
    )
    with duckdb.connect() as connection:
        connection.register("stg_events", pa.Table.from_pylist([*events, *others], schema=SCHEMA))
        connection.register("ad_auctions", pa.Table.from_pylist(auctions or [], schema=schema))
        connection.execute("CREATE TABLE event_roles AS SELECT 'bought' AS event_type, TRUE AS is_conversion")
        found = {}
        for name in ("ad_journey_events", "ad_journeys"):
            query = load_query(f"journeys/{name}")
            table = connection.sql(
                transpile(query, "duckdb"), params={k: VALUES[k] for k in query.parameters}
            ).to_arrow_table()
            connection.register(name, table)
            found[name] = [row for row in table.to_pylist() if row["user_id"] == "u"]
    return sorted(found["ad_journeys"], key=lambda r: r["day_number"]), found["ad_journey_events"]


def days_of(rows: list[dict[str, Any]], kind: str = "impression") -> list[int]:
    return sorted(int(row["journey_id"].rsplit("_", 1)[1]) for row in rows if row["event_type"] == kind)


@pytest.mark.parametrize(
    ("at", "days"),
    [
        (START + DAY, [2, 3, 4, 5, 6]),  # at the very start of day 1: of that day, and in no journey that ends there
        (START + DAY - TICK, [1, 2, 3, 4, 5, 6]),
        (START - 7 * DAY, [0]),  # exactly a look-back before day 0
        (START - 6 * DAY - TICK, [0]),
        (START - 6 * DAY, [0, 1]),
    ],
)
def test_a_journey_holds_the_look_back_before_its_day_and_nothing_of_the_day(at: datetime, days: list[int]) -> None:
    rows, events = journeys([event(1, at, "shown", primary_tag="c")])
    assert days_of(events) == days == [row["day_number"] for row in rows] and all(row["n_events"] == 1 for row in rows)


def test_a_purchase_is_of_the_day_that_it_lies_in_and_is_in_no_journey() -> None:
    seen, bought = event(1, START - DAY, "shown"), event(2, START + DAY, "bought", price_usd=9.0)
    again = event(3, START + 2 * DAY - TICK, "bought", price_usd=1.0)
    rows, events = journeys([seen, bought, again])
    assert [(r["day_number"], r["purchases"], r["revenue_usd"]) for r in rows if r["label"]] == [(1, 2, 10.0)]
    assert {e["event_type"] for e in events} == {"impression"}


def test_the_hour_that_summer_time_adds_to_a_window_is_of_its_last_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(VALUES, "window_end", START + 7 * DAY + timedelta(hours=1))
    seen, bought = event(1, START + 6 * DAY - TICK, "shown"), event(2, START + 7 * DAY, "bought", price_usd=9.0)
    rows, events = journeys([seen, bought])
    assert [(r["day_number"], r["purchases"]) for r in rows] == [(6, 1)] and days_of(events) == [6]


def test_clicks_of_users_whose_events_are_numbered_alike_are_all_kept_and_each_once() -> None:
    seen = [event(1, START - DAY, "shown", primary_tag="c"), event(2, START - DAY + TICK, "clicked", primary_tag="c")]
    alike = [{**each, "user_id": user} for user in ("a", "z") for each in seen]
    later = [{**each, "event_at": each["event_at"] + 2 * TICK} for each in seen]  # and each visit's anew
    _, found = journeys([*alike, *seen, *later])
    day_0 = sorted((e for e in found if e["journey_id"].endswith("_0")), key=lambda e: e["event_position"])
    assert [(e["event_type"], e["exposure"]) for e in day_0] == [
        ("impression", 1),
        ("click", 1),
        ("impression", 2),
        ("click", 2),
    ]


def test_a_click_goes_with_the_impression_of_its_auction_and_takes_its_campaign() -> None:
    events = [
        event(1, START - DAY, "shown", auction_id="a", primary_tag="first"),
        event(2, START - DAY + TICK, "shown", auction_id="b", primary_tag="second"),
        event(3, START - DAY + 2 * TICK, "clicked", auction_id="a"),
    ]
    rows, found = journeys(events)
    day_0 = sorted((e for e in found if e["journey_id"].endswith("_0")), key=lambda e: e["event_position"])
    assert [(e["event_type"], e["campaign_id"], e["exposure"]) for e in day_0] == [
        ("impression", "first", 1),
        ("impression", "second", 2),
        ("click", "first", 1),
    ]
    assert (rows[0]["n_events"], rows[0]["impressions"], rows[0]["clicks"]) == (3, 2, 1)


def test_without_auctions_a_click_is_of_the_latest_impression_of_its_campaign() -> None:
    shown = [event(n, START - DAY + n * TICK, "shown", primary_tag="c") for n in (1, 2)]
    _, found = journeys(
        [
            *shown,
            event(3, START - DAY + 3 * TICK, "clicked", primary_tag="c"),
            event(4, START - DAY, "clicked", primary_tag="c"),
        ]
    )
    assert [
        (e["exposure"], e["event_position"])
        for e in found
        if e["event_type"] == "click" and e["journey_id"].endswith("_0")
    ] == [(2, 2)]


def test_a_click_whose_impression_has_left_the_look_back_leaves_with_it() -> None:
    _, found = journeys(
        [
            event(1, START - 6 * DAY - TICK, "shown", auction_id="a"),
            event(2, START - 6 * DAY + TICK, "clicked", auction_id="a"),
        ]
    )
    assert days_of(found) == days_of(found, "click") == [0]


def test_rejected_events_are_in_nothing_and_intent_is_of_auctions_in_the_look_back() -> None:
    auctions = [
        {"user_id": "u", "held_at": START - DAY, "is_won": True, "relevance": 1.0},
        {"user_id": "u", "held_at": START + DAY, "is_won": False, "relevance": 3.0},
    ]
    rows, found = journeys(
        [event(1, START - DAY, "shown", rejection="null_user"), event(2, START - DAY, "other")], auctions
    )
    assert not found and [(r["auctions"], r["auctions_won"], r["mean_relevance"]) for r in rows[:3]] == [
        (1, 1, 1.0),
        (1, 1, 1.0),
        (2, 1, 2.0),
    ]
