"""Boundary rows of sessions, labels, rejections, funnels and samples, each with its answer worked out by hand."""

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from attribution_dagster.datasets.coverage import Coverage, latest_plausible
from attribution_dagster.datasets.windows import windows
from attribution_dagster.warehouse.queries import load_query
from attribution_dagster_tests.warehouse.shop import Shop, event, shop_profile

NOON = datetime(2025, 1, 6, 12)
FUTURE = {"latest_plausible": latest_plausible()}
MINUTES_30 = timedelta(minutes=30)
MICROSECOND = timedelta(microseconds=1)


@pytest.mark.parametrize(("gap", "sessions"), [(MINUTES_30, 1), (MINUTES_30 + MICROSECOND, 2), (timedelta(0), 1)])
def test_gap_of_exactly_thirty_minutes_continues(tmp_path: Path, gap: timedelta, sessions: int) -> None:
    with Shop(tmp_path) as shop:
        shop.run([event("a", NOON), event("a", NOON + gap)])
        assert len(shop.column("SELECT session_id FROM sessions")) == sessions


def test_another_device_is_another_session(tmp_path: Path) -> None:
    with Shop(tmp_path) as shop:
        shop.run([event("a", NOON, device_id="phone"), event("a", NOON, device_id="web"), event("a", NOON)])
        ids = shop.column("SELECT session_id FROM sessions ORDER BY session_id")
        assert ids == ["a_no-device_2025-01-06_1", "a_phone_2025-01-06_1", "a_web_2025-01-06_1"]


def test_session_across_midnight_belongs_to_the_window_of_its_start(tmp_path: Path) -> None:
    at = datetime(2025, 1, 6, 23, 50)
    with Shop(tmp_path) as shop:
        shop.run([event("a", at), event("a", at + timedelta(minutes=20)), event("a", at + timedelta(hours=3))])
        rows = shop.sql("SELECT session_id, window_start, n_events, n_events_outside_window FROM sessions ORDER BY 1")
    assert rows == [
        {
            "session_id": "a_no-device_2025-01-06_1",
            "window_start": datetime(2025, 1, 6),
            "n_events": 2,
            "n_events_outside_window": 1,
        },
        {
            "session_id": "a_no-device_2025-01-07_1",
            "window_start": datetime(2025, 1, 7),
            "n_events": 1,
            "n_events_outside_window": 0,
        },
    ]


def test_events_beyond_the_longest_session_are_rejected_not_restarted(tmp_path: Path) -> None:
    """Two hours sharp still belongs; one microsecond more does not, and the chain starts no new session."""
    times = [NOON + MINUTES_30 * step for step in range(5)]
    with Shop(tmp_path) as shop:
        shop.run([event("a", at) for at in [*times, times[-1] + MICROSECOND, times[-1] + MINUTES_30]])
        assert shop.column("SELECT n_events FROM sessions") == [5]
        reasons = shop.sql("SELECT reason, event_id FROM rejected_events ORDER BY event_id")
    assert [(row["reason"], row["event_id"]) for row in reasons] == [
        ("beyond_max_session_length", "e005"),
        ("beyond_max_session_length", "e006"),
    ]


def test_chain_that_began_long_before_the_window_is_over_length_in_it(tmp_path: Path) -> None:
    """The second day cannot see where the chain began, and need not: it began too long ago."""
    chain = [datetime(2025, 1, 6, 12) + timedelta(minutes=25) * step for step in range(60)]
    with Shop(tmp_path) as shop:
        shop.run([event("a", at) for at in chain])
        by_day = shop.sql("SELECT window_start, COUNT(*) AS n FROM rejected_events GROUP BY window_start ORDER BY 1")
        assert shop.column("SELECT n_events FROM sessions") == [5]
    in_first_day = sum(at < datetime(2025, 1, 7) for at in chain)
    assert [row["n"] for row in by_day] == [in_first_day - 5, 60 - in_first_day]


