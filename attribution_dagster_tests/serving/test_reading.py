"""What a model reads of raw events, by hand: order, repeated deliveries, the conversion, the funnel."""

from dataclasses import asdict
from datetime import datetime, timedelta

import numpy as np
import pytest

from attribution_dagster.core.scoring.reading import RawEvent, ReadingRules, read, sequences_of
from attribution_dagster.core.sequences.builder import PUBLISHED_CATEGORIES, build_sequences
from attribution_dagster.core.sequences.sequence_set import SequenceSet
from attribution_dagster_tests.warehouse.shop import Shop

START = datetime(2025, 1, 6, 12)


def event(name, second, event_id=None, **more):
    return RawEvent(event_at=START + timedelta(seconds=second), event_type=name, event_id=event_id, **more)


def rules(funnel_rule):
    return ReadingRules(conversion=frozenset({"buy"}), funnel=frozenset({"cart", "checkout"}), funnel_rule=funnel_rule)


SHOPPING = [event(name, second) for second, name in enumerate(["view", "cart", "view", "buy", "view", "cart"])]


@pytest.mark.parametrize(
    ("funnel_rule", "seen", "ignored"),
    [
        ("drop", ["view", "view"], {"funnel": 1, "conversion_and_after": 3}),
        ("keep", ["view", "cart", "view"], {"conversion_and_after": 3}),
        ("stop", ["view"], {"funnel": 2, "conversion_and_after": 3}),
    ],
)
def test_reads_up_to_the_conversion_what_the_variant_may_see(funnel_rule, seen, ignored):
    found = read(SHOPPING, rules(funnel_rule))
    assert [e.event_type for e in found.events] == seen and found.ignored == ignored
    assert read(SHOPPING[::-1], rules(funnel_rule)) == found
    assert len(found.events) + sum(found.ignored.values()) == len(SHOPPING)


def test_orders_one_instant_by_id_and_type_and_counts_a_delivery_once():
    at_once = [
        event("b", 0, "2"),
        event("a", 0, "10"),
        event("view", 0, "1"),
        event("late", 1, "1"),
        event("aa", 0, "10"),
    ]
    found = read(at_once, rules("drop"))
    assert [(e.event_id, e.event_type) for e in found.events] == [("1", "view"), ("10", "a"), ("2", "b"), ("1", "late")]
    assert found.ignored == {"repeated_delivery": 1}


def test_without_ids_keeps_the_order_of_one_instant_and_counts_equal_events_once():
    at_once = [event("z", 0), event("a", 0), event("z", 0), event("z", 0, store_id="s"), event("z", 0, product_id="p")]
    found = read([*at_once, event("z", 1), event("z", 0, "1")], rules("keep"))
    assert [e.event_type for e in found.events] == ["z", "a", "z", "z", "z", "z"]
    assert found.ignored == {"repeated_delivery": 1} and found.events[-1].event_at > START


def test_a_session_that_begins_with_its_conversion_is_read_as_empty():
    sequences = sequences_of([read([event("buy", 0)], rules("keep")), read([], rules("drop"))], ["event_type"], [])
    assert sequences.lengths.tolist() == [0, 0]


def test_order_repeats_and_conversion_are_those_of_the_warehouse(tmp_path):
    """Sessions of few instants, in which everything is tied; ids sort by their bytes, whatever a language thinks of them."""
    rng, sent = np.random.default_rng(3), {}
    for number in range(60):
        has_ids = number % 3 > 0
        types = ["view", "View", "cart", "uncart", *["order"] * has_ids]
        sent[f"u{number:02}"] = [
            event(
                str(rng.choice(types)), int(rng.integers(3)), str(rng.choice(["1", "10", "2", "a", "B", "é", "Z"])) if has_ids else None,
                store_id=str(rng.choice(["s", "t"])),
            )
            for _ in range(12)
        ]  # fmt: skip
    rows = [{"user_id": user, **asdict(each)} for user, events in sent.items() for each in events]
    with Shop(tmp_path) as shop:
        shop.run(rows)
        stored = shop.sql(
            "SELECT session_events.user_id AS user_id, event_id, event_type, store_id FROM session_events INNER JOIN sessions "
            "ON session_events.session_id = sessions.session_id WHERE conversion_event_index IS NULL "
            "OR event_index < conversion_event_index ORDER BY session_events.user_id, event_index"
        )
    by_rules = ReadingRules(conversion=frozenset({"order"}), funnel=frozenset(), funnel_rule="keep")
    for user, events in sent.items():
        mine = [(e.event_type, e.store_id) for e in read(events, by_rules).events]
        theirs = [(row["event_type"], row["store_id"]) for row in stored if row["user_id"] == user]
        tied_by_ids = events[0].event_id is not None
        assert (mine == theirs) if tied_by_ids else (sorted(mine) == sorted(theirs)), user
    assert len(stored) < len(rows)


def test_sequences_have_ranks_gaps_and_what_is_missing():
    seen = [event("view", 0, store_id="s", is_nv=True), event("view", 90), event("search", 90.5, price_usd=2.0)]
    sequences = sequences_of(
        [read(seen, rules("drop"))] * 2, ["event_type"], ["event_rank", "time_delta", "is_nv", "price_usd"]
    )
    assert sequences.numbers["event_rank"].tolist() == [1, 2, 3] * 2
    assert sequences.numbers["time_delta"].tolist() == [0, 90, 0.5] * 2
    np.testing.assert_array_equal(sequences.numbers["is_nv"][:3], [1, np.nan, np.nan])
    np.testing.assert_array_equal(sequences.numbers["price_usd"][:3], [np.nan, np.nan, 2])
    assert sequences.codes["store_id"].tolist() == [0, -1, -1] * 2 and sequences.n_sessions == 2


def test_the_set_in_memory_is_the_one_in_a_folder(tmp_path):
    from attribution_dagster.core.scoring.reading import _rows

    readings = [read(SHOPPING, rules("keep")), read([], rules("keep")), read(SHOPPING[:1], rules("keep"))]
    held = sequences_of(readings, ["event_type"], ["event_rank", "time_delta"])
    build_sequences([_rows(readings)], ["event_type"], ["event_rank", "time_delta"], tmp_path / "set")
    written = SequenceSet.open(tmp_path / "set")
    assert held.dictionaries == written.dictionaries and held.codes.keys() == set(PUBLISHED_CATEGORIES)
    for name in ("offsets", "event_at_us", "label", "in_risk_set", "started_at_us"):
        np.testing.assert_array_equal(getattr(held, name), getattr(written, name))
        assert getattr(held, name).dtype == getattr(written, name).dtype
    for kind in ("codes", "numbers"):
        for name, values in getattr(written, kind).items():
            np.testing.assert_array_equal(getattr(held, kind)[name], values)
    assert held.session_id.equals(written.session_id)
