"""What a policy earns: a worked example by hand, and properties that keep the sums honest."""

import numpy as np
import pytest

from attribution_dagster.core.decision.confirming import confirming_test, power_of
from attribution_dagster.core.decision.roi import Economics, figures, simulate_policy
from attribution_dagster_tests.uplift.experiments import trial

FREE = Economics(contact_cost_usd=0, order_value_usd=50)


def example() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ten best-scored units and ten others, half of each treated. Best: treated 4 of 5, control 1 of 5; others: 2 of 5 in both arms."""
    score = np.repeat([0.9, 0.1], 10)
    treated = np.tile(np.repeat([1, 0], 5), 2)
    y = np.array([1, 1, 1, 1, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0])
    return score, treated, y


def test_worked_example_by_hand() -> None:
    """1,000 units, $2 a contact, $10 off for 80 % of those who buy, $50 an order.

    Half targeted: 500 contacts. Rates .8 and .2, so 500 x .6 = 300 conversions more, $15,000.
    Contacts 500 x 2 = $1,000; redeemers 500 x .8 x .8 = 320, $3,200; cost $4,200; profit $10,800; ROI 2.571.
    All targeted: 1,000 contacts. Rates .6 and .3, so again 300 conversions, $15,000.
    Contacts $2,000; redeemers 1,000 x .6 x .8 = 480, $4,800; cost $6,800; profit $8,200; ROI 1.206.
    """
    economics = Economics(contact_cost_usd=2, incentive_usd=10, redeeming_share=0.8, order_value_usd=50)
    found = simulate_policy(*example(), economics, population=1000, shares=(0.5, 1.0), replicates=50)
    half, everybody = found.points
    assert (half.treated_rate, half.control_rate, half.uplift.value) == pytest.approx((0.8, 0.2, 0.6))
    assert half.relative_uplift == pytest.approx(3.0)
    for point, expected in (
        (half, (300, 15_000, 4_200, 10_800, 10_800 / 4_200)),
        (everybody, (300, 15_000, 6_800, 8_200, 8_200 / 6_800)),
    ):
        values = (point.incremental_conversions, point.revenue_usd, point.cost_usd, point.profit_usd, point.roi)
        assert [estimate.value for estimate in values] == pytest.approx(expected)


def test_those_who_would_buy_anyway_cost_money_and_earn_nothing() -> None:
    economics = Economics(contact_cost_usd=1, incentive_usd=5, order_value_usd=50)
    sure = figures(economics, 100, treated_rate=0.9, control_rate=0.9)
    assert sure["incremental_conversions"] == sure["revenue_usd"] == 0
    assert sure["cost_usd"] == pytest.approx(100 + 0.9 * 100 * 5) and sure["roi"] == -1


def test_nothing_spent_has_no_roi() -> None:
    assert np.isnan(figures(FREE, 100, 0.5, 0.2)["roi"]) and figures(FREE, 100, 0.5, 0.2)[
        "profit_usd"
    ] == pytest.approx(1500)


def test_recommends_those_worth_their_contact_and_nobody_where_nobody_is() -> None:
    seen = trial(8000, seed=3)
    some = simulate_policy(seen.effect, seen.treated, seen.y, Economics(contact_cost_usd=7), replicates=60)
    # $50 x effect > $7 where the effect is above .14: a little over half of the units
    assert 0.3 <= some.recommended_share <= 0.8 and some.share_low <= 0.55 <= some.share_high
    assert some.recommended is not None and some.recommended.profit_usd.low > 0
    assert some.honest_profit_usd.low > 0
    nobody = simulate_policy(seen.effect, seen.treated, seen.y, Economics(contact_cost_usd=40), replicates=60)
    assert nobody.recommended_share == 0 and nobody.recommended is None
    assert nobody.honest_profit_usd.value <= max(p.profit_usd.value for p in nobody.points) or nobody.share_high == 0


def test_every_figure_has_an_interval_that_holds_it_and_revenue_scales_with_the_population() -> None:
    seen = trial(2000)
    once, twice = (
        simulate_policy(seen.effect, seen.treated, seen.y, Economics(), population=n, replicates=60)
        for n in (1000, 2000)
    )
    for first, second in zip(once.points, twice.points, strict=True):
        for name in ("incremental_conversions", "revenue_usd", "cost_usd", "profit_usd", "roi", "uplift"):
            estimate = getattr(first, name)
            assert estimate.low <= estimate.value <= estimate.high, name
        assert second.profit_usd.value == pytest.approx(2 * first.profit_usd.value)
        assert second.roi.value == pytest.approx(first.roi.value)


def test_perfect_targeting_lies_within_frechets_bounds() -> None:
    _, treated, y = example()
    found = simulate_policy(np.zeros(20), treated, y, Economics(contact_cost_usd=2), population=1000, replicates=20)
    # rates .6 and .3: between .3 and min(.6, .7) of 1,000 are persuadable, each worth $48
    assert found.perfect_profit_low_usd == pytest.approx(300 * 48) and found.perfect_profit_high_usd == pytest.approx(
        600 * 48
    )


def test_without_luck_the_chosen_share_earns_less_than_it_seems_to() -> None:
    """Where the score says nothing, the best point of the curve is luck; the other half does not repeat it."""
    generator = np.random.default_rng(2)
    treated, y = generator.integers(0, 2, 2000), (generator.random(2000) < 0.2).astype(int)
    found = simulate_policy(generator.random(2000), treated, y, Economics(contact_cost_usd=0.5), replicates=100)
    assert found.honest_profit_usd.value < max(point.profit_usd.value for point in found.points)
    assert found.recommended_share == 0


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ({"contact_cost_usd": -1}, "contact_cost_usd=-1"),
        ({"order_value_usd": float("nan")}, "order_value_usd=nan"),
        ({"redeeming_share": 1.5}, "redeeming_share=1.5"),
    ],
)
def test_economics_that_cannot_be_are_refused(spoil: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Economics(**spoil)


def test_power_is_what_the_sample_size_was_made_for() -> None:
    plan = confirming_test(0.10, 0.15, targeted_units=0)
    assert plan.units_per_arm is not None
    assert power_of(0.10, 0.15, plan.units_per_arm) == pytest.approx(0.8, abs=1e-3)
    assert power_of(0.10, 0.10, 1000) == pytest.approx(0.025)  # the one tail that it points to
    assert (
        confirming_test(0.10, 0.10, 500).units_per_arm is None and confirming_test(0.0, 0.1, 500).units_per_arm is None
    )
    assert confirming_test(0.10, 0.15, targeted_units=2 * plan.units_per_arm).power_with_targeted == pytest.approx(
        0.8, abs=1e-3
    )