def test_each_rejection_reason_has_its_row(tmp_path: Path) -> None:
    good = event("a", NOON, event_id="good")
    events = [
        good, good,
        event("a", "not a time", event_id="unparsable"), event("a", None, event_id="no time"),
        event("a", "1989-12-31 23:59:59", event_id="too early"), event("a", "2100-01-01 00:00:00", event_id="too late"),
        event(None, NOON, event_id="nobody"), event("  ", NOON, event_id="blank"),
        event("a", NOON, None, event_id="nothing"), event("a", NOON, " ", event_id="empty"),
    ]  # fmt: skip
    with Shop(tmp_path) as shop:
        shop.run(events)
        shop.warehouse.build("rejected_events", "undated", "1", load_query("staging/rejected_undated"), FUTURE)
        rows = shop.sql("SELECT event_id, reason FROM rejected_events")
        found = Coverage(shop.warehouse.fetch(load_query("staging/source_hours"), FUTURE))
        accepted = shop.column("SELECT event_id FROM session_events")
    assert {row["event_id"]: row["reason"] for row in rows} == {
        "good": "duplicate_delivery",
        "unparsable": "unparsable_time", "no time": "unparsable_time",
        "too early": "impossible_time", "too late": "impossible_time",
        "nobody": "null_user", "blank": "null_user",
        "nothing": "empty_event_type", "empty": "empty_event_type",
    }  # fmt: skip
    assert accepted == ["good"]
    assert len(rows) + len(accepted) == found.n_rows == 10
    assert (found.n_unparsable_time, found.n_impossible_time) == (2, 2)
    assert found.first_event_at == found.last_event_at == NOON


def test_rejected_event_does_not_keep_a_session_alive(tmp_path: Path) -> None:
    """An event without a type between two views does not bridge their gap."""
    with Shop(tmp_path) as shop:
        shop.run([event("a", NOON), event("a", NOON + MINUTES_30, None), event("a", NOON + 2 * MINUTES_30)])
        assert len(shop.column("SELECT session_id FROM sessions")) == 2


def test_label_looks_only_at_what_comes_before_the_conversion(tmp_path: Path) -> None:
    """At the conversion's own instant the id decides: an earlier id is before it, a later one is not."""
    events = [
        event("a", NOON, "view", event_id="1"),
        event("a", NOON, "cart", event_id="2"),
        event("a", NOON, "order", event_id="3"),
        event("a", NOON, "view", event_id="4"),
        event("a", NOON + MICROSECOND, "order", event_id="5"),
    ]
    with Shop(tmp_path) as shop:
        shop.run(events)
        [row] = shop.sql(
            "SELECT n_events, is_converted, converted_at, conversion_event_index, n_no_funnel FROM sessions"
        )
    assert row == {
        "n_events": 5,
        "is_converted": True,
        "converted_at": NOON,
        "conversion_event_index": 3,
        "n_no_funnel": 1,
    }


def test_ids_with_separators_stay_apart(tmp_path: Path) -> None:
    users = [("a_b", "c"), ("a", "b_c"), ("a%5Fb", "c"), ("a", "no-device"), ("a", None)]
    with Shop(tmp_path) as shop:
        shop.run([event(user, NOON, device_id=device) for user, device in users])
        ids = shop.column("SELECT session_id FROM sessions")
    assert len(set(ids)) == 5
    assert "a%5Fb_c_2025-01-06_1" in ids and "a_no%2Ddevice_2025-01-06_1" in ids


def test_session_number_restarts_with_the_local_date(tmp_path: Path) -> None:
    """In New York the 7th begins at 05:00 UTC."""
    profile = shop_profile(time_zone="America/New_York")
    times = [datetime(2025, 1, 7, 3), datetime(2025, 1, 7, 4, 30), datetime(2025, 1, 7, 5, 30)]
    with Shop(tmp_path, profile) as shop:
        shop.run([event("a", at) for at in times])
        rows = shop.sql("SELECT session_id, local_date FROM sessions ORDER BY started_at")
    assert [row["session_id"] for row in rows] == [
        "a_no-device_2025-01-06_1", "a_no-device_2025-01-06_2", "a_no-device_2025-01-07_1",
    ]  # fmt: skip
    assert rows[2]["local_date"] == date(2025, 1, 7)


def test_bots_by_count_and_by_rate_are_flagged_and_kept(tmp_path: Path) -> None:
    many = [event("many", NOON + timedelta(minutes=step)) for step in range(51)]
    fast = [event("fast", NOON + timedelta(seconds=2 * step)) for step in range(21)]
    brisk = [event("brisk", NOON + timedelta(seconds=3 * step)) for step in range(20)]
    with Shop(tmp_path) as shop:
        shop.run([*many, *fast, *brisk])
        rows = shop.sql("SELECT user_id, is_bot, n_events FROM sessions")
    assert {row["user_id"]: (row["is_bot"], row["n_events"]) for row in rows} == {
        "many": (True, 51),
        "fast": (True, 21),
        "brisk": (False, 20),
    }


