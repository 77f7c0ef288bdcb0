"""Learners of the uplift: how much a treatment changes each unit's probability of the outcome, from a randomised experiment.

One contract: `fit(x, treated, y)` learns and returns itself, `predict(x)` is the uplift (N,) in probability, positive where the
treatment helps. x is (N, K), treated and y are (N,) of 0 and 1.

All take the assignment as randomised with one probability, estimated by the share of the treated: none corrects for confounding.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Self

import numpy as np

from attribution_dagster.core.uplift.base_models import BaseModels, Classifier, Floats, Ints, Regressor, probability

MIN_EACH_OUTCOME = 2
"""Units of either outcome that each arm must hold."""


class UpliftLearner(ABC):
    """The contract. `base` makes the models it is built of; `seed` deals the folds of a learner that has some."""

    def __init__(self, base: BaseModels, seed: int = 0) -> None:
        self.base, self.seed = base, seed

    def fit(self, x: Floats, treated: Ints, y: Ints) -> Self:
        """Learn; returns itself.

        Raises:
            ValueError: shapes that don't fit, values that are not finite, not 0 and 1, or an arm without both outcomes.
        """
        _refuse_unusable(x, treated, y)
        self.treated_share_ = float(np.mean(treated))
        self._learn(x, treated, y)
        return self

    @abstractmethod
    def predict(self, x: Floats) -> Floats:
        """Return the uplift (N,) of units with features x (N, K), in probability."""

    @abstractmethod
    def _learn(self, x: Floats, treated: Ints, y: Ints) -> None: ...

    def _outcome_model(self, x: Floats, y: Ints) -> Classifier:
        model = self.base.outcome()
        model.fit(x, y)
        return model

    def _effect_model(self, x: Floats, effect: Floats) -> Regressor:
        model = self.base.effect()
        model.fit(x, effect)
        return model


class TLearner(UpliftLearner):
    """Two models of the outcome, one of each arm; uplift is their difference (Künzel et al., PNAS 2019)."""

    def _learn(self, x: Floats, treated: Ints, y: Ints) -> None:
        self.control_, self.treated_ = (self._outcome_model(x[treated == arm], y[treated == arm]) for arm in (0, 1))

    def predict(self, x: Floats) -> Floats:
        """Return the difference of the two models' probabilities (N,)."""
        return probability(self.treated_, x) - probability(self.control_, x)


class SLearner(UpliftLearner):
    """One model of the outcome that sees the treatment; uplift is its prediction with it minus without it.

    It also sees the treatment times each feature, without which a linear model would give everybody the same uplift in log-odds.
    """

    def _learn(self, x: Floats, treated: Ints, y: Ints) -> None:
        self.model_ = self._outcome_model(_with_treatment(x, treated), y)

    def predict(self, x: Floats) -> Floats:
        """Return the model's probability under treatment minus that without (N,)."""
        without, under = (probability(self.model_, _with_treatment(x, np.full(len(x), arm))) for arm in (0, 1))
        return under - without


class XLearner(TLearner):
    """Imputes each unit's effect by the other arm's model, and learns it in each arm (Künzel et al., PNAS 2019).

    The model that imputes has not seen the unit, which is of the other arm. The two effects are weighted by the share of the
    other arm: the model of the larger arm imputes better.
    """

    def _learn(self, x: Floats, treated: Ints, y: Ints) -> None:
        super()._learn(x, treated, y)
        is_treated = treated == 1
        missed = y[is_treated] - probability(self.control_, x[is_treated])
        gained = probability(self.treated_, x[~is_treated]) - y[~is_treated]
        self.effect_of_treated_ = self._effect_model(x[is_treated], missed)
        self.effect_of_control_ = self._effect_model(x[~is_treated], gained)

    def predict(self, x: Floats) -> Floats:
        """Return the weighted mean (N,) of the two effect models."""
        share = self.treated_share_
        return share * self.effect_of_control_.predict(x) + (1 - share) * self.effect_of_treated_.predict(x)


