"""What targeting the best-scored share of the units brings and costs, measured on a randomised experiment that the score has not seen.

Of a population of n units, at the share s that is targeted, n s of them are contacted. With the rates of the treated and of the
control among those units of the experiment that the policy would target:

    incremental conversions = n s (treated rate - control rate)      conversions that would happen anyway earn nothing
    revenue                 = incremental conversions x order value
    cost                    = n s x contact cost + n s x treated rate x redeeming share x incentive
                              everybody contacted is paid for; whoever converts may redeem, also who would have bought anyway
    profit = revenue - cost,   ROI = profit / cost

The share is chosen where the lower end of the profit's interval is highest, and nobody is targeted where it lies below 0 everywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from attribution_dagster.core.uplift.base_models import Floats, Ints
from attribution_dagster.core.uplift.curves import Steps, ranked
from attribution_dagster.core.uplift.metrics import Estimate, resampled_weights

SHARES = tuple(round(0.05 * step, 2) for step in range(1, 21))
"""Shares of the curve: 5 % to everybody."""
FIGURES = ("incremental_conversions", "revenue_usd", "cost_usd", "profit_usd", "roi")


@dataclass(frozen=True, kw_only=True)
class Economics:
    """What a contact, an incentive and an order are worth, in dollars; `redeeming_share` of the treated who convert use the incentive."""

    contact_cost_usd: float = 5.0
    incentive_usd: float = 0.0
    redeeming_share: float = 1.0
    order_value_usd: float = 50.0

    def __post_init__(self) -> None:
        """Refuse what can't be: a negative amount, a share outside [0, 1]."""
        for field in fields(self):
            value = getattr(self, field.name)
            if not (np.isfinite(value) and value >= 0):
                raise ValueError(f"{field.name}={value}: give a number from 0 on")
        if self.redeeming_share > 1:
            raise ValueError(f"redeeming_share={self.redeeming_share}: give a share from 0 to 1")


@dataclass(frozen=True, kw_only=True)
class Point:
    """One share of the curve; rates among the targeted, figures for the whole population."""

    targeted_share: float
    targeted_units: float
    treated_rate: float
    control_rate: float
    uplift: Estimate
    incremental_conversions: Estimate
    revenue_usd: Estimate
    cost_usd: Estimate
    profit_usd: Estimate
    roi: Estimate

    @property
    def relative_uplift(self) -> float:
        """Return the uplift relative to the control's rate: .15 = 15 % more; infinite where the control never converts."""
        return self.uplift.value / self.control_rate if self.control_rate > 0 else float("inf")


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Rates of the treated and the control (.., S, 2) in each best-scored share: as measured, and in R resamples of the units."""

    shares: Sequence[float]
    measured: Floats
    drawn: Floats


@dataclass(frozen=True, kw_only=True)
class Policy:
    """The curve; the share to target, 0 for nobody; and that share's profit on units that did not choose it."""

    points: Sequence[Point]
    rates: Rates
    recommended_share: float
    share_low: float
    share_high: float
    honest_profit_usd: Estimate
    perfect_profit_low_usd: float
    perfect_profit_high_usd: float

    @property
    def recommended(self) -> Point | None:
        """Return the curve's point at the recommended share, None where that is nobody."""
        return next((p for p in self.points if p.targeted_share == self.recommended_share), None)


def rates_at(steps: Steps, shares: Sequence[float]) -> tuple[Floats, Floats]:
    """Return the rates (S,) of the treated and of the control in each best-scored share; equal scores count in proportion."""
    share = steps.share
    n1, n0, y1, y0 = (
        np.interp(shares, share, sums)
        for sums in (steps.treated, steps.control, steps.treated_positive, steps.control_positive)
    )
    return _ratio(y1, n1), _ratio(y0, n0)


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.asarray(np.divide(above, below, out=np.full(len(below), np.nan), where=below > 0))


def figures(economics: Economics, units: float, treated_rate: float, control_rate: float) -> dict[str, float]:
    """Return the FIGURES of contacting so many units; ROI is not a number where nothing is spent."""
    incremental = units * (treated_rate - control_rate)
    redeemed = units * treated_rate * economics.redeeming_share
    cost = units * economics.contact_cost_usd + redeemed * economics.incentive_usd
    revenue = incremental * economics.order_value_usd
    return {
        "incremental_conversions": incremental,
        "revenue_usd": revenue,
        "cost_usd": cost,
        "profit_usd": revenue - cost,
        "roi": (revenue - cost) / cost if cost > 0 else float("nan"),
    }


def simulate_policy(
    score: Floats,
    treated: Ints,
    y: Ints,
    economics: Economics,
    *,
    population: int | None = None,
    shares: Sequence[float] = SHARES,
    replicates: int = 200,
    seed: int = 0,
) -> Policy:
    """Return the curve over the targeted shares, with 95 % percentile intervals over resampled units, and the share to target.

    score: (N,) from models that have not seen the unit; population: units that will be decided on, N if not given.
    """
    generator = np.random.default_rng(seed)
    size = population if population is not None else len(y)
    rates = policy_rates(score, treated, y, shares=shares, replicates=replicates, generator=generator)
    points, low, drawn = _projected(rates, economics, size)
    profit = _COLUMNS.index("profit_usd")
    # Each replicate's own best share, nobody included: how far the choice moves with the units.
    best = [_best(shares, row) for row in drawn[:, :, profit]]
    perfect = _perfect(treated, y, economics, size)
    return Policy(
        points=points,
        rates=rates,
        recommended_share=_best(shares, low[:, profit]),
        share_low=float(np.percentile(best, 2.5)),
        share_high=float(np.percentile(best, 97.5)),
        honest_profit_usd=_honest(score, treated, y, economics, size, shares, replicates, generator),
        perfect_profit_low_usd=perfect[0],
        perfect_profit_high_usd=perfect[1],
    )


