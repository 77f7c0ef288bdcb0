"""Figures of an uplift score on a randomised experiment: Qini, AUUC and uplift at k, with bootstrap intervals and a random score.

Normalisation: areas over the targeted share from 0 to 1, in outcomes per unit, so that they compare between populations of any size.

    qini            area between the Qini curve and the straight line to its end; a random score has 0 in expectation
    auuc            area under the gain curve; a random score has half the average effect in expectation
    uplift_at_k     rate of the treated minus rate of the control among the best-scored share k; a random score has the average effect

scikit-uplift's qini_auc_score and uplift_auc_score are the area above the line divided by that of a perfect score; causalml's
auuc_score and qini_score divide the curve by its end: tests hold these figures against all of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from attribution_dagster.core.uplift.base_models import Floats, Ints
from attribution_dagster.core.uplift.curves import Ranked, Steps, ranked

SHARES = (0.1, 0.2, 0.3)
RANDOM = "random"
"""Name of the control: scores drawn by chance, anew in each replicate."""
Metric = Callable[[Steps], float]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A figure with its 95 % percentile interval over resampled units."""

    value: float
    low: float
    high: float


def qini(steps: Steps) -> float:
    """Return the area between the Qini curve and the straight line to its end."""
    return float(np.trapezoid(steps.qini, steps.share) - steps.qini[-1] / 2)


def auuc(steps: Steps) -> float:
    """Return the area under the gain curve."""
    return float(np.trapezoid(steps.gain, steps.share))


def uplift_at(steps: Steps, share: float) -> float:
    """Return the rate of the treated minus that of the control in the best-scored share; equal scores count in proportion."""
    n1, n0, y1, y0 = (
        float(np.interp(share, steps.share, sums))
        for sums in (steps.treated, steps.control, steps.treated_positive, steps.control_positive)
    )
    return y1 / n1 - y0 / n0 if n1 > 0 and n0 > 0 else float("nan")


def _at(share: float) -> Metric:
    return lambda steps: uplift_at(steps, share)


METRICS: Mapping[str, Metric] = {
    "qini": qini,
    "auuc": auuc,
    **{f"uplift_at_{share:.0%}".replace("%", ""): _at(share) for share in SHARES},
}
"""Name -> figure of the steps: qini, auuc, uplift_at_10, uplift_at_20, uplift_at_30."""


def average_effect(treated: Ints, y: Ints) -> float:
    """Return the rate of the treated minus that of the control."""
    return float(y[treated == 1].mean() - y[treated == 0].mean())


def metric_estimates(
    scores: Mapping[str, Floats], treated: Ints, y: Ints, *, replicates: int = 200, seed: int = 0
) -> dict[str, dict[str, Estimate]]:
    """Return score's name -> metric -> estimate; the last name is `random`, scores drawn anew in each replicate.

    Units are resampled within arm and the scores are held fixed: an interval is about other units, not about a model learnt again
    (`corrected_resampled` is). All scores see the same resamples.
    """
    generator = np.random.default_rng(seed)
    by_name = {name: ranked(score, treated, y) for name, score in scores.items()}
    drawn: dict[str, list[list[float]]] = {name: [] for name in (*scores, RANDOM)}
    for _ in range(replicates):
        weights = resampled_weights(treated, generator)
        chance = ranked(generator.random(len(y)), treated, y)
        for name, each in (*by_name.items(), (RANDOM, chance)):
            drawn[name].append(_figures(each, weights))
    values = {name: _figures(each, None) for name, each in by_name.items()}
    effect = average_effect(treated, y)
    values[RANDOM] = [expected_of_random(metric, effect) for metric in METRICS]
    return {name: _estimates(values[name], np.array(drawn[name])) for name in drawn}


def expected_of_random(metric: str, effect: float) -> float:
    """Return what a random score has in expectation where the average effect is `effect`."""
    return {"qini": 0.0, "auuc": effect / 2}.get(metric, effect)


def resampled_weights(treated: Ints, generator: np.random.Generator) -> Floats:
    """Return how often each unit (N,) is drawn in a bootstrap sample of either arm's size."""
    weights = np.zeros(len(treated))
    for arm in (0, 1):
        members = np.flatnonzero(treated == arm)
        weights[members] = np.bincount(generator.integers(len(members), size=len(members)), minlength=len(members))
    return weights


def corrected_resampled(values: Sequence[float], *, test_to_train: float, level: float = 0.95) -> Estimate:
    """Return the mean of a figure over J random splits with its corrected resampled t interval.

    The splits share units, so their spread understates the error: the variance is (1 / J + n_test / n_train) S^2, J - 1 degrees
    of freedom (Nadeau and Bengio, Machine Learning 52, 2003).

    Raises:
        ValueError: fewer than two splits.
    """
    from scipy.stats import t

    if len(values) < 2:
        raise ValueError(f"{len(values)} split: at least two are needed for an interval")
    mean, variance = float(np.mean(values)), float(np.var(values, ddof=1))
    error = np.sqrt((1 / len(values) + test_to_train) * variance)
    reach = float(t.ppf((1 + level) / 2, len(values) - 1) * error)
    return Estimate(value=mean, low=mean - reach, high=mean + reach)


def _figures(each: Ranked, weights: Floats | None) -> list[float]:
    steps = each.steps(weights)
    return [metric(steps) for metric in METRICS.values()]


def _estimates(values: Sequence[float], drawn: Floats) -> dict[str, Estimate]:
    low, high = np.nanpercentile(drawn, [2.5, 97.5], axis=0)
    return {
        name: Estimate(value=values[place], low=float(low[place]), high=float(high[place]))
        for place, name in enumerate(METRICS)
    }
