"""Curves of an uplift score, tie-safe and weighted: what targeting the best-scored share of a randomised experiment would bring.

Units are ordered by descending score. Equal scores are one step: within it the curve is a straight line, so the order of rows
can't matter. With n1, n0 units and y1, y0 positive outcomes of either arm among those targeted so far:

    gain  at share s   s (y1 / n1 - y0 / n0)         incremental outcomes per unit of the population (scikit-uplift: uplift_curve / N)
    qini  at share s   (y1 - y0 n1 / n0) / N1        incremental outcomes per treated unit of the population (Radcliffe 2007)

A step before which an arm has no unit counts that arm's rate, or its part, as 0.
"""

from dataclasses import dataclass

import numpy as np

from attribution_dagster.core.uplift.base_models import Floats, Ints


@dataclass(frozen=True, kw_only=True)
class Steps:
    """Cumulative sums at each distinct score, descending, from the empty policy on; each (G + 1,) or with a leading axis.

    treated, control: units targeted by arm; treated_positive, control_positive: their positive outcomes.
    """

    treated: Floats
    control: Floats
    treated_positive: Floats
    control_positive: Floats

    @property
    def share(self) -> Floats:
        """Share of the population that is targeted, 0 to 1."""
        targeted = self.treated + self.control
        return targeted / targeted[..., -1:]

    @property
    def gain(self) -> Floats:
        """Incremental outcomes per unit of the population."""
        rate = _ratio(self.treated_positive, self.treated) - _ratio(self.control_positive, self.control)
        return np.asarray(rate * self.share)

    @property
    def qini(self) -> Floats:
        """Incremental outcomes among the treated, per treated unit of the population."""
        expected = self.control_positive * _ratio(self.treated, self.control)
        return np.asarray((self.treated_positive - expected) / self.treated[..., -1:])


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """Units by distinct score, best first: group (N,) of each, arms and outcomes; weighted sums are taken over groups."""

    group: Ints
    n_groups: int
    treated: Ints
    y: Ints

    def steps(self, weights: Floats | None = None) -> Steps:
        """Return the cumulative sums, each unit counting `weights` (N,) times; once without them."""
        each = np.ones(len(self.y)) if weights is None else weights
        under, positive = self.treated == 1, self.y == 1
        return Steps(
            treated=self._cumulated(each * under),
            control=self._cumulated(each * ~under),
            treated_positive=self._cumulated(each * (under & positive)),
            control_positive=self._cumulated(each * (~under & positive)),
        )

    def _cumulated(self, weights: Floats) -> Floats:
        sums = np.bincount(self.group, weights, self.n_groups)
        return np.concatenate([[0.0], np.cumsum(sums)])


def ranked(score: Floats, treated: Ints, y: Ints) -> Ranked:
    """Return the units grouped by score, highest first.

    Raises:
        ValueError: a score that is not finite, or an arm without units.
    """
    if not np.isfinite(score).all():
        raise ValueError(
            f"{int((~np.isfinite(score)).sum())} scores are not finite: a unit without a score can't be ranked"
        )
    if len(np.unique(treated)) < 2:
        raise ValueError("all units are of one arm: without the other there is nothing to compare with")
    distinct, position = np.unique(-score, return_inverse=True)
    return Ranked(group=position.reshape(-1), n_groups=len(distinct), treated=treated, y=y)


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)