def test_open_sessions_are_censored(tmp_path: Path) -> None:
    """Closed when observation goes on for more than the timeout after the last event, or past the longest session."""
    end = NOON + timedelta(hours=3)
    over_length = [event("long", NOON + timedelta(minutes=25 * step)) for step in range(8)]
    events = [event("open", end - MINUTES_30), event("closed", end - MINUTES_30 - MICROSECOND), *over_length]
    with Shop(tmp_path) as shop:
        shop.run(events, observation_end=end)
        rows = shop.sql("SELECT user_id, is_censored FROM sessions")
    assert {row["user_id"]: row["is_censored"] for row in rows} == {"open": True, "closed": False, "long": False}


def test_funnel_counts_and_largest_drop(tmp_path: Path) -> None:
    """Ten sessions view, four put in the cart, three check out, two order; one orders without any other stage."""
    events = []
    for number in range(10):
        kinds = ["view", "cart", "checkout", "order"][: 1 + sum(number < n for n in (4, 3, 2))]
        events += [event(f"u{number}", NOON + timedelta(seconds=10 * step), kind) for step, kind in enumerate(kinds)]
    events.append(event("direct", NOON, "order"))
    with Shop(tmp_path) as shop:
        shop.run(events, tables=("stg_events", "session_events", "sessions", "session_funnels", "funnel_metrics"))
        rows = shop.sql("SELECT * FROM funnel_metrics WHERE window_start = '2025-01-06' ORDER BY stage_order")
        [first] = shop.sql("SELECT * FROM session_funnels WHERE user_id = 'u0'")
    assert [(row["stage"], row["sessions"]) for row in rows] == [
        ("view", 10), ("cart", 4), ("checkout", 3), ("transaction", 3),
    ]  # fmt: skip
    assert [row["rate"] for row in rows] == pytest.approx([10 / 11, 4 / 11, 3 / 11, 3 / 11])
    assert rows[0]["drop_off"] is None
    assert [row["drop_off"] for row in rows[1:]] == pytest.approx([6 / 10, 1 / 4, 1 / 3])
    assert [row["is_largest_drop"] for row in rows] == [False, True, False, False]
    assert first["view_to_addtocart_s"] == 10 and first["addtocart_to_transaction_s"] == 20
    assert first["has_view"] and first["has_transaction"] and first["n_removes"] == 0


def test_stage_without_event_types_is_left_out_of_the_funnel(tmp_path: Path) -> None:
    profile = shop_profile(roles={"view": ["view"], "conversion": ["order"]})
    with Shop(tmp_path, profile) as shop:
        shop.run(
            [event("a", NOON)], tables=("stg_events", "session_events", "sessions", "session_funnels", "funnel_metrics")
        )
        rows = shop.sql("SELECT stage, drop_off, is_largest_drop FROM funnel_metrics WHERE window_start = '2025-01-06'")
    assert rows == [
        {"stage": "view", "drop_off": None, "is_largest_drop": False},
        {"stage": "transaction", "drop_off": 1.0, "is_largest_drop": True},
    ]


def test_sample_is_the_same_on_each_run_and_largely_from_window_to_window(tmp_path: Path) -> None:
    profile = shop_profile(sampling={"users": 40})
    everyone = [f"u{number}" for number in range(100)]
    events = [event(user, NOON + timedelta(days=day)) for day in (0, 1) for user in everyone[day * 10 : 90 + day * 10]]
    tables = ("stg_events", "session_events", "sessions", "sampled_users")
    samples = []
    for run, rows in enumerate((events, events[::-1])):
        (tmp_path / str(run)).mkdir()
        with Shop(tmp_path / str(run), profile) as shop:
            shop.run(rows, tables=tables)
            samples.append(shop.sql("SELECT * FROM sampled_users ORDER BY window_start, sample_rank"))
    days = {
        window.key: {r["user_id"] for r in samples[0] if r["window_start"] == window.start}
        for window in windows(profile)
    }
    assert samples[0] == samples[1]
    assert len(days["2025-01-06"]) == len(days["2025-01-07"]) == 40
    assert len(days["2025-01-06"] & days["2025-01-07"]) >= 30


def test_names_from_outside_survive(tmp_path: Path) -> None:
    names = [
        'Bob\'s "Best", Ltd',
        "two\nlines",
        "🍜 noodle",
        "<script>alert(1)</script>",
        "=1+1",
        "{variant} :name $x %s",
    ]
    with Shop(tmp_path) as shop:
        shop.run([event(name, NOON, name, store_name=name, device_id=name) for name in names])
        rows = shop.sql("SELECT user_id, event_type, store_name, device_id FROM session_events")
    assert {tuple(row.values()) for row in rows} == {(name, name, name, name) for name in names}
