"""The guard against peeking: published bounds, and how often it rejects where nothing is to be found."""

import numpy as np
import pytest

from attribution_dagster.core.decision.sequential import equal_looks, looks, spent


def test_one_look_is_the_ordinary_test() -> None:
    (only,) = equal_looks(1)
    assert only.z_bound == pytest.approx(1.96, abs=2e-3) and only.p_bound == pytest.approx(0.05, abs=2e-4)


def test_bounds_of_five_looks_are_the_published_ones() -> None:
    # Lan-DeMets O'Brien-Fleming-type, two-sided .05, five equal looks (Reboussin et al. 2000; R: gsDesign, ldbounds).
    published = [4.8769, 3.3569, 2.6803, 2.2898, 2.0310]
    assert [look.z_bound for look in equal_looks(5)] == pytest.approx(published, abs=5e-3)


def test_alpha_is_spent_from_nothing_to_all() -> None:
    assert spent(1.0) == pytest.approx(0.05) and spent(0.2) < 1e-4
    assert [look.alpha_spent for look in equal_looks(4)] == sorted(look.alpha_spent for look in equal_looks(4))


@pytest.mark.parametrize("information", [[0.2, 0.4, 0.6, 0.8, 1.0], [0.1, 0.15, 0.7, 1.0]])
def test_type_one_error_of_looking_again_and_again(information: list[float]) -> None:
    """20,000 A/A tests of two proportions: guarded they reject 5 %, unguarded far more."""
    generator = np.random.default_rng(0)
    tests, planned, rate = 20_000, 4000, 0.1
    seen = np.diff([0, *(round(t * planned) for t in information)])
    arms = [np.cumsum(generator.binomial(seen, rate, (tests, len(seen))), axis=1) for _ in range(2)]
    units = np.cumsum(seen)
    pooled = (arms[0] + arms[1]) / (2 * units)
    z = np.abs(arms[0] - arms[1]) / units / np.sqrt(2 * pooled * (1 - pooled) / units)
    bounds = np.array([look.z_bound for look in looks(information)])
    guarded, unguarded = np.mean((z >= bounds).any(axis=1)), np.mean((z >= 1.96).any(axis=1))
    assert 0.045 <= guarded <= 0.055
    assert unguarded > 0.10


def test_the_guard_costs_little_power() -> None:
    """At the effect that a single look sees with power .8, five guarded looks see it nearly as often."""
    generator = np.random.default_rng(1)
    drift = 1.96 + 0.8416
    steps = generator.normal(size=(20_000, 5)) * np.sqrt(0.2) + drift * 0.2
    z = np.cumsum(steps, axis=1) / np.sqrt(np.cumsum(np.full(5, 0.2)))
    bounds = np.array([look.z_bound for look in equal_looks(5)])
    assert np.mean((z >= bounds).any(axis=1)) > 0.77


@pytest.mark.parametrize("information", [[], [0.0, 1.0], [0.5, 0.5], [0.5, 1.2]])
def test_looks_that_cannot_be_are_refused(information: list[float]) -> None:
    with pytest.raises(ValueError, match="give rising shares"):
        looks(information)
