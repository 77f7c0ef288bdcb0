"""Sessions built window by window, in any order, equal one pass in plain Python over everything."""

import random
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attribution_dagster.datasets.windows import windows
from attribution_dagster_tests.warehouse.shop import Shop, event, shop_profile

START = datetime(2025, 1, 5, 22)
ZONE = "America/New_York"
PROFILE = shop_profile(time_zone=ZONE)
INACTIVITY, LONGEST = timedelta(minutes=30), timedelta(hours=2)


def one_pass(events: list[dict[str, Any]]) -> tuple[dict[str, list[str]], set[str]]:
    """Session id -> ids of its events, and the ids beyond the longest session; all events, no windows."""
    streams: dict[tuple[str, str | None], list[tuple[datetime, str]]] = defaultdict(list)
    for each in {each["event_id"]: each for each in events}.values():
        at = datetime.fromisoformat(each["event_at"])
        streams[each["user_id"], each.get("device_id")].append((at, each["event_id"]))
    sessions: dict[str, list[str]] = {}
    beyond: set[str] = set()
    for (user, device), stream in streams.items():
        count: dict[str, int] = defaultdict(int)
        previous = started = datetime.min
        for at, event_id in sorted(stream):
            if at - previous > INACTIVITY:
                started = at
                date = at.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(ZONE)).date().isoformat()
                count[date] += 1
                name = f"{user}_{device or 'no-device'}_{date}_{count[date]}"
                sessions[name] = []
            if at - started > LONGEST:
                beyond.add(event_id)
            else:
                sessions[name].append(event_id)
            previous = at
    return sessions, beyond


@st.composite
def streams(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Events whose gaps love the boundaries: ties, exactly 30 minutes, one microsecond more, hours-long chains."""
    gaps = (
        st.timedeltas(timedelta(minutes=18), INACTIVITY)
        | st.sampled_from(
            [
                timedelta(0),
                timedelta(minutes=1),
                timedelta(minutes=29),
                INACTIVITY,
                INACTIVITY + timedelta(microseconds=1),
            ]
        )
        | st.timedeltas(timedelta(0), timedelta(hours=9))
    )
    events = []
    for user, device in (("a", None), ("a", "phone"), ("b", "phone")):
        # The hours before a local midnight, which is 05:00 UTC, are where windows have to agree.
        at = START + timedelta(days=draw(st.integers(0, 2))) + draw(st.timedeltas(timedelta(0), timedelta(hours=8)))
        for gap in draw(st.lists(gaps, min_size=3, max_size=25)):
            at += gap
            events.append(event(user, at, draw(st.sampled_from(["view", "cart", "order"])), device_id=device))
    numbers = draw(st.permutations(range(len(events))))
    events = [{**each, "event_id": f"e{number:03d}"} for number, each in zip(numbers, events, strict=True)]
    return events + [each for each in events if each["event_id"].endswith("7")]  # delivered twice


def _inside(events: list[dict[str, Any]]) -> set[str]:
    """Ids of events that lie in a window of the profile."""
    known = windows(PROFILE)
    return {e["event_id"] for e in events if known[0].start <= datetime.fromisoformat(e["event_at"]) < known[-1].end}


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(events=streams(), order=st.randoms(use_true_random=False))
def test_windows_in_any_order_equal_one_pass(
    events: list[dict[str, Any]], order: random.Random, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Sessions that start in a window have the ids and events of one pass; every event is accounted for once."""
    known = windows(PROFILE)
    shuffled = [*known]
    order.shuffle(shuffled)
    with Shop(tmp_path_factory.mktemp("shop"), PROFILE) as shop:
        shop.run(events, only=shuffled)
        built: dict[str, list[str]] = defaultdict(list)
        for row in shop.sql("SELECT session_id, event_id FROM session_events ORDER BY session_id, event_index"):
            built[row["session_id"]].append(row["event_id"])
        rejected = shop.sql("SELECT reason, event_id FROM rejected_events")
    sessions, beyond = one_pass(events)
    at = {each["event_id"]: datetime.fromisoformat(each["event_at"]) for each in events}
    expected = {name: ids for name, ids in sessions.items() if known[0].start <= at[ids[0]] < known[-1].end}
    inside = _inside(events)
    assert built == expected
    assert {r["event_id"] for r in rejected if r["reason"] == "beyond_max_session_length"} == beyond & inside
    again = sorted(each["event_id"] for each in events if each["event_id"].endswith("7"))
    assert sorted(r["event_id"] for r in rejected if r["reason"] == "duplicate_delivery") == sorted(
        event_id for event_id in set(again) & inside
    )
    earlier = {i for name, ids in sessions.items() if at[ids[0]] < known[0].start for i in ids}
    in_sessions = {event_id for ids in built.values() for event_id in ids}
    assert inside == (in_sessions & inside) | (beyond & inside) | (earlier & inside)


@pytest.mark.parametrize("minutes_before", (20, 55, 90, *range(100, 170, 7)))
def test_chain_into_a_window_is_measured_from_its_true_start(tmp_path: Path, minutes_before: int) -> None:
    """Chains that begin around the longest session before midnight: the second day finds the same start as one pass."""
    midnight = datetime(2025, 1, 7, 5)
    times = [midnight + timedelta(minutes=25 * step - minutes_before) for step in range(12)]
    events = [event("a", at, event_id=f"e{number:02d}") for number, at in enumerate(times)]
    with Shop(tmp_path, PROFILE) as shop:
        shop.run(events)
        built = shop.column("SELECT event_id FROM session_events ORDER BY event_index")
        rejected = shop.column("SELECT event_id FROM rejected_events")
    sessions, beyond = one_pass(events)
    assert [built] == list(sessions.values()) and set(rejected) == beyond


def test_late_events_change_only_what_they_touch(tmp_path: Path) -> None:
    """A restated source with late events, rebuilt in another order, gives the sessions of one pass."""
    early = [event("a", f"2025-01-06 {hour:02d}:50:00", event_id=f"e{hour}") for hour in range(8, 20)]
    late = [event("a", f"2025-01-06 {hour:02d}:20:00", event_id=f"l{hour}") for hour in (9, 10, 11)]
    with Shop(tmp_path, shop_profile(time_zone=ZONE)) as shop:
        shop.run(early)
        assert len(shop.column("SELECT session_id FROM sessions")) == 12
        shop.attach(shop.write([*early, *late], "restated.parquet"))
        shop.build("2", only=windows(shop.profile)[::-1])
        rows = shop.sql("SELECT session_id, COUNT(*) AS n FROM session_events GROUP BY session_id ORDER BY session_id")
        expected = {name: len(ids) for name, ids in one_pass([*early, *late])[0].items()}
        assert {row["session_id"]: row["n"] for row in rows} == expected
        beyond = one_pass([*early, *late])[1]
        assert set(shop.column("SELECT event_id FROM rejected_events")) == beyond != set()
