"""What a window is compared with, and how far it may be from it."""

import math
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest

from attribution_dagster.checks.suites import expectations
from attribution_dagster.datasets.parameters import parameters
from attribution_dagster.datasets.profile import Quality
from attribution_dagster.datasets.registry import load_profile
from attribution_dagster.datasets.windows import comparable, preceding, window
from attribution_dagster.resources.artifacts import Verdict
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.pipeline.faults import (
    TRAILING,
    Change,
    copy_of,
    hardly_any_conversion_before,
    judged,
    keep_cases,
    rewrite,
    set_column,
    set_where,
    transformer,
    with_history,
)
from attribution_dagster_tests.pipeline.small import EXPLAINED
from attribution_dagster_tests.warehouse.shop import shop_profile

SESSIONS = 339
CONVERTED, CLOSED = 33, 338


@pytest.fixture()
def history(published: Workspace, tmp_path: Path) -> Workspace:
    """A workspace in which the explained window can be compared with four."""
    return with_history(copy_of(published, tmp_path))


def verdict(workspace: Workspace, name: str) -> Verdict:
    found = next(e for e in expectations(workspace.profile) if e.name == name)
    return judged(workspace, found, EXPLAINED)


def with_quality(workspace: Workspace, **bands: object) -> Workspace:
    quality = Quality.model_validate({**workspace.profile.quality.model_dump(), **bands})
    return replace(workspace, profile=workspace.profile.model_copy(update={"quality": quality}))


def resize(table: pa.Table, n: int) -> pa.Table:
    return table.take(pa.array([i % len(table) for i in range(n)], pa.int64()))


@pytest.mark.parametrize("name", ["session_volume", "conversion_rate"])
def test_nothing_is_compared_with_fewer_than_three_windows(published: Workspace, name: str) -> None:
    said = verdict(published, name)
    assert said.passed and said.summary.startswith("passed: no trailing windows")
    assert said.observed["n_trailing_windows"] == 2


@pytest.mark.parametrize(
    ("trailing", "passed"),
    [((9, 170, 900, 0), True), ((9, 169, 900, 0), False), ((1, 1, 339, 900), True), ((679,) * 4, False)],
)
def test_volume_is_compared_with_the_median(history: Workspace, trailing: tuple[int, ...], passed: bool) -> None:
    """Within twice the median of 170, not of 169; of four windows the two in the middle count; an empty one is none."""
    assert history.slice_of("sessions", EXPLAINED).num_rows == SESSIONS
    for key, size in zip(TRAILING, trailing, strict=True):
        rewrite(history, "sessions", lambda t, n=size: resize(t, n), window_key=key)
    said = verdict(history, "session_volume")
    assert said.passed == passed and bool(said.rows) == (not passed)


def test_a_band_is_changed_in_the_profile(history: Workspace) -> None:
    for key in TRAILING:
        rewrite(history, "sessions", lambda t: resize(t, 100), window_key=key)
    assert not verdict(history, "session_volume").passed
    assert verdict(with_quality(history, volume_band=(0.1, 3.4)), "session_volume").passed
    assert not verdict(with_quality(history, volume_band=(0.1, 3.3)), "session_volume").passed


@pytest.mark.parametrize("band", [(1.1, 2), (0.5, 0.9), (-1, 2)])
def test_a_band_that_does_not_hold_one_is_refused(band: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="lower end below 1"):
        Quality(volume_band=band)


def test_conversion_rate_is_compared_as_two_shares_are(history: Workspace) -> None:
    hardly_any_conversion_before(history)
    said = verdict(history, "conversion_rate")
    rows = [row for key in TRAILING for row in history.slice_of("sessions", key).to_pylist()]
    closed = [row["is_converted"] for row in rows if not row["is_bot"] and not row["is_censored"]]
    here, before = CONVERTED / CLOSED, sum(closed) / len(closed)
    pooled = (CONVERTED + sum(closed)) / (CLOSED + len(closed))
    error = math.sqrt(pooled * (1 - pooled) * (1 / CLOSED + 1 / len(closed)))
    assert said.observed["conversion_rate"] == pytest.approx(here)
    assert said.observed["standard_errors_apart"] == pytest.approx((here - before) / error)
    assert said.observed["significant_change"] == pytest.approx(here / before - 1)
    assert not said.passed and len(said.rows) == 5


def test_a_change_that_is_significant_and_small_passes(history: Workspace) -> None:
    hardly_any_conversion_before(history)
    change = verdict(history, "conversion_rate").observed["relative_change"]
    assert verdict(with_quality(history, conversion_rate_tolerance=change * 1.01), "conversion_rate").passed
    assert not verdict(with_quality(history, conversion_rate_tolerance=change * 0.99), "conversion_rate").passed


