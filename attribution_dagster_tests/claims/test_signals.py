"""What training again on other users makes of an effect."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution_dagster.core.signals import LEAST_MODELS, NEUTRAL, average_event, direction, is_significant, retrained


def alone(effect: float, signed: float, occurrences: int = 1) -> dict[str, Any]:
    return {"mean_centred_effect": effect, "mean_signed_effect": signed, "occurrences": occurrences}


@pytest.mark.parametrize(
    ("effect", "signed", "said"),
    [
        (-0.325, 0.005, "below average"),  # does nothing, where the average event drives
        (-0.326, -0.004, "below average"),
        (-0.30, -0.05, "below average"),
        (-0.30, -0.051, "brake"),
        (0.30, 0.051, "driver"),
        (0.30, 0.05, "above average"),  # does nothing, where the average event brakes
        (0.30, -0.20, "above average"),
    ],
)
def test_a_driver_or_a_brake_is_one_by_itself_too(effect: float, signed: float, said: str) -> None:
    assert direction(alone(effect, signed)) == said


def test_the_average_event_is_worth_what_effects_against_it_lack() -> None:
    # Effects by themselves 1 (three times) and -1 (once): the average is worth .5.
    assert average_event([alone(0.5, 1.0, 3), alone(-1.5, -1.0, 1)]) == pytest.approx(0.5)
    assert average_event([]) == 0.0


STRONG = "Strong positive signal"


def row(name: str, effect: float, supported: bool = True) -> dict[str, Any]:
    return {
        "event_type": name,
        "mean_centred_effect": effect,
        "effect_low": effect - 0.01,
        "effect_high": effect + 0.01,
        "q_value": 0.001,
        "signal_strength": STRONG,
        "has_minimum_support": supported,
    }


def spread(error: float | None, effect: float = 0.0, models: int = 12) -> dict[str, Any]:
    return {
        "mean_centred_effect": effect,
        "retraining_error": error,
        "retraining_degrees": 6,
        "retraining_q": 0.001,
        "models": models,
        "windows_same_sign": 1,
        "windows_compared": 2,
    }


def test_interval_and_q_are_about_the_published_effect_and_not_that_of_the_sample() -> None:
    (found,) = retrained([row("a", 0.10)], {"a": spread(0.05, effect=0.30)})
    # Six pairs: Student's t with 6 degrees of freedom, 2.447 errors on either side; p of two errors is .0924.
    assert (found["effect_low"], found["effect_high"]) == pytest.approx((0.10 - 0.1223, 0.10 + 0.1223), abs=1e-3)
    assert found["q_value"] == pytest.approx(0.0924, abs=1e-4) and found["signal_strength"] == NEUTRAL
    assert (found["windows_same_sign"], found["windows_compared"], found["is_retrained"]) == (1, 2, True)


def test_rows_are_tested_together_with_those_that_have_enough_users() -> None:
    rows = [row("a", 0.2), row("b", 0.01), row("c", 0.01, supported=False)]
    a, b, c = retrained(rows, {name: spread(0.05) for name in "abc"})
    # p of four errors with 6 degrees of freedom is .00712; of two tests, twice that.
    assert a["q_value"] == pytest.approx(2 * 0.00712, abs=1e-4) and a["signal_strength"] == STRONG
    assert b["q_value"] > 0.5 and c["q_value"] is None and c["effect_low"] is not None


def test_what_no_other_training_tells_of_has_neither_interval_nor_q_beside_others_that_have() -> None:
    known, unknown, silent = retrained(
        [row("a", 0.2), row("b", 0.2), row("c", 0.2)], {"a": spread(0.01), "c": spread(None)}
    )
    assert known["is_retrained"] and known["signal_strength"] == STRONG
    for each in (unknown, silent):
        assert not each["is_retrained"] and each["signal_strength"] == NEUTRAL
        assert (each["effect_low"], each["effect_high"], each["q_value"]) == (None, None, None)


@pytest.mark.parametrize("few", [{}, {"a": spread(0.05, models=LEAST_MODELS - 2)}, {"a": spread(None)}])
def test_without_enough_models_rows_keep_what_this_model_says(few: dict[str, Any]) -> None:
    (found,) = retrained([row("a", 0.1)], few)
    assert found == {**row("a", 0.1), "is_retrained": False}


EFFECTS = st.lists(st.tuples(st.floats(-2, 2), st.floats(0, 1), st.floats(-2, 2)), min_size=1, max_size=8)


@given(EFFECTS, st.integers(2, 8))
def test_what_is_significant_has_an_interval_without_zero(drawn: list[tuple[float, float, float]], pairs: int) -> None:
    rows = [row(str(n), effect) for n, (effect, _, _) in enumerate(drawn)]
    spreads = {str(n): spread(error, sample, 2 * pairs) for n, (_, error, sample) in enumerate(drawn)}
    for found in retrained(rows, spreads):
        if is_significant(found["q_value"]):
            assert found["effect_low"] > 0 or found["effect_high"] < 0
        if found["signal_strength"] != NEUTRAL:
            assert is_significant(found["q_value"])
