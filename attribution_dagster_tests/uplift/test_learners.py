"""The contract of every learner, on every base model; and answers that are known."""

import numpy as np
import pytest

from attribution_dagster.core.conversion.estimators import ESTIMATORS
from attribution_dagster.core.uplift.base_models import BASE_MODELS, BaseModels
from attribution_dagster.core.uplift.learners import LEARNERS, TLearner, stratified_folds
from attribution_dagster.core.uplift.scoring import cross_fitted_scores, cross_fitted_uplift
from attribution_dagster_tests.uplift.experiments import trial

EVERY = sorted(LEARNERS)
LINEAR = BASE_MODELS["linear"](0)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("base", sorted(BASE_MODELS))
def test_predicts_one_finite_effect_per_unit_that_ranks_with_the_truth(name: str, base: str) -> None:
    seen, unseen = trial(4000, seed=1), trial(2000, seed=2)
    learner = LEARNERS[name](BASE_MODELS[base](0)).fit(seen.x, seen.treated, seen.y)
    found = learner.predict(unseen.x)
    assert found.shape == (len(unseen.x),) and np.isfinite(found).all()
    assert np.corrcoef(found, unseen.effect)[0, 1] > 0.6
    assert abs(found.mean() - unseen.effect.mean()) < 0.03


@pytest.mark.parametrize("name", EVERY)
def test_the_same_data_and_seed_give_the_same_effects_whatever_is_asked_together(name: str) -> None:
    seen = trial(1500)
    first, again = (LEARNERS[name](LINEAR, seed=4).fit(*seen[:3]) for _ in range(2))
    assert (first.predict(seen.x) == again.predict(seen.x)).all()
    assert first.predict(seen.x[:7]) == pytest.approx(first.predict(seen.x)[:7])


@pytest.mark.parametrize("name", EVERY)
def test_fit_returns_itself_and_leaves_its_inputs_alone(name: str) -> None:
    seen = trial(800)
    copies = [part.copy() for part in seen[:3]]
    learner = LEARNERS[name](LINEAR)
    assert learner.fit(*seen[:3]) is learner
    assert all((part == copy).all() for part, copy in zip(seen[:3], copies, strict=True))


@pytest.mark.parametrize("name", EVERY)
def test_swapping_the_arms_turns_the_sign(name: str) -> None:
    seen = trial(4000)
    as_is = LEARNERS[name](LINEAR).fit(seen.x, seen.treated, seen.y).predict(seen.x)
    swapped = LEARNERS[name](LINEAR).fit(seen.x, 1 - seen.treated, seen.y).predict(seen.x)
    assert swapped == pytest.approx(-as_is, abs=0.01)


@pytest.mark.parametrize("name", EVERY)
def test_no_effect_is_found_where_there_is_none(name: str) -> None:
    seen = trial(20_000, strength=0.0)
    found = LEARNERS[name](LINEAR).fit(*seen[:3]).predict(seen.x)
    assert abs(found.mean()) < 0.02 and found.std() < 0.02


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda x, t, y: (x, np.zeros_like(t), y), "arm 1 has 0 units"),
        (lambda x, t, y: (x, t, np.ones_like(y)), "0 units with outcome 0"),
        (lambda x, t, y: (x, t + 1, y), "treated holds"),
        (lambda x, t, y: (x, t, y * 2), "y holds"),
        (lambda x, t, y: (np.where(x > 0.99, np.nan, x), t, y), "not finite"),
        (lambda x, t, y: (x[:-1], t, y), "expected"),
    ],
)
def test_refuses_what_cannot_be_learnt_from_by_name(name: str, spoil: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        LEARNERS[name](LINEAR).fit(*spoil(*trial(900)[:3]))  # type: ignore[operator]


class _Rate:
    """A model that knows only the mean; gives the positive probability alone, as some estimators do."""

    def fit(self, x: np.ndarray, y: np.ndarray) -> "_Rate":
        self.rate = float(y.mean())
        return self

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        return np.full(len(x), self.rate)

    predict = predict_proba


@pytest.mark.parametrize("name", sorted(set(EVERY) - {"s"}))
def test_with_constant_models_the_effect_is_the_difference_of_rates(name: str) -> None:
    seen = trial(2000)
    difference = seen.y[seen.treated == 1].mean() - seen.y[seen.treated == 0].mean()
    found = LEARNERS[name](BaseModels(outcome=_Rate, effect=_Rate)).fit(*seen[:3]).predict(seen.x)
    assert found == pytest.approx(np.full(2000, difference), abs=0.01 if name == "dr" else 1e-9)


def test_folds_hold_every_arm_and_outcome_evenly_and_too_few_are_refused() -> None:
    seen = trial(1003)
    folds = stratified_folds(seen.treated, seen.y, 4, seed=0)
    for arm in (0, 1):
        for outcome in (0, 1):
            sizes = np.bincount(folds[(seen.treated == arm) & (seen.y == outcome)], minlength=4)
            assert sizes.max() - sizes.min() <= 1
    with pytest.raises(ValueError, match="fewer than 400 folds"):
        stratified_folds(seen.treated, seen.y, 400, seed=0)


def test_a_cross_fitted_score_has_not_seen_its_unit() -> None:
    """Labels without any signal: what had seen them would still rank them."""

    class Nearest:
        def fit(self, x: np.ndarray, y: np.ndarray) -> "Nearest":
            self.x, self.y = x[:, 0], y
            return self

        def predict_proba(self, x: np.ndarray) -> np.ndarray:
            return self.y[np.abs(x[:, :1] - self.x).argmin(axis=1)].astype(float)

    generator = np.random.default_rng(5)
    x, treated, y = generator.random((1200, 1)), generator.integers(0, 2, 1200), generator.integers(0, 2, 1200)
    base = BaseModels(outcome=Nearest, effect=_Rate)
    own = (2 * y - 1) * (2 * treated - 1)
    fitted = TLearner(base).fit(x, treated, y).predict(x)
    assert np.corrcoef(fitted, own)[0, 1] > 0.5
    assert abs(np.corrcoef(cross_fitted_uplift(lambda: TLearner(base), x, treated, y), own)[0, 1]) < 0.1


def test_scores_have_intervals_that_hold_them_and_shrink_with_more_units() -> None:
    few, many = (
        cross_fitted_scores(lambda: TLearner(LINEAR), LINEAR, *trial(n)[:3], n_folds=2, resamples=10)
        for n in (600, 6000)
    )
    for scores in (few, many):
        assert (scores.low < scores.uplift).all() and (scores.uplift < scores.high).all()
        assert ((scores.treated_rate >= 0) & (scores.treated_rate <= 1)).all()
    assert np.mean(many.high - many.low) < 0.6 * np.mean(few.high - few.low)


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_every_estimator_of_conversion_is_a_base_model(name: str) -> None:
    outcome = BASE_MODELS[name](0).outcome()
    assert type(outcome) is ESTIMATORS[name] and outcome is not BASE_MODELS[name](0).outcome()
