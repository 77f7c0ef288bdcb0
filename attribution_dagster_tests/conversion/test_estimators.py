"""The contract of estimators, run on each of the registry."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from attribution_dagster.core.conversion.estimators import ESTIMATORS, LogisticRegression
from attribution_dagster.core.models.metrics import auc

RNG = np.random.default_rng(0)
X = RNG.normal(size=(1500, 4))
P = expit(-1 + 2 * X[:, 0] - X[:, 1])
Y = (RNG.random(1500) < P).astype(int)
X[RNG.random(1500) < 0.2, 2] = np.nan
SMALL = {"logistic_regression": {}, "catboost": {"trees": 40}, "xgboost": {"trees": 40}}


@pytest.fixture(params=list(ESTIMATORS))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def fitted(name: str, **more: object):
    return ESTIMATORS[name](**SMALL[name], **more).fit(X[:1000], Y[:1000])


def test_learns_and_gives_probabilities_of_rows(name):
    model = fitted(name)
    p = model.predict_proba(X[1000:])
    assert p.shape == (500,) and ((p > 0) & (p < 1)).all()
    assert auc(p, Y[1000:]) > auc(P[1000:], Y[1000:]) - 0.03
    assert np.allclose(expit(model.log_odds(X[1000:])), p)


def test_same_seed_same_bits_and_a_row_does_not_depend_on_its_neighbours(name):
    first, second = fitted(name, seed=3), fitted(name, seed=3)
    assert np.array_equal(first.log_odds(X), second.log_odds(X))
    assert np.allclose(first.log_odds(X[7:8]), first.log_odds(X)[7:8])


def test_contributions_add_up_to_the_log_odds(name):
    model = fitted(name)
    parts = model.contributions(X[:200])
    assert parts.shape == (200, 5)
    assert np.allclose(parts.sum(axis=1), model.log_odds(X[:200]), atol=1e-5)
    assert np.abs(parts[:, 0]).mean() > 3 * np.abs(parts[:, 3]).mean()
    assert np.ptp(parts[:, -1]) < 1e-9


def test_saved_and_loaded_it_predicts_the_same_and_its_file_is_no_pickle(name, tmp_path):
    model = fitted(name)
    path = model.save(tmp_path)
    assert path == tmp_path / ESTIMATORS[name].file_name
    assert not path.read_bytes().startswith(b"\x80")  # the first byte of a pickle of protocol 2 and later
    assert np.allclose(ESTIMATORS[name].load(tmp_path).log_odds(X), model.log_odds(X), atol=1e-6)


def test_what_is_not_there_can_not_be_loaded(name, tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        ESTIMATORS[name].load(tmp_path)


def test_weights_count(name):
    weights = np.where(Y[:1000] == 1, 5.0, 1.0)
    heavy = ESTIMATORS[name](**SMALL[name]).fit(X[:1000], Y[:1000], weights)
    assert heavy.predict_proba(X).mean() > fitted(name).predict_proba(X).mean() + 0.1


def test_candidates_are_parameters(name):
    for parameters in ESTIMATORS[name].candidates:
        model = ESTIMATORS[name](**parameters)
        assert {key: getattr(model, key) for key in parameters} == parameters


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [
        (X[:3], [0, 1], "one label per row"),
        (X[:3], [0, 1, 2], "must be 0 or 1"),
        (X[:3], [1, 1, 1], "both classes"),
        (X[:0], [], "both classes"),
        (X[:3, 0], [0, 1, 1], "a matrix"),
        ([[1.0, np.inf], [0.0, 1.0]], [0, 1], "column 1 is infinite"),
    ],
)
def test_nonsense_is_refused_by_name(name, x, y, said):
    with pytest.raises(ValueError, match=said):
        ESTIMATORS[name]().fit(x, y)


def test_linear_contributions_by_hand():
    """Two points per class on one feature, another always missing: the standardised value times the coefficient."""
    x = np.array([[-1.0, np.nan], [-1.0, np.nan], [1.0, np.nan], [1.0, np.nan]])
    model = LogisticRegression().fit(x, [0, 0, 1, 1])
    parts = model.contributions(x)
    assert np.allclose(parts[:, 1:], 0)  # the balanced intercept, and what is never there
    assert np.allclose(parts[:2, 0], -parts[2:, 0]) and (parts[2:, 0] > 0).all()
