"""The event-type mart against numbers worked out by hand."""

import datetime
import math

import pytest

from attribution_dagster_tests.marts.engine import occurrence, run_mart

EVENTS = "transformer_event_attribution"


def by_type(rows, **options):
    return {row["event_type"]: row for row in run_mart(EVENTS, rows, **options).to_pylist()}


def test_means_lifts_and_counts_of_both_sides_are_those_of_the_hand_calculation():
    rows = [
        occurrence("a", 1, 0.4, gradient_attribution=0.2, relative_attribution=2.0),
        occurrence("a", 1, 0.2, gradient_attribution=0.4, relative_attribution=1.0),
        occurrence("b", 0, -0.3, gradient_attribution=0.1, relative_attribution=0.5),
    ]
    (row,) = by_type(rows).values()
    assert row["not_converted"] == pytest.approx(0.1)
    assert row["converted"] == pytest.approx(0.3)
    assert row["attribution_lift"] == pytest.approx(0.2)
    assert (row["signed_not_converted"], row["signed_converted"]) == pytest.approx((-0.4, 0.2))
    assert row["signed_lift"] == pytest.approx(0.6)
    assert row["centred_lift"] == pytest.approx(0.6)
    assert (row["relative_not_converted"], row["relative_converted"], row["relative_lift"]) == pytest.approx(
        (0.5, 1.5, 1)
    )
    assert row["mean_centred_effect"] == pytest.approx(0.1)
    assert row["mean_signed_effect"] == pytest.approx((0.3 + 0.1 - 0.4) / 3)
    assert (row["occurrences"], row["sessions"], row["users"]) == (3, 2, 2)


def test_standard_error_is_the_linearised_ratio_over_users():
    # users: a has sum 0.6 over 2 events, b has sum -0.3 over 1; mean 0.1; residuals 0.4 and -0.4, parts of the events 2/3 and 1/3.
    rows = [occurrence("a", 1, 0.4), occurrence("a", 1, 0.2), occurrence("b", 0, -0.3)]
    (row,) = by_type(rows).values()
    expected = math.sqrt(0.4**2 / (1 - 2 / 3) + 0.4**2 / (1 - 1 / 3)) / 3
    assert row["standard_error"] == pytest.approx(expected)
    assert row["effect_low"] == pytest.approx(0.1 - 1.96 * expected)
    assert row["effect_high"] == pytest.approx(0.1 + 1.96 * expected)


def test_one_user_has_a_mean_but_no_standard_error_and_no_interval():
    (row,) = by_type([occurrence("a", 1, 0.4), occurrence("a", 1, 0.2)]).values()
    assert row["mean_centred_effect"] == pytest.approx(0.3)
    assert (row["standard_error"], row["effect_low"], row["effect_high"]) == (None, None, None)


def test_a_type_seen_only_in_converted_sessions_has_no_lift_rather_than_a_lift_of_zero():
    types = by_type([occurrence("a", 1, 0.4, event_type="rare"), occurrence("b", 0, 0.1)])
    assert types["rare"]["converted"] == pytest.approx(0.5)
    for column in ("not_converted", "attribution_lift", "signed_lift", "centred_lift", "relative_lift"):
        assert types["rare"][column] is None
    assert types["rare"]["mean_centred_effect"] == pytest.approx(0.4)


def test_other_windows_sessions_outside_the_risk_set_and_unread_events_do_not_count():
    rows = [
        occurrence("a", 1, 0.4),
        occurrence("b", 0, 9.0, window_start=datetime.datetime(2025, 1, 13)),
        occurrence("c", 0, 9.0, in_risk_set=False),
        occurrence("d", 0, 9.0, gradient_attribution=None, centred_attribution=None),
    ]
    (row,) = by_type(rows).values()
    assert (row["occurrences"], row["users"]) == (1, 1)
    assert row["mean_centred_effect"] == pytest.approx(0.4)


def test_ranks_run_from_strongest_driver_to_strongest_brake_and_ties_fall_by_name():
    rows = [
        occurrence("a", 1, effect, event_type=name) for name, effect in [("x", 0.1), ("b", 0.3), ("a", 0.3), ("z", -1)]
    ]
    assert {name: row["driver_rank"] for name, row in by_type(rows).items()} == {"a": 1, "b": 2, "x": 3, "z": 4}


def test_below_minimum_support_a_type_is_published_but_not_ranked():
    rows = [occurrence("a", 1, 5.0, event_type="rare"), occurrence("a", 1, 0.1), occurrence("b", 0, 0.1)]
    types = by_type(rows, minimum_support=2)
    assert (types["rare"]["has_minimum_support"], types["rare"]["driver_rank"]) == (False, None)
    assert (types["click"]["has_minimum_support"], types["click"]["driver_rank"]) == (True, 1)


def test_funnel_types_are_marked_and_types_without_a_role_are_not_funnel():
    types = by_type([occurrence("a", 1, 1, event_type="cart"), occurrence("a", 1, 1)], funnel=("cart",))
    assert (types["cart"]["is_funnel"], types["click"]["is_funnel"]) == (True, False)


def test_names_with_quotes_newlines_and_emoji_pass_through_unchanged():
    hostile = [
        "it's",
        'say "hi"',
        "a,b",
        "two\nlines",
        "🛒",
        "<script>alert(1)</script>",
        "=1+1",
        "",
        "{variant}",
        ":window_start",
    ]
    assert set(by_type([occurrence("a", 1, 0.1, event_type=name) for name in hostile])) == set(hostile)
