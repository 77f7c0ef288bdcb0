"""Sample sizes against tabulated and simulated answers."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attribution_dagster.core.claims.experiment import Ground, plan, sessions_per_arm

CONVERTED = st.integers(100, 9_500)
LIKE_FEW, LIKE_MOST = 2.0, -4.0


def ground(**changes: object) -> Ground:
    values = {"sessions": 10_000, "converted": 1_000, "users": 5_000, "standard_error": 0.003}
    return Ground(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("control", "treated", "power", "expected"),
    [
        # From the help page of R's power.prop.test: n = 76.7 (its answer is 76.65).
        (0.50, 0.75, 0.90, 77),
        # By hand: (1.959964 x sqrt(.1958) + .841621 x sqrt(.1956))^2 / .02^2 = 1.536341 / .0004 = 3840.85.
        (0.10, 0.12, 0.80, 3841),
        (0.12, 0.10, 0.80, 3841),
    ],
)
def test_sessions_per_arm_are_the_tabulated_ones(control: float, treated: float, power: float, expected: int) -> None:
    assert sessions_per_arm(control, treated, power) == expected


def test_an_experiment_of_that_size_finds_the_change_as_often_as_promised() -> None:
    n, rng = sessions_per_arm(0.10, 0.13), np.random.default_rng(1)
    control, treated = rng.binomial(n, 0.10, 20_000) / n, rng.binomial(n, 0.13, 20_000) / n
    middle = (control + treated) / 2
    found = np.abs(treated - control) > 1.959964 * np.sqrt(2 * middle * (1 - middle) / n)
    # Three Monte-Carlo errors of 20,000 draws are .0085.
    assert found.mean() == pytest.approx(0.8, abs=0.012)


@settings(max_examples=30)
@given(CONVERTED, st.floats(0.01, 1.0))
def test_a_larger_change_takes_fewer_sessions(converted: int, logits: float) -> None:
    alike = ground(converted=converted)
    rate, near, far = alike.rate, alike.shifted_rate(logits), alike.shifted_rate(2 * logits)
    assert sessions_per_arm(rate, near) >= sessions_per_arm(rate, far) >= 1
    assert math.log(near / (1 - near)) - math.log(rate / (1 - rate)) == pytest.approx(logits)


@settings(max_examples=30)
@given(CONVERTED, st.floats(-2.0, 2.0), st.dictionaries(st.floats(-8.0, 8.0), st.integers(1, 500), min_size=1))
def test_where_sessions_differ_an_effect_moves_the_rate_less(
    converted: int, logits: float, log_odds: dict[float, int]
) -> None:
    alike, unlike = ground(converted=converted), ground(converted=converted, log_odds=log_odds)
    assert unlike.shifted_rate(0.0) == pytest.approx(alike.rate)
    change, most = unlike.shifted_rate(logits) - alike.rate, alike.shifted_rate(logits) - alike.rate
    assert abs(change) <= abs(most) + 1e-9 and change * most >= -1e-12


def test_a_plan_takes_the_sessions_that_the_change_of_the_whole_rate_needs() -> None:
    odds = {LIKE_FEW: 1, LIKE_MOST: 9}
    rate, treated = (
        sum(n / 10 / (1 + math.exp(-value - logits)) for value, n in odds.items()) for logits in (0.0, 0.5)
    )
    seen = {"sessions": 10**9, "converted": round(10**9 * rate)}
    planned, of_alike = plan(ground(**seen, log_odds=odds), 0.5), plan(ground(**seen), 0.5)
    assert planned is not None and planned.treated_rate == pytest.approx(treated, abs=1e-8)
    assert of_alike is not None and planned.sessions_per_arm > 2 * of_alike.sessions_per_arm


@pytest.mark.parametrize(("control", "treated"), [(0.0, 0.1), (0.1, 1.0), (0.2, 0.2), (-0.1, 0.2)])
def test_rates_that_leave_nothing_to_test_are_refused(control: float, treated: float) -> None:
    with pytest.raises(ValueError, match=r"rate"):
        sessions_per_arm(control, treated)


def test_the_design_effect_is_the_clustered_variance_over_the_plain_one_and_never_a_gain() -> None:
    assert ground(standard_error=0.006).design_effect == pytest.approx(4.0)  # plain: .1 x .9 / 10,000 = .003^2
    assert ground(standard_error=0.001).design_effect == 1.0
    assert ground(standard_error=None).design_effect == ground(converted=0).design_effect == 1.0


def test_a_plan_pays_for_sessions_of_one_user_and_counts_windows() -> None:
    planned = plan(ground(standard_error=0.006), math.log(1.25))
    assert planned is not None
    assert planned.treated_rate == pytest.approx(0.1 * 1.25 / (0.9 + 0.125))
    each = sessions_per_arm(0.1, planned.treated_rate)
    assert planned.sessions_per_arm == each
    assert planned.users_per_arm == math.ceil(each * 4 / 2) and planned.windows == math.ceil(2 * each * 4 / 10_000)


def test_a_brake_is_tested_by_taking_it_away() -> None:
    assert plan(ground(), -0.2) == plan(ground(), 0.2)


def test_nothing_is_planned_where_nobody_or_everybody_converts_or_nothing_changes() -> None:
    assert plan(ground(converted=0), 0.2) is None and plan(ground(converted=10_000), 0.2) is None
    assert plan(ground(), 0.0) is None and plan(ground(sessions=0, converted=0), 0.2) is None


def test_ground_refuses_more_conversions_than_sessions() -> None:
    with pytest.raises(ValueError, match=r"converted=11 does not lie in 0\.\.sessions=10"):
        ground(sessions=10, converted=11)
