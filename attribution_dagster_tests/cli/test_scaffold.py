"""Windows that `attribution new` writes, for a file that still grows and for one that does not."""

from datetime import date, datetime, timedelta

import pyarrow as pa
import pytest

from attribution_dagster.cli.doctor import partial_windows
from attribution_dagster.cli.scaffold import _windows
from attribution_dagster.datasets.coverage import Coverage
from attribution_dagster.datasets.registry import load_profile
from attribution_dagster.errors import DataError

MARKETPLACE = load_profile("marketplace")


def coverage(first: datetime, days: int) -> Coverage:
    """An hour of ten events at noon of each day."""
    noons = [first.replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=day) for day in range(days)]
    columns = {"hour_start": noons, "first_event_at": noons, "last_event_at": noons, "n_events": [10] * days}
    return Coverage(pa.table(columns))


@pytest.mark.parametrize("day", range(7))
def test_a_file_that_grows_has_windows_without_an_end_and_none_that_is_not_over(day: int) -> None:
    """The dataset it extends ends in 2025: that end must not hold. Today is any day of the week."""
    now = datetime(2026, 3, 2) + timedelta(days=day)
    patient = MARKETPLACE.model_copy(update={"windows": MARKETPLACE.windows.model_copy(update={"look_back": 9})})
    found = _windows(patient, coverage(now - timedelta(days=40), 41), "UTC", now.date())
    assert (found["start"], found["look_back"]) == ((date(2026, 1, 19), 5) if day < 2 else (date(2026, 1, 26), 4))
    assert found["end"] is None and found["length"] == "week"
    last_start = now.date() - timedelta(days=now.weekday())
    assert (last_start - found["start"]).days == 7 * (found["look_back"] + 1)


def test_a_file_of_the_past_ends_after_its_last_window() -> None:
    found = _windows(MARKETPLACE, coverage(datetime(2024, 1, 1), 30), "UTC", date(2026, 3, 2))
    assert (str(found["start"]), str(found["end"]), found["look_back"]) == ("2024-01-01", "2024-01-29", 3)


def test_windows_that_are_not_full_are_named_with_what_leaves_them_out() -> None:
    windows = MARKETPLACE.windows.model_copy(update={"start": date(2024, 1, 1), "end": date(2024, 2, 5)})
    profile = MARKETPLACE.model_copy(update={"windows": windows, "time_zone": "UTC"})
    ancient = coverage(datetime(2000, 1, 1), 1).hours
    found = Coverage(pa.concat_tables([ancient, coverage(datetime(2024, 1, 3), 29).hours]))
    first, last = partial_windows(profile, found)
    assert (
        first == "window 2024-01-01 is not full: the events begin on 2024-01-03; windows.start 2024-01-08 leaves it out"
    )
    assert "window 2024-01-29 is not full: the events end on 2024-01-31, the window on 2024-02-04" in last
    assert last.endswith("windows.end 2024-01-29 leaves it out")
    assert partial_windows(profile, coverage(datetime(2024, 1, 1), 35)) == []


def test_a_few_days_get_windows_of_a_day_and_one_day_is_too_little() -> None:
    assert _windows(MARKETPLACE, coverage(datetime(2024, 1, 1), 6), "UTC", date(2026, 3, 2))["length"] == "day"
    with pytest.raises(DataError, match=r"1 date\(s\)"):
        _windows(MARKETPLACE, coverage(datetime(2024, 1, 1), 1), "UTC", date(2026, 3, 2))
