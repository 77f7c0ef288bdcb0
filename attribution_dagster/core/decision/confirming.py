"""The experiment that would confirm a policy: its targeted units are split at random into contacted and held out."""

import math
from dataclasses import dataclass

import numpy as np

from attribution_dagster.core.claims.experiment import ALPHA, POWER, sessions_per_arm
from attribution_dagster.core.decision.sequential import LOOKS, Look, equal_looks


@dataclass(frozen=True, kw_only=True)
class ConfirmingTest:
    """Rates as measured among the targeted; units_per_arm for the power, None where no number of units would do.

    power_with_targeted: power that half of the targeted units in each arm would give; looks: the guard against peeking.
    """

    control_rate: float
    treated_rate: float
    units_per_arm: int | None
    power_with_targeted: float
    looks: tuple[Look, ...]


def power_of(control_rate: float, treated_rate: float, per_arm: float, alpha: float = ALPHA) -> float:
    """Return the power of a two-sided test of two proportions with so many units in each arm.

    Normal approximation, pooled under the null: the inverse of `sessions_per_arm`.
    """
    from scipy.stats import norm

    middle = (control_rate + treated_rate) / 2
    under_null = math.sqrt(2 * middle * (1 - middle))
    under_change = math.sqrt(control_rate * (1 - control_rate) + treated_rate * (1 - treated_rate))
    if under_change == 0 or per_arm <= 0:
        return 0.0
    reach = abs(treated_rate - control_rate) * math.sqrt(per_arm)
    return float(norm.cdf((reach - norm.ppf(1 - alpha / 2) * under_null) / under_change))


def confirming_test(
    control_rate: float, treated_rate: float, targeted_units: float, *, power: float = POWER, count: int = LOOKS
) -> ConfirmingTest:
    """Return the plan of the test that would see these rates with the power, looked at `count` times."""
    possible = all(0 < rate < 1 for rate in (control_rate, treated_rate)) and control_rate != treated_rate
    return ConfirmingTest(
        control_rate=control_rate,
        treated_rate=treated_rate,
        units_per_arm=sessions_per_arm(control_rate, treated_rate, power) if possible else None,
        power_with_targeted=power_of(control_rate, treated_rate, targeted_units / 2)
        if np.isfinite([control_rate, treated_rate]).all()
        else 0.0,
        looks=tuple(equal_looks(count)),
    )