class DRLearner(UpliftLearner):
    """Regresses the doubly robust score on the features (Kennedy, EJS 2023), nuisance models cross-fitted.

    The score of a unit is mu1 - mu0 + (t - e) / (e (1 - e)) (y - mu_t), with models mu that have not seen the unit's fold.
    """

    n_folds = 2

    def _learn(self, x: Floats, treated: Ints, y: Ints) -> None:
        share = self.treated_share_
        control, under = np.empty(len(x)), np.empty(len(x))
        folds = stratified_folds(treated, y, self.n_folds, self.seed)
        for fold in range(self.n_folds):
            held, rest = folds == fold, folds != fold
            nuisance = TLearner(self.base).fit(x[rest], treated[rest], y[rest])
            control[held] = probability(nuisance.control_, x[held])
            under[held] = probability(nuisance.treated_, x[held])
        expected = np.where(treated == 1, under, control)
        score = under - control + (treated - share) / (share * (1 - share)) * (y - expected)
        self.effect_ = self._effect_model(x, score)

    def predict(self, x: Floats) -> Floats:
        """Return the regression of the score (N,)."""
        return np.asarray(self.effect_.predict(x), dtype=np.float64)


class RandomScore(UpliftLearner):
    """The control of every comparison: scores that know nothing. It is no learner to choose, so not in the registry."""

    def _learn(self, x: Floats, treated: Ints, y: Ints) -> None:
        self.generator_ = np.random.default_rng(self.seed)

    def predict(self, x: Floats) -> Floats:
        """Return scores (N,) drawn by chance."""
        return self.generator_.random(len(x))


LEARNERS: Mapping[str, type[UpliftLearner]] = {"t": TLearner, "s": SLearner, "x": XLearner, "dr": DRLearner}
"""Name -> learner; a new one needs a line here, and passes the contract tests."""


def stratified_folds(treated: Ints, y: Ints, n_folds: int, seed: int) -> Ints:
    """Return the fold (N,) of each unit, 0 to n_folds - 1; every arm and outcome is spread evenly over them.

    Raises:
        ValueError: fewer than n_folds units of an arm and outcome.
    """
    folds = np.empty(len(y), dtype=np.int64)
    generator = np.random.default_rng(seed)
    for arm in (0, 1):
        for outcome in (0, 1):
            members = np.flatnonzero((treated == arm) & (y == outcome))
            if len(members) < n_folds:
                raise ValueError(
                    f"{len(members)} units of arm {arm} have the outcome {outcome}, fewer than {n_folds} folds: "
                    "take fewer folds, another outcome, or more units"
                )
            folds[generator.permutation(members)] = np.arange(len(members)) % n_folds
    return folds


def _with_treatment(x: Floats, treated: Ints) -> Floats:
    column = np.asarray(treated, dtype=np.float64)[:, None]
    return np.hstack([x, column, x * column])


def _refuse_unusable(x: Floats, treated: Ints, y: Ints) -> None:
    if x.ndim != 2 or treated.shape != (len(x),) or y.shape != (len(x),):
        raise ValueError(f"x {x.shape}, treated {treated.shape} and y {y.shape}: expected (N, K), (N,) and (N,)")
    if not np.isfinite(x).all():
        raise ValueError(f"{int((~np.isfinite(x)).sum())} values of x are not finite: fill or drop them")
    for name, values in (("treated", treated), ("y", y)):
        if not np.isin(values, (0, 1)).all():
            raise ValueError(f"{name} holds {np.setdiff1d(values, (0, 1))[:3]}: expected 0 and 1 only")
    for arm in (0, 1):
        counts = [int(np.sum((treated == arm) & (y == outcome))) for outcome in (0, 1)]
        if min(counts) < MIN_EACH_OUTCOME:
            raise ValueError(
                f"arm {arm} has {counts[0]} units with outcome 0 and {counts[1]} with 1: at least {MIN_EACH_OUTCOME} of each are "
                "needed to learn from"
            )
