"""Tests of an experiment's assignment: what passes, what is caught, and how often chance alone fails."""

import numpy as np
import pytest

from attribution_dagster.core.uplift.quadrants import ACTIONS, actions, quadrants
from attribution_dagster.core.uplift.scoring import GroupEffects, Scores, group_effects
from attribution_dagster.core.uplift.validity import a_a, balance, overall_balance, sample_ratio
from attribution_dagster_tests.uplift.experiments import trial

HALVES = {"a": 1.0, "b": 1.0}


def test_sample_ratio_by_hand() -> None:
    found = sample_ratio({"a": 5100, "b": 4900}, HALVES)
    assert found.value == pytest.approx(100**2 / 5000 * 2) == 4.0
    assert found.p_value == pytest.approx(0.0455, abs=1e-4) and found.passed and found.blocking


def test_sample_ratio_catches_lost_units_and_knows_unequal_plans() -> None:
    assert not sample_ratio({"a": 5200, "b": 4800}, HALVES).passed
    assert sample_ratio({"a": 9000, "b": 1000}, {"a": 0.9, "b": 0.1}).p_value == 1.0
    with pytest.raises(ValueError, match="a, c are not the planned a, b"):
        sample_ratio({"a": 1, "c": 1}, HALVES)


def test_balance_names_the_covariate_in_which_arms_differ() -> None:
    seen = trial(4000)
    x = seen.x.copy()
    x[seen.treated == 1, 1] += 0.1
    found = {test.name: test for test in balance(x, ["one", "two", "three"], seen.treated)}
    assert [name for name, test in found.items() if not test.passed] == ["two"]
    # .1 on a uniform of standard deviation 1 / sqrt(3)
    assert found["two"].value == pytest.approx(0.1 * np.sqrt(3), abs=0.05)
    assert not overall_balance(x, seen.treated).passed and overall_balance(seen.x, seen.treated).passed


def test_a_constant_covariate_is_balanced_and_one_hot_columns_are_tested_together() -> None:
    seen = trial(2000)
    levels = np.random.default_rng(0).integers(0, 3, 2000)
    x = np.column_stack([np.ones(2000), *(levels == level for level in range(3))]).astype(float)
    assert balance(x, ["c", "a", "b", "d"], seen.treated)[0].value == 0
    assert 0 < overall_balance(x, seen.treated).p_value < 1  # type: ignore[operator]


def test_a_covariate_that_is_the_arm_itself_is_no_balance() -> None:
    """It varies within neither arm."""
    treated = np.arange(400) % 2
    x = np.stack([3.0 * treated, np.random.default_rng(0).normal(size=400)], axis=1)
    arm, _ = balance(x, ["arm", "noise"], treated)
    assert (arm.value, arm.p_value, arm.passed) == (2.0, 0.0, False)
    assert overall_balance(x, treated).p_value == 0


def test_rounding_of_columns_that_sum_to_one_tells_no_arms_apart() -> None:
    for seed in range(50):
        generator = np.random.default_rng(seed)
        x = np.concatenate([np.eye(3)[generator.integers(0, 3, 3000)], generator.uniform(20, 80, (3000, 2))], axis=1)
        assert overall_balance(x, generator.permutation(np.arange(3000) % 2)).p_value > 1e-6  # type: ignore[operator]


def test_the_unit_of_a_covariate_does_not_matter() -> None:
    generator = np.random.default_rng(1)
    treated = np.arange(3000) % 2
    x = np.concatenate([np.eye(3)[generator.integers(0, 3, 3000)], generator.normal(size=(3000, 2))], axis=1)
    x[treated == 1, 0] *= generator.random(1500) < 0.5
    cents = x * np.array([1, 1, 1, 1, 1e9])
    assert (
        overall_balance(x, treated).value == pytest.approx(overall_balance(cents, treated).value)
        and not overall_balance(cents, treated).passed
    )


def test_overall_balance_rejects_a_random_assignment_as_often_as_it_says() -> None:
    generator = np.random.default_rng(1)
    x = generator.normal(size=(400, 5))
    p = [overall_balance(x, generator.permutation(np.arange(400) % 2)).p_value for _ in range(400)]
    assert 8 <= sum(value < 0.05 for value in p) <= 36  # type: ignore[operator] # 20 expected


def test_a_a_finds_five_per_cent() -> None:
    seen = trial(4000)
    found = a_a(seen.y, seen.treated, repeats=400)
    assert found.passed and 0.02 <= found.value <= 0.09


@pytest.mark.parametrize(
    ("uplift", "reach", "group", "group_reach", "control", "quadrant"),
    [
        (0.10, 0.05, 0.08, 0.02, 0.5, "persuadable"),
        (-0.10, 0.05, -0.08, 0.02, 0.5, "do_not_disturb"),
        (0.10, 0.05, 0.08, 0.09, 0.5, "sure_thing"),  # the model is sure, the experiment is not
        (0.10, 0.11, 0.08, 0.02, 0.5, "sure_thing"),
        (-0.10, 0.05, 0.08, 0.02, 0.1, "lost_cause"),
        (
            0.10,
            0.10,
            0.08,
            0.02,
            0.2,
            "sure_thing",
        ),  # the interval touches 0: not clear; the rate touches the bound: likely
    ],
)
def test_quadrants_go_by_both_intervals(
    uplift: float, reach: float, group: float, group_reach: float, control: float, quadrant: str
) -> None:
    one = np.array([uplift])
    scores = Scores(uplift=one, low=one - reach, high=one + reach, control_rate=np.array([control]))
    effect = np.array([group])
    groups = GroupEffects(group=np.array([1]), effect=effect, low=effect - group_reach, high=effect + group_reach)
    found = quadrants(scores, groups, likely=0.2)
    assert found.tolist() == [quadrant] and actions(found) == [ACTIONS[quadrant]]


def test_group_effects_by_hand() -> None:
    uplift = np.array([0.1, 0.9, 0.2, 0.8, 0.7, 0.3, 0.6, 0.4])
    treated = np.array([1, 1, 0, 0, 1, 0, 0, 1])
    y = np.array([0, 1, 1, 0, 1, 0, 1, 1])
    found = group_effects(uplift, treated, y, n_groups=2)
    assert found.group.tolist() == [2, 1, 2, 1, 1, 2, 1, 2]
    # best four: treated 1, 1; control 0, 1 -> .5, error sqrt(0 / 2 + .5 / 2); others: treated 0, 1; control 1, 0 -> 0
    assert found.effect.tolist() == [0, 0.5, 0, 0.5, 0.5, 0, 0.5, 0]
    assert found.low[1] == pytest.approx(0.5 - 1.96 * 0.5)
    assert group_effects(uplift, treated, y, n_groups=8).high.tolist() == [np.inf] * 8
