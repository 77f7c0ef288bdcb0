"""Windows are local calendar days, weeks or months, also where the clock changes."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from attribution_dagster.datasets.profile import Profile
from attribution_dagster.datasets.registry import load_profile
from attribution_dagster.datasets.windows import explainable, look_back, retrain_key, window, windows
from attribution_dagster.errors import ConfigurationError
from attribution_dagster_tests.warehouse.shop import shop_profile


def _profile(zone: str, length: str, start: str, end: str | None, **more: int) -> Profile:
    spec = {"length": length, "start": start, "end": end, "look_back": 1, **more}
    return shop_profile(time_zone=zone, windows=spec)


@pytest.mark.parametrize(
    ("zone", "start", "end", "hours"),
    [
        ("America/New_York", "2025-03-08", "2025-03-11", [24, 23, 24]),
        ("America/New_York", "2025-11-01", "2025-11-04", [24, 25, 24]),
        ("Asia/Shanghai", "2017-11-25", "2017-11-27", [24, 24]),
        ("America/Sao_Paulo", "2018-11-03", "2018-11-06", [24, 23, 24]),  # midnight of the 4th does not exist
        ("America/Havana", "2024-11-02", "2024-11-05", [24, 25, 24]),  # midnight of the 3rd comes twice
        ("Pacific/Apia", "2011-12-29", "2012-01-01", [24, 24]),  # there was no 30th
    ],
)
def test_days_follow_the_clock_changes(zone: str, start: str, end: str, hours: list[int]) -> None:
    found = [each.end - each.start for each in windows(_profile(zone, "day", start, end))]
    assert found == [timedelta(hours=h) for h in hours]


def test_shanghai_day_starts_at_sixteen_utc() -> None:
    first = windows(load_profile("taobao"))[0]
    assert (first.key, first.start, first.end) == (
        "2017-11-25", datetime(2017, 11, 24, 16), datetime(2017, 11, 25, 16),
    )  # fmt: skip


@pytest.mark.parametrize("length", ["day", "week", "month"])
def test_windows_tile_time_without_gaps(length: str) -> None:
    start = {"day": "2024-12-25", "week": "2024-12-23", "month": "2024-11-01"}[length]
    found = windows(_profile("Europe/Berlin", length, start, None), until=datetime(2025, 7, 1, 12))
    assert all(a.end == b.start for a, b in pairwise(found))
    assert found[0].key == start and found[-1].start <= datetime(2025, 7, 1, 12) < found[-1].end


def test_first_explainable_window_has_its_look_back() -> None:
    profile = load_profile("marketplace")
    assert [each.key for each in explainable(profile)] == ["2025-02-03"]
    assert [each.key for each in look_back(profile, "2025-02-03")] == [
        "2025-01-06", "2025-01-13", "2025-01-20", "2025-01-27",
    ]  # fmt: skip
    with pytest.raises(
        ConfigurationError, match=r"window 2025-01-20 has 2 windows before it and needs 4.*is 2025-02-03"
    ):
        look_back(profile, "2025-01-20")


def test_fixed_cut_has_one_model_for_the_last_three_days() -> None:
    profile = load_profile("taobao_fixed_cut")
    keys = [each.key for each in explainable(profile)]
    assert keys == ["2017-12-01", "2017-12-02", "2017-12-03"]
    assert {retrain_key(profile, key) for key in keys} == {"2017-12-01"}
    trained_on = look_back(profile, "2017-12-01")
    assert (trained_on[0].key, trained_on[-1].key) == ("2017-11-25", "2017-11-30")
    assert trained_on[-1].end == datetime(2017, 11, 30, 16)


def test_retraining_every_window_is_its_own_model() -> None:
    profile = load_profile("taobao")
    assert all(retrain_key(profile, each.key) == each.key for each in explainable(profile))


def test_key_that_starts_no_window_is_named() -> None:
    profile = load_profile("marketplace")
    assert window(profile, "2025-01-13").start == datetime(2025, 1, 13)
    with pytest.raises(
        ConfigurationError, match=r"'2025-01-14' starts no window\. Windows: 2025-01-06 to 2025-02-03, one a week"
    ):
        window(profile, "2025-01-14")
    with pytest.raises(ConfigurationError, match="end is not set"):
        windows(_profile("UTC", "day", "2025-01-01", None))
