"""What a source holds hour by hour: which windows can be built, and which one restated event makes stale."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from attribution_dagster.datasets.coverage import Coverage, latest_plausible
from attribution_dagster.datasets.windows import windows
from attribution_dagster.warehouse.queries import load_query
from attribution_dagster_tests.warehouse.shop import Shop, event, shop_profile

DAY_1, DAY_2, DAY_3 = (window for window in windows(shop_profile())[:3])
NOON = timedelta(hours=12)


def coverage(folder: Path, events: Sequence[dict[str, Any]]) -> Coverage:
    folder.mkdir(exist_ok=True)
    with Shop(folder) as shop:
        shop.attach(shop.write(events))
        return Coverage(
            shop.warehouse.fetch(load_query("staging/source_hours"), {"latest_plausible": latest_plausible()})
        )


def some_events() -> list[dict[str, Any]]:
    return [
        event(user, window.start + NOON + timedelta(minutes=minute), event_id=f"{user}{window.key}{minute}")
        for window in (DAY_1, DAY_2, DAY_3)
        for user in ("a", "b")
        for minute in (0, 10)
    ]


def test_digest_does_not_change_with_the_order_of_rows(tmp_path: Path) -> None:
    one, other = coverage(tmp_path / "1", some_events()), coverage(tmp_path / "2", some_events()[::-1])
    assert one.digest(DAY_1.start, DAY_3.end) == other.digest(DAY_1.start, DAY_3.end)


@pytest.mark.parametrize("change", ["added", "delivered twice", "taken away", "altered", "store learnt"])
def test_digest_changes_with_the_day_that_changed_and_no_other(tmp_path: Path, change: str) -> None:
    before, events = coverage(tmp_path / "1", some_events()), some_events()
    place = next(i for i, each in enumerate(events) if each["event_id"].startswith(f"a{DAY_2.key}"))
    if change == "added":
        events.append(event("c", DAY_2.start + NOON, event_id="new"))
    elif change == "delivered twice":
        events.append(dict(events[place]))
    elif change == "taken away":
        del events[place]
    elif change == "altered":
        events[place]["event_type"] = "search"
    else:
        events[place]["store_name"] = "Nightingale"
    after = coverage(tmp_path / "2", events)
    changed = [
        window.key
        for window in (DAY_1, DAY_2, DAY_3)
        if before.digest(window.start, window.end) != after.digest(window.start, window.end)
    ]
    assert changed == [DAY_2.key]


def test_values_in_other_columns_do_not_cancel_out(tmp_path: Path) -> None:
    """A sum of hashes must tell (a, x), (b, y) from (a, y), (b, x)."""
    at = DAY_1.start + NOON
    straight = [event("a", at, store_name="x", event_id="1"), event("b", at, store_name="y", event_id="2")]
    crossed = [event("a", at, store_name="y", event_id="1"), event("b", at, store_name="x", event_id="2")]
    one, other = coverage(tmp_path / "1", straight), coverage(tmp_path / "2", crossed)
    assert one.digest(DAY_1.start, DAY_1.end) != other.digest(DAY_1.start, DAY_1.end)


def test_a_window_holds_its_first_instant_and_not_its_end(tmp_path: Path) -> None:
    found = coverage(tmp_path, [event("a", DAY_2.start), event("a", DAY_3.start)])
    assert [found.holds(window) for window in (DAY_1, DAY_2, DAY_3)] == [False, True, True]
    microsecond_before = coverage(tmp_path, [event("a", DAY_3.start - timedelta(microseconds=1))])
    assert [microsecond_before.holds(window) for window in (DAY_2, DAY_3)] == [True, False]


def test_times_in_the_future_are_impossible_and_ancient_ones_lie_outside(tmp_path: Path) -> None:
    ancient, future = datetime(2000, 1, 1), latest_plausible()
    found = coverage(tmp_path, [event("a", ancient), event("a", DAY_1.start), event("a", future), event("a", None)])
    assert (found.n_rows, found.n_impossible_time, found.n_unparsable_time) == (4, 1, 1)
    assert (found.first_event_at, found.last_event_at) == (ancient, DAY_1.start)
    assert found.n_outside([DAY_1, DAY_2]) == 1


def test_the_end_of_tomorrow_is_where_the_future_begins() -> None:
    assert latest_plausible(datetime(2025, 1, 6, 0, 0)) == datetime(2025, 1, 8)
    assert latest_plausible(datetime(2025, 1, 6, 23, 59)) == datetime(2025, 1, 8)


def test_events_are_counted_by_local_date(tmp_path: Path) -> None:
    found = coverage(tmp_path, [event("a", DAY_1.end - timedelta(minutes=30)), event("a", DAY_1.start + NOON)])
    monday, tuesday = date(2025, 1, 6), date(2025, 1, 7)
    assert found.events_by_date(ZoneInfo("UTC")) == {monday: 2}
    assert found.events_by_date(ZoneInfo("Europe/Berlin")) == {monday: 1, tuesday: 1}
