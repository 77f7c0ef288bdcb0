"""Raw conversion rates by how often an event occurs: their trend, and whether it agrees with a model's effect."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from attribution_dagster.core.uncertainty import Z_95

Verdict = Literal["agree", "contradict", "do not tell"]


@dataclass(frozen=True, kw_only=True)
class CountRate:
    """Sessions in which an event occurs count_low to count_high times: how many, and how often they convert.

    expected: the rate that the lengths of these sessions alone would give.
    """

    count_low: int
    count_high: int
    mean_count: float
    sessions: int
    rate: float
    low: float
    high: float
    expected: float


@dataclass(frozen=True, kw_only=True)
class Trend:
    """Change of the conversion rate per further occurrence (.01 = one point), with its 95 % interval."""

    slope: float
    low: float
    high: float

    def verdict(self, effect: float) -> Verdict:
        """Whether the trend is clearly of the effect's sign, clearly of the other, or neither."""
        if self.low <= 0 <= self.high:
            return "do not tell"
        return "agree" if (self.slope > 0) == (effect > 0) else "contradict"


def trend(rates: Sequence[CountRate]) -> Trend | None:
    """Return the least-squares slope of (rate - expected) on the mean count, weighted by sessions; None with one count.

    Its error is that of the rows' rates, from the half widths of their intervals, rows taken as independent. So it is
    the trend test of Cochran and Armitage without its pooled variance.
    """
    counts = np.array([row.mean_count for row in rates], dtype=np.float64)
    if len(counts) < 2 or np.ptp(counts) == 0:
        return None
    weights = np.array([row.sessions for row in rates], dtype=np.float64)
    excess = np.array([row.rate - row.expected for row in rates], dtype=np.float64)
    errors = np.array([(row.high - row.low) / (2 * Z_95) for row in rates], dtype=np.float64)
    lever = weights * (counts - np.average(counts, weights=weights))
    spread = float(lever @ counts)
    slope, error = float(lever @ excess) / spread, float(np.sqrt((lever**2) @ (errors**2))) / spread
    return Trend(slope=slope, low=slope - Z_95 * error, high=slope + Z_95 * error)
