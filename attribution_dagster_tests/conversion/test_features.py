"""Features of sessions: values worked out by hand, and nothing in them that was not known at the moment of the prediction."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attribution_dagster.warehouse.ddl import table_definition
from attribution_dagster_tests.conversion.features import features_of, profile_of
from attribution_dagster_tests.warehouse.shop import event, shop_profile

NOON = datetime(2025, 1, 6, 12)
SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)


def session(*kinds: str, user: str = "a", at: datetime = NOON, gap: timedelta = 10 * SECOND, **more: Any) -> list[Any]:
    return [event(user, at + number * gap, kind, **more) for number, kind in enumerate(kinds)]


def test_counts_times_and_ratios_by_hand(tmp_path: Path) -> None:
    events = [
        event("a", NOON, "search", discovery_feature="bar", primary_category="food"),
        event("a", NOON + 10 * SECOND, "view", product_id="p", price_usd=4, primary_category="food", store_id="s"),
        event("a", NOON + 40 * SECOND, "view", product_id="p", price_usd=4, primary_category="drink", store_id="s"),
        event("a", NOON + 70 * SECOND, "cart", product_id="q", price_usd=6, primary_category="drink", store_id="s"),
        event("a", NOON + 100 * SECOND, "uncart", is_nv=True),
        event("a", NOON + 120 * SECOND, "order", price_usd=99),
        event("a", NOON + 130 * SECOND, "view", price_usd=99),
    ]
    row = features_of(tmp_path, events)["a_no-device_2025-01-06_1", "full"]
    assert row["is_converted"] and row["predicted_after_s"] == 100 and row["main_category"] == "drink"
    expected = {
        "start_hour": 12, "start_weekday": 0, "is_weekend": 0, "seen_s": 100, "mean_gap_s": 25, "max_gap_s": 30,
        "last_gap_s": 30, "events_per_min": 3, "start_to_view_s": 10, "view_to_cart_s": 60, "cart_to_checkout_s": None,
        "since_last_cart_s": 30, "n_events": 5, "n_views": 2, "n_carts": 1, "n_removes": 1, "n_checkouts": 0,
        "n_funnel_events": 1, "n_discoveries": 1, "n_product_events": 3, "view_share": 0.4, "carts_per_view": 0.5,
        "removes_per_cart": 1, "funnel_share": 0.2, "discovery_share": 0.2, "n_event_types": 4, "n_products": 2,
        "n_stores": 1, "n_categories": 2, "n_discovery_features": 1, "store_diversity": 1 / 3,
        "repeated_product_share": 1 / 3, "repeated_type_share": 0.25, "max_events_of_product": 2,
        "main_category_share": 0.5, "n_category_switches": 1, "mean_price_usd": 14 / 3, "max_price_usd": 6,
        "price_range_usd": 2, "cart_value_usd": 6, "nv_share": 1, "user_visits_before": 0, "user_events_before": 0,
        "user_carts_before": 0, "user_conversions_before": 0, "user_conversion_rate_before": None,
        "device_events_before": 0, "since_last_event_h": None, "since_last_conversion_h": None,
    }  # fmt: skip
    assert {name: row[name] for name in expected} == pytest.approx(expected)
    assert set(row) - set(expected) == {column.name for column in table_definition("session_features").columns[:9]}


def test_without_views_a_rate_is_missing_and_not_infinite(tmp_path: Path) -> None:
    row = features_of(tmp_path, session("cart"))["a_no-device_2025-01-06_1", "full"]
    assert row["n_carts"] == 1 and row["carts_per_view"] is None and row["mean_gap_s"] is None


@pytest.mark.parametrize(
    ("events", "seen", "after"),
    [
        (session("view", "view", "view", "cart"), 3, 20),  # at the third event
        (session("view", "view"), 2, 300),  # fewer came: after five minutes
        (session("view", "view", gap=300 * SECOND), 2, 300),  # at five minutes still in time
        (session("view", "view", gap=300 * SECOND + MICROSECOND), 1, 300),
        (session("view", "view", "view", "order", gap=timedelta(0)), 3, 0),  # all at one instant
    ],
)
def test_early_prediction_is_made_at_its_event_or_minute(
    tmp_path: Path, events: list[Any], seen: int, after: float
) -> None:
    row = features_of(tmp_path, events)["a_no-device_2025-01-06_1", "early"]
    assert (row["n_events"], row["predicted_after_s"]) == (seen, after)


@pytest.mark.parametrize(
    ("kinds", "gap", "sets"),
    [
        (("view", "view", "order"), 10 * SECOND, {"full"}),  # had converted when the early prediction was to be made
        (("view", "view", "order"), timedelta(minutes=3), {"early", "full"}),  # after six minutes
        (("view", "view", "view", "order"), 10 * SECOND, {"early", "full"}),
        (("order", "view"), 10 * SECOND, set()),  # nothing comes before its conversion
    ],
)
def test_a_session_that_has_converted_is_not_predicted(
    tmp_path: Path, kinds: tuple[str, ...], gap: timedelta, sets: set[str]
) -> None:
    rows = features_of(tmp_path, session(*kinds, gap=gap))
    assert {feature_set for _, feature_set in rows} == sets


def test_history_is_strictly_before_the_session_and_within_its_days(tmp_path: Path) -> None:
    day = timedelta(days=1)
    events = [
        *session("order", at=NOON - MICROSECOND),  # before the two days that the 8th looks back on
        *session("view", "cart", "order", at=NOON + day, device_id="phone"),
        *session("view", at=NOON + 2 * day - timedelta(hours=1)),
        *session("view", "view", at=NOON + 2 * day),
        *session("order", at=NOON + 2 * day, device_id="phone"),  # at the same instant: not before it
    ]
    profile = profile_of(
        windows={"length": "day", "start": "2025-01-06", "end": "2025-01-10", "look_back": 1},
        time_zone="UTC",
    )
    profile = profile.model_copy(update={"conversion": profile.conversion.model_copy(update={"history_days": 1})})
    row = features_of(tmp_path, events, profile)["a_no-device_2025-01-08_2", "full"]
    assert (row["user_visits_before"], row["user_events_before"], row["user_carts_before"]) == (2, 4, 1)
    assert (row["user_conversions_before"], row["user_conversion_rate_before"]) == (1, 0.5)
    assert row["device_events_before"] == 1 and row["since_last_event_h"] == 1
    assert row["since_last_conversion_h"] == pytest.approx(24 - 20 / 3600)


def test_bots_and_sessions_still_open_have_no_row(tmp_path: Path) -> None:
    events = [*session(*["view"] * 51, gap=SECOND), *session("view", user="b")]
    assert {key for key, _ in features_of(tmp_path, events)} == {"b_no-device_2025-01-06_1"}


def test_the_early_moment_lies_before_a_session_can_be_known_to_be_over() -> None:
    with pytest.raises(ValueError, match=r"early_minutes 30 is not below sessions\.inactivity_minutes 30"):
        shop_profile(conversion={"early_minutes": 30})


KINDS = st.sampled_from(["view", "view", "cart", "uncart", "search", "order"])
GAPS = st.sampled_from([0, 0, 1, 40, 250, 299, 300, 301, 1700, 1800, 1801, 9000])


@st.composite
def histories(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Events of two users on two devices, with ties, long pauses and sessions at the same time."""
    events = []
    for user, device in (("a", None), ("a", "phone"), ("b", "phone")):
        at = datetime(2025, 1, 6, 21) + timedelta(hours=draw(st.integers(0, 3)))
        for gap in draw(st.lists(GAPS, min_size=1, max_size=8)):
            at += timedelta(seconds=gap)
            about = {"product_id": draw(st.sampled_from(["p", "q", None])), "price_usd": draw(st.integers(1, 9))}
            about["primary_category"] = draw(st.sampled_from(["food", "drink", None]))
            events.append(event(user, at, draw(KINDS), device_id=device, **about))
    return [{**each, "event_id": f"e{number:03d}"} for number, each in enumerate(events)]


TWO_DAYS = profile_of(windows={"length": "day", "start": "2025-01-06", "end": "2025-01-08", "look_back": 1})


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(events=histories())
def test_a_database_cut_at_the_prediction_gives_the_same_features(
    events: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever happens after the moment of a prediction, here, in other sessions or on other days, changes none of its features."""
    folder = tmp_path_factory.mktemp("cut")
    whole = features_of(folder / "whole", events, TWO_DAYS)
    moments = sorted({row["started_at"] + timedelta(seconds=row["predicted_after_s"]) for row in whole.values()})
    for number, moment in enumerate(moments[:: len(moments) // 8 + 1]):
        known = [each for each in events if datetime.fromisoformat(each["event_at"]) <= moment]
        again = features_of(folder / str(number), known, TWO_DAYS)
        for key, row in whole.items():
            if row["started_at"] + timedelta(seconds=row["predicted_after_s"]) == moment:
                assert _features(again[key]) == pytest.approx(_features(row), abs=1e-9), (key, moment)


def _features(row: dict[str, Any]) -> dict[str, Any]:
    """All but the label, which is not known yet at the prediction."""
    return {name: value for name, value in row.items() if name not in ("is_converted", "started_at", "window_start")}
