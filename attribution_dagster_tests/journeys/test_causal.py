"""Estimators against worlds whose answer is known by construction."""

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import expit

from attribution_dagster.core.journeys.causal import (
    Estimate,
    doubly_robust,
    error_of_sum,
    lost_auctions,
    naive_difference,
    sensitivity,
)
from attribution_dagster.core.journeys.estimates import (
    TRUSTS,
    bootstrap_error,
    campaign_counts,
    design_estimates,
    model_estimates,
)
from attribution_dagster.core.journeys.journeys import Journeys
from attribution_dagster.core.journeys.lstm import JourneyModel
from attribution_dagster_tests.journeys.world import Built

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


def confounded(seed: int, n: int = 12_000) -> tuple[Floats, Flags, Floats, npt.NDArray[np.int64], float]:
    """Labels, exposure, what is known, users, and purchases that exposure added; intent does both."""
    rng = np.random.default_rng(seed)
    intent = rng.standard_normal(n)
    exposed = rng.random(n) < expit(intent)
    without, with_ads = expit(-2.5 + intent), expit(-2.0 + intent)
    label = (rng.random(n) < np.where(exposed, with_ads, without)).astype(np.float64)
    return label, exposed, intent[:, None], np.arange(n) // 3, float((with_ads - without)[exposed].sum())


def test_the_naive_difference_is_far_off_and_the_doubly_robust_one_is_not() -> None:
    away, covered = [], 0
    for seed in range(12):
        label, exposed, known, user, truth = confounded(seed)
        naive, robust = naive_difference(label, exposed, user), doubly_robust(label, exposed, known, user)
        assert naive.value > 1.6 * truth and naive.low > truth
        away.append(robust.value / truth - 1)
        covered += robust.low <= truth <= robust.high
    assert abs(np.mean(away)) < 0.12 and covered >= 10


def test_unknown_intent_leaves_the_doubly_robust_estimate_as_naive() -> None:
    label, exposed, _, user, _ = confounded(1)
    nothing = np.random.default_rng(2).standard_normal((len(label), 1))
    assert doubly_robust(label, exposed, nothing, user).value == pytest.approx(
        naive_difference(label, exposed, user).value, rel=0.05
    )


def test_naive_difference_by_hand() -> None:
    found = naive_difference(np.array([1.0, 1, 0, 1, 0, 0]), np.array([1, 1, 1, 0, 0, 0], dtype=np.bool_), np.arange(6))
    assert found.value == pytest.approx(3 * (2 / 3 - 1 / 3))


def test_lost_auctions_see_through_intent_that_nobody_logged() -> None:
    rng = np.random.default_rng(4)
    n, gain = 60_000, 0.05
    intent = rng.standard_normal(n)
    bid, price = np.exp(intent + 0.5 * rng.standard_normal(n)), np.exp(0.5 * rng.standard_normal(n))
    won = bid > price
    purchases = rng.poisson(0.2 * np.exp(0.5 * intent) + gain * won).astype(np.float64)
    naive = (purchases[won].mean() - purchases[~won].mean()) * won.sum()
    found = lost_auctions(won, bid, price, purchases, np.arange(n))
    truth = gain * won.sum()
    assert naive > 2 * truth and found.low < truth < found.high and found.error < 0.35 * truth
    assert lost_auctions(won, bid, price, purchases, np.arange(n), days_ratio=2.0).value == pytest.approx(
        2 * found.value
    )
    with pytest.raises(ValueError, match="50 are needed"):
        lost_auctions(won[:40], bid[:40], price[:40], purchases[:40], np.arange(40))


def test_sensitivity_by_hand() -> None:
    # Half of the unexposed buy: under a tilt of 2 up to two thirds of the equals who were exposed might have.
    label = np.array([1.0, 0.0] * 50 + [1.0, 1.0, 1.0, 0.0] * 25)
    exposed = np.array([False] * 100 + [True] * 100)
    found = sensitivity(label, exposed, np.zeros((200, 1)))
    bounds = {tilt: (low, high) for tilt, low, high in found.bounds}
    assert bounds[2.0] == pytest.approx((75 - 200 / 3, 75 - 100 / 3), abs=0.5)
    assert found.explained_away == pytest.approx(3.0, rel=0.02)  # odds 3 : 1 against 1 : 1
    lows, highs = [b[0] for b in bounds.values()], [b[1] for b in bounds.values()]
    assert lows == sorted(lows, reverse=True) and highs == sorted(highs)


def test_errors_count_users_not_rows() -> None:
    parts = np.random.default_rng(5).standard_normal(300)
    alone, doubled = (
        error_of_sum(parts, np.arange(300)),
        error_of_sum(np.repeat(parts, 2), np.repeat(np.arange(300), 2)),
    )
    assert doubled == pytest.approx(2 * alone)
    assert bootstrap_error(parts[:, None], np.arange(300), draws=2000)[0] == pytest.approx(alone, rel=0.1)


def test_an_interval_is_two_errors_wide() -> None:
    assert (Estimate(value=10.0, error=5.0).low, Estimate(value=10.0, error=5.0).high) == pytest.approx((0.2, 19.8))


def test_every_estimator_answers_in_all_and_by_campaign(built: Built, model: JourneyModel) -> None:
    journeys: Journeys = built.journeys
    rows = [
        *design_estimates(journeys, built.auctions),
        *model_estimates("adjusted_model", [model] * 4, journeys),
        *model_estimates("naive_model", [model], journeys),
    ]
    names = campaign_counts(journeys)[0]
    assert {r.estimator for r in rows} == set(TRUSTS) and {r.campaign for r in rows} == {None, *names}
    assert len({(r.campaign, r.estimator) for r in rows}) == len(rows) and all(
        np.isfinite([r.estimate.value, r.estimate.error]).all() for r in rows
    )
    assert not [r for r in design_estimates(journeys, None) if r.estimator == "lost_auctions"]