def test_a_change_that_is_large_and_not_significant_passes(history: Workspace) -> None:
    for key in TRAILING:
        rewrite(
            history,
            "sessions",
            lambda t: set_column(resize(t, 8), "is_converted", [True, True] + [False] * 6),
            window_key=key,
        )
    said = verdict(history, "conversion_rate")
    assert said.observed["relative_change"] < -0.6 and said.observed["standard_errors_apart"] > -4
    assert said.passed and said.observed["significant_change"] == 0


def test_a_conversion_event_that_is_no_longer_sent_is_noticed(history: Workspace) -> None:
    for key in TRAILING:
        rewrite(history, "sessions", lambda t: resize(t, 2000), window_key=key)
    rewrite(history, "sessions", set_where(lambda row: True, is_converted=False))
    assert verdict(history, "conversion_rate").observed["significant_change"] == -1


def test_a_type_with_a_role_or_seen_before_is_known(published: Workspace, tmp_path: Path) -> None:
    copy = copy_of(published, tmp_path)
    for kind, known in (("order_placed", True), ("map_view", True), ("map_view_2", False)):
        rewrite(copy, "stg_events", set_where(lambda row: row["event_type"] == "search", event_type=kind))
        said = verdict(copy, "event_types_known")
        assert said.passed == known and [row["event_type"] for row in said.rows] == [kind] * (not known)
        rewrite(copy, "stg_events", set_where(lambda row, k=kind: row["event_type"] == k, event_type="search"))


def test_the_first_window_has_no_types_to_compare_with(published: Workspace) -> None:
    known = next(e for e in expectations(published.profile) if e.name == "event_types_known")
    said = judged(published, known, "2025-01-06")
    assert said.passed and said.summary == "passed: no window before this one"


def test_days_are_compared_with_their_weekday_and_weeks_with_the_weeks_before() -> None:
    daily = shop_profile(windows={"length": "day", "start": "2025-01-06", "end": "2025-03-31", "look_back": 1})
    day = window(daily, "2025-01-28")
    assert [w.key for w in comparable(daily, day, 8)] == ["2025-01-21", "2025-01-14", "2025-01-07"]
    assert [w.key for w in comparable(daily, day, 2)] == ["2025-01-21", "2025-01-14"]
    assert [w.key for w in preceding(daily, day, 2)] == ["2025-01-26", "2025-01-27"]
    assert comparable(daily, window(daily, "2025-01-12"), 8) == [] == preceding(daily, window(daily, "2025-01-06"), 8)
    weekly = load_profile("marketplace")
    assert [w.key for w in comparable(weekly, window(weekly, "2025-01-27"), 2)] == ["2025-01-20", "2025-01-13"]


def test_a_profile_without_an_end_is_compared_as_well() -> None:
    monthly = shop_profile(windows={"length": "month", "start": "2025-01-01", "look_back": 1})
    april = window(monthly, "2025-04-01", until=datetime(2025, 6, 1))
    assert [w.key for w in comparable(monthly, april, 8)] == ["2025-03-01", "2025-02-01", "2025-01-01"]


def test_places_of_windows_that_there_are_not_hold_a_time_of_no_window() -> None:
    profile = load_profile("marketplace")
    here = window(profile, "2025-01-20")
    names = frozenset({"recent_start", *(f"trailing_{n}" for n in range(1, 9))})
    bound = parameters(profile, here, names)
    assert str(bound["trailing_1"])[:10] == "2025-01-13" and str(bound["trailing_2"])[:10] == "2025-01-06"
    assert len({bound[f"trailing_{n}"] for n in range(3, 9)}) == 1
    assert bound["recent_start"] == window(profile, "2025-01-06").start


@pytest.mark.parametrize(
    ("asset", "name", "table", "change"),
    [
        ("no_funnel/trained_model", "auc_plausible", "model_metrics_no_funnel", transformer(auc=0.9)),
        ("no_funnel/trained_model", "auc_above_chance", "model_metrics_no_funnel", transformer(auc_high=0.5)),
        ("with_funnel/trained_model", "calibrated", "model_metrics_with_funnel", transformer(ece=0.1)),
        ("risk_set", "enough_converted", "risk_set", keep_cases(30)),
    ],
)
def test_what_lies_on_a_bound_passes(
    published: Workspace, tmp_path: Path, asset: str, name: str, table: str, change: Change
) -> None:
    """Just beyond it, the faults fail."""
    copy = copy_of(published, tmp_path)
    rewrite(copy, table, change)
    on_bound = next(e for e in expectations(copy.profile) if (e.asset, e.name) == (asset, name))
    assert judged(copy, on_bound, EXPLAINED).passed
