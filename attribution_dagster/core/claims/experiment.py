"""The experiment that would test an effect, and how many sessions it takes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

POWER, ALPHA = 0.8, 0.05


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What an experiment stands on: sessions of a window, how many converted, of how many users.

    standard_error: of the conversion rate, clustered by user. log_odds: how many sessions have which log-odds of converting, as
    predicted; without them all sessions are taken to be alike.
    """

    sessions: int
    converted: int
    users: int
    standard_error: float | None
    log_odds: Mapping[float, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.converted <= self.sessions:
            raise ValueError(f"converted={self.converted} does not lie in 0..sessions={self.sessions}")

    @property
    def rate(self) -> float:
        """Share of sessions that convert; 0 without sessions."""
        return self.converted / self.sessions if self.sessions else 0.0

    @property
    def design_effect(self) -> float:
        """Variance of the rate over that of independent sessions, at least 1: what sessions of one user cost a test."""
        plain = self.rate * (1 - self.rate) / max(self.sessions, 1)
        return max(1.0, self.standard_error**2 / plain) if self.standard_error and plain > 0 else 1.0

    def shifted_rate(self, logits: float) -> float:
        """Return what the conversion rate would be if each session's log-odds lay so many `logits` higher.

        That is less of a change than a single session at the rate would have, the more sessions differ: odds ratios don't
        collapse (Gail, Wieand and Piantadosi 1984). What was predicted is moved as a whole until its mean is the observed rate.
        """
        from scipy.optimize import brentq
        from scipy.special import expit

        if not 0 < self.rate < 1:
            return self.rate
        values = np.array(list(self.log_odds) or [0.0])
        weights = np.array(list(self.log_odds.values()) or [1])

        def mean(shift: float) -> float:
            return float(np.average(expit(values + shift), weights=weights))

        reach = float(np.abs(values).max()) + 50
        level = brentq(lambda shift: mean(shift) - self.rate, -reach, reach)
        return mean(level + logits)


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """Two equal arms of users. treated_rate: what the rate would become if the model's effect were causal.

    sessions_per_arm counts them as if they were independent, users_per_arm pays for those of one user being alike.
    windows: of the dataset's traffic, both arms together.
    """

    control_rate: float
    treated_rate: float
    sessions_per_arm: int
    users_per_arm: int
    windows: int


def sessions_per_arm(control_rate: float, treated_rate: float, power: float = POWER, alpha: float = ALPHA) -> int:
    """Return the size of each of two equal arms at which a two-sided test of two proportions has the power.

    n = (z(1 - alpha/2) sqrt(2 m (1 - m)) + z(power) sqrt(p (1 - p) + q (1 - q)))^2 / (p - q)^2, m = (p + q) / 2: the
    normal approximation of Fleiss, Levin and Paik (Statistical Methods for Rates and Proportions, 2003, 4.14), without
    continuity correction; R's power.prop.test is the same but for the far tail.

    Raises:
        ValueError: a rate that does not lie inside (0, 1), or two equal ones.
    """
    from scipy.stats import norm

    for rate in (control_rate, treated_rate):
        if not 0 < rate < 1:
            raise ValueError(f"a rate of {rate} leaves nothing to test: give two rates inside (0, 1)")
    if control_rate == treated_rate:
        raise ValueError(f"both rates are {control_rate}: no number of sessions tells them apart")
    middle = (control_rate + treated_rate) / 2
    under_null = float(norm.ppf(1 - alpha / 2)) * math.sqrt(2 * middle * (1 - middle))
    under_change = float(norm.ppf(power)) * math.sqrt(
        control_rate * (1 - control_rate) + treated_rate * (1 - treated_rate)
    )
    return math.ceil(((under_null + under_change) / (treated_rate - control_rate)) ** 2)


def plan(ground: Ground, effect: float) -> Experiment | None:
    """Return the experiment that raises conversion by what the model says: one occurrence more of a driver, one fewer of a brake.

    effect: mean effect of an occurrence against an average event, in logits. None where nothing can be planned: no or
    every session converts, or the effect is 0.
    """
    control, treated = ground.rate, ground.shifted_rate(abs(effect))
    if effect == 0 or not 0 < control < 1 or not control < treated < 1:
        return None
    each = sessions_per_arm(control, treated)
    needed = each * ground.design_effect
    return Experiment(
        control_rate=control,
        treated_rate=treated,
        sessions_per_arm=each,
        users_per_arm=math.ceil(needed * ground.users / ground.sessions),
        windows=math.ceil(2 * needed / ground.sessions),
    )