def policy_rates(
    score: Floats,
    treated: Ints,
    y: Ints,
    *,
    shares: Sequence[float],
    replicates: int,
    generator: np.random.Generator,
) -> Rates:
    """Return the rates of both arms by share: all that a projection needs, whatever a contact costs."""
    each = ranked(score, treated, y)
    drawn = [rates_at(each.steps(resampled_weights(treated, generator)), shares) for _ in range(replicates)]
    measured = _rates_of(score, treated, y, shares)
    return Rates(shares=shares, measured=measured, drawn=np.stack(drawn).transpose(0, 2, 1))


def project(rates: Rates, economics: Economics, population: int) -> tuple[list[Point], float]:
    """Return the curve over the shares with 95 % percentile intervals, and the share to target, 0 for nobody, under these economics."""
    points, low, _ = _projected(rates, economics, population)
    return points, _best(rates.shares, low[:, _COLUMNS.index("profit_usd")])


def _projected(rates: Rates, economics: Economics, size: int) -> tuple[list[Point], Floats, Floats]:
    """The points, the lower ends (S, columns), and the columns of every resample (R, S, columns)."""
    drawn = np.array([_curve(each, economics, size, rates.shares) for each in rates.drawn])
    values = _curve(rates.measured, economics, size, rates.shares)
    low, high = np.nanpercentile(drawn, [2.5, 97.5], axis=0)
    points = [_point(share, size, values[place], low[place], high[place]) for place, share in enumerate(rates.shares)]
    return points, low, drawn


_COLUMNS = ("treated_rate", "control_rate", "uplift", *FIGURES)


def _curve(rates: Floats, economics: Economics, size: int, shares: Sequence[float]) -> Floats:
    """The columns (shares, columns) for one set of rates (shares, 2)."""
    rows = [
        [under, without, under - without, *figures(economics, size * share, under, without).values()]
        for share, (under, without) in zip(shares, rates.tolist(), strict=True)
    ]
    return np.array(rows)


def _point(share: float, size: int, value: Floats, low: Floats, high: Floats) -> Point:
    treated_rate, control_rate, uplift, conversions, revenue, cost, profit, roi = (
        Estimate(value=float(value[place]), low=float(low[place]), high=float(high[place]))
        for place in range(len(_COLUMNS))
    )
    return Point(
        targeted_share=share,
        targeted_units=size * share,
        treated_rate=treated_rate.value,
        control_rate=control_rate.value,
        uplift=uplift,
        incremental_conversions=conversions,
        revenue_usd=revenue,
        cost_usd=cost,
        profit_usd=profit,
        roi=roi,
    )


def _best(shares: Sequence[float], profit: Floats) -> float:
    """The share with the highest profit, 0 where none is above 0."""
    place = int(np.nanargmax(profit))
    return shares[place] if profit[place] > 0 else 0.0


def _honest(
    score: Floats,
    treated: Ints,
    y: Ints,
    economics: Economics,
    size: int,
    shares: Sequence[float],
    replicates: int,
    generator: np.random.Generator,
) -> Estimate:
    """The profit of the share that one half of the units chooses, on the other half: without the winner's luck."""
    profit, found = _COLUMNS.index("profit_usd"), []
    for _ in range(replicates):
        half = generator.random(len(y)) < 0.5
        if min(len(np.unique(treated[half])), len(np.unique(treated[~half]))) < 2:
            continue
        choosing, judging = (
            _curve(_rates_of(score[side], treated[side], y[side], shares), economics, size, shares)[:, profit]
            for side in (half, ~half)
        )
        best = _best(shares, choosing)
        found.append(float(judging[shares.index(best)]) if best else 0.0)
    low, high = np.percentile(found, [2.5, 97.5])
    return Estimate(value=float(np.mean(found)), low=float(low), high=float(high))


def _rates_of(score: Floats, treated: Ints, y: Ints, shares: Sequence[float]) -> Floats:
    """The rates (S, 2) of the treated and the control in each best-scored share, as measured."""
    return np.stack(rates_at(ranked(score, treated, y).steps(None), shares), axis=-1)


def _perfect(treated: Ints, y: Ints, economics: Economics, size: int) -> tuple[float, float]:
    """Bounds of the profit of contacting exactly those whom it persuades.

    Both outcomes of a unit are never seen, so their share is known within Fréchet's bounds only: at least the average effect, at
    most the smaller of the treated rate and the rate of control units without the outcome.
    """
    under, without = float(y[treated == 1].mean()), float(y[treated == 0].mean())
    each = economics.order_value_usd - economics.contact_cost_usd - economics.redeeming_share * economics.incentive_usd
    low, high = max(0.0, under - without), min(under, 1 - without)
    return size * low * max(each, 0.0), size * high * max(each, 0.0)
