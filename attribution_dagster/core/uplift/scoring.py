"""Scores of every unit by models that have not seen it, and how far these scores move when the models learn from other units."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from attribution_dagster.core.uncertainty import Z_95
from attribution_dagster.core.uplift.base_models import BaseModels, Floats, Ints, probability
from attribution_dagster.core.uplift.curves import ranked
from attribution_dagster.core.uplift.learners import UpliftLearner, stratified_folds
from attribution_dagster.core.uplift.metrics import (
    METRICS,
    Estimate,
    average_effect,
    corrected_resampled,
    expected_of_random,
    resampled_weights,
)
from attribution_dagster.core.uplift.validity import two_rates

Make = Callable[[], UpliftLearner]
GROUPS = 10
"""Groups by score in which the effect is measured."""


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Of each unit (N,): uplift with its 95 % interval, and the probability of the outcome without treatment.

    The interval is over models learnt from resampled units (normal, by their standard deviation); it leaves out what every such
    model gets wrong, so it holds the true effect less often than 95 % (docs/uplift.md has the coverage).
    """

    uplift: Floats
    low: Floats
    high: Floats
    control_rate: Floats

    @property
    def treated_rate(self) -> Floats:
        """Return the probability of the outcome under treatment, inside [0, 1]."""
        return np.asarray(np.clip(self.control_rate + self.uplift, 0, 1))


@dataclass(frozen=True, kw_only=True)
class GroupEffects:
    """Of each unit (N,): its group by score, 1 the best, and the effect measured in that group with its 95 % interval."""

    group: Ints
    effect: Floats
    low: Floats
    high: Floats


def group_effects(uplift: Floats, treated: Ints, y: Ints, n_groups: int = GROUPS) -> GroupEffects:
    """Return the difference of the arms' rates in each of n_groups equal groups by score, for each unit of the group.

    The scores must come from models that have not seen the units. An arm with fewer than two units in a group measures nothing:
    its interval is infinite. Equal scores are split by their order.
    """
    order = np.argsort(-uplift, kind="stable")
    group = np.empty(len(uplift), dtype=np.int64)
    group[order] = np.arange(len(uplift)) * n_groups // len(uplift)
    effect, reach = np.zeros(n_groups), np.full(n_groups, np.inf)
    for number in range(n_groups):
        under, control = (y[(group == number) & (treated == arm)].astype(np.float64) for arm in (1, 0))
        if min(len(under), len(control)) >= 2:
            _, error, effect[number] = two_rates(under, control)
            reach[number] = Z_95 * error
    return GroupEffects(
        group=group + 1, effect=effect[group], low=(effect - reach)[group], high=(effect + reach)[group]
    )


def cross_fitted_uplift(make: Make, x: Floats, treated: Ints, y: Ints, *, n_folds: int = 5, seed: int = 0) -> Floats:
    """Return the uplift (N,) of each unit by a learner that was fitted without the unit's fold."""
    folds = stratified_folds(treated, y, n_folds, seed)
    uplift = np.empty(len(y))
    for fold in range(n_folds):
        rest = folds != fold
        uplift[~rest] = make().fit(x[rest], treated[rest], y[rest]).predict(x[~rest])
    return uplift


def cross_fitted_scores(
    make: Make,
    base: BaseModels,
    x: Floats,
    treated: Ints,
    y: Ints,
    *,
    n_folds: int = 5,
    resamples: int = 20,
    seed: int = 0,
) -> Scores:
    """Return the scores of each unit by models fitted without the unit's fold.

    `base` gives the model of the outcome without treatment; `resamples` models per fold, each learnt from a bootstrap sample of
    the other folds, give the interval.
    """
    folds = stratified_folds(treated, y, n_folds, seed)
    generator = np.random.default_rng(seed)
    uplift, error, control = np.empty(len(y)), np.empty(len(y)), np.empty(len(y))
    for fold in range(n_folds):
        held, rest = folds == fold, np.flatnonzero(folds != fold)
        uplift[held] = make().fit(x[rest], treated[rest], y[rest]).predict(x[held])
        untreated = rest[treated[rest] == 0]
        outcome = base.outcome()
        outcome.fit(x[untreated], y[untreated])
        control[held] = probability(outcome, x[held])
        again = np.empty((resamples, int(held.sum())))
        for number in range(resamples):
            drawn = np.repeat(rest, resampled_weights(treated[rest], generator).astype(np.int64))
            again[number] = make().fit(x[drawn], treated[drawn], y[drawn]).predict(x[held])
        error[held] = again.std(axis=0, ddof=1)
    return Scores(uplift=uplift, low=uplift - Z_95 * error, high=uplift + Z_95 * error, control_rate=control)


@dataclass(frozen=True, kw_only=True)
class OutOfSample:
    """A figure over random splits, and how far it lies above what a random score has in the same splits."""

    figure: Estimate
    over_random: Estimate


def over_splits(
    makes: Mapping[str, Make], x: Floats, treated: Ints, y: Ints, *, splits: int = 20, parts: int = 3, seed: int = 0
) -> dict[str, dict[str, OutOfSample]]:
    """Return learner -> metric -> mean out-of-sample figure over random splits, with corrected resampled intervals.

    Each split holds one of `parts` equal parts back to judge on and learns from the others; it is the same for all learners.

    Raises:
        ValueError: fewer than two splits or parts.
    """
    if parts < 2:
        raise ValueError(f"parts={parts} leaves nothing to learn from: give at least 2")
    figures: dict[str, list[list[float]]] = {name: [] for name in makes}
    chance: list[list[float]] = []
    for split in range(splits):
        held = stratified_folds(treated, y, parts, seed + split) == 0
        effect = average_effect(treated[held], y[held])
        chance.append([expected_of_random(metric, effect) for metric in METRICS])
        for name, make in makes.items():
            uplift = make().fit(x[~held], treated[~held], y[~held]).predict(x[held])
            steps = ranked(uplift, treated[held], y[held]).steps()
            figures[name].append([metric(steps) for metric in METRICS.values()])
    return {name: _summary(np.array(rows), np.array(chance), 1 / (parts - 1)) for name, rows in figures.items()}


def _summary(figures: Floats, chance: Floats, test_to_train: float) -> dict[str, OutOfSample]:
    """figures, chance: (splits, metrics)."""

    def corrected(values: Floats) -> Estimate:
        return corrected_resampled(values.tolist(), test_to_train=test_to_train)

    return {
        metric: OutOfSample(
            figure=corrected(figures[:, place]), over_random=corrected(figures[:, place] - chance[:, place])
        )
        for place, metric in enumerate(METRICS)
    }
