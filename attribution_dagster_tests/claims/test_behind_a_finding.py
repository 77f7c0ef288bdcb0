"""What stands behind a finding: the trend of raw rates, where an effect holds, what the simple baseline says."""

import numpy as np
import pytest
from scipy.stats import norm

from attribution_dagster.core.claims.baseline_effects import baseline_effects
from attribution_dagster.core.claims.holding import Holding, Place, holding
from attribution_dagster.core.claims.raw_rates import CountRate, trend
from attribution_dagster.core.signals import q_values


def row(count: int, sessions: int, rate: float, half: float = 0.0196, expected: float = 0.1) -> CountRate:
    return CountRate(
        count_low=count,
        count_high=count,
        mean_count=float(count),
        sessions=sessions,
        rate=rate,
        low=rate - half,
        high=rate + half,
        expected=expected,
    )


def test_the_trend_is_the_weighted_slope_with_the_error_of_the_rows() -> None:
    # Mean count (100 x 0 + 300 x 1) / 400 = .75; levers -75 and 75; spread 75; slope .05; error sqrt(2 x 75^2 x .01^2) / 75.
    found = trend([row(0, 100, 0.10), row(1, 300, 0.15)])
    assert found is not None
    assert found.slope == pytest.approx(0.05)
    assert found.high - found.slope == pytest.approx(1.96 * np.sqrt(2) * 0.01)


def test_what_length_alone_would_give_is_taken_off() -> None:
    found = trend([row(0, 100, 0.10, expected=0.10), row(1, 100, 0.15, expected=0.15)])
    assert found is not None and found.slope == pytest.approx(0.0) and found.verdict(0.3) == "do not tell"


def test_raw_rates_agree_contradict_or_do_not_tell() -> None:
    rising, flat = trend([row(0, 500, 0.10), row(2, 500, 0.20)]), trend([row(0, 500, 0.10), row(2, 500, 0.11)])
    assert rising is not None and flat is not None
    assert (rising.verdict(0.1), rising.verdict(-0.1), flat.verdict(-0.1)) == ("agree", "contradict", "do not tell")


def test_with_one_count_there_is_no_trend() -> None:
    assert trend([]) is None and trend([row(1, 10, 0.1)]) is None and trend([row(1, 10, 0.1), row(1, 5, 0.2)]) is None


def test_a_trend_of_no_effect_is_significant_in_five_of_a_hundred() -> None:
    rng, found = np.random.default_rng(3), []
    for _ in range(2000):
        rows = []
        for count, sessions in enumerate((600, 300, 100)):
            rate = rng.binomial(sessions, 0.2) / sessions
            half = 1.96 * np.sqrt(rate * (1 - rate) / sessions)
            rows.append(row(count, sessions, rate, half=half, expected=0.2))
        slope = trend(rows)
        assert slope is not None
        found.append(slope.verdict(1.0) != "do not tell")
    assert 0.035 < np.mean(found) < 0.07  # three Monte-Carlo errors of 2,000 draws are .015


def test_an_effect_holds_where_it_is_significant_and_of_the_same_sign() -> None:
    places = [Place(name="a", effect=0.2, q_value=0.01), Place(name="b", effect=-0.2, q_value=0.01)]
    places += [Place(name="c", effect=0.2, q_value=0.06), Place(name="d", effect=0.2, q_value=None)]
    assert holding(0.5, places) == Holding(same=("a",), opposite=("b",), unclear=("c", "d"))
    assert holding(-0.5, places).same == ("b",) and holding(0.5, places).places == 4


def test_q_values_are_benjamini_and_hochbergs_and_unknown_without_an_error() -> None:
    # p = .01, .02, .2 of three tests: q = .03, .03, .2.
    effects = [float(norm.isf(p / 2)) for p in (0.01, 0.2, 0.02)]
    found = q_values([effects[0], 9.0, effects[1], effects[2]], [1.0, None, 1.0, 1.0])
    assert found[1] is None and [found[n] for n in (0, 2, 3)] == pytest.approx([0.03, 0.2, 0.03])
    assert q_values([], []) == [] and q_values([1.0], [None]) == [None]


def test_an_effect_without_any_error_is_certain_unless_it_is_zero() -> None:
    assert q_values([0.1, 0.0], [0.0, 0.0]) == [0.0, 1.0]


def test_q_values_of_few_models_are_students() -> None:
    # Student's t with two degrees of freedom leaves .05 on both sides beyond 4.303.
    assert q_values([4.303], [1.0], 2) == pytest.approx([0.05], abs=1e-4)
    assert q_values([1.959964], [1.0]) == pytest.approx([0.05], abs=1e-6)


WEIGHTS = {"a": 1.0, "b": 0.5, "c": 0.0, "d": -0.5, "(unknown)": 9.0}
OCCURRENCES = {"a": 10, "b": 10, "c": 10, "d": 10}


def test_the_baseline_is_centred_at_the_average_event() -> None:
    found = baseline_effects(OCCURRENCES, WEIGHTS)
    assert found == pytest.approx({"a": 0.75, "b": 0.25, "c": -0.25, "d": -0.75})
    # Three times as many of `a` pull the average from .25 to .5; what the baseline has never seen has no effect.
    assert baseline_effects({"a": 30, "b": 10, "c": 10, "d": 10, "new": 5}, WEIGHTS)["a"] == pytest.approx(0.5)
    assert baseline_effects({}, WEIGHTS) == {}
