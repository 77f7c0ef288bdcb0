"""The gate's rule at its boundaries, and its standard error against the bootstrap it stands for."""

import numpy as np
import pytest

from attribution_dagster.core.models.gate import decide
from attribution_dagster.core.uncertainty import clustered_standard_error

RNG = np.random.default_rng(5)
TRUE = RNG.uniform(0.05, 0.6, 2000)
LABELS = (RNG.uniform(size=2000) < TRUE).astype(int)
USERS = np.repeat(np.arange(400), 5)


def shifted(by: float) -> np.ndarray:
    """Probabilities whose log-odds are off by so much."""
    return 1 / (1 + np.exp(-(np.log(TRUE / (1 - TRUE)) + by)))


def test_the_first_model_is_promoted_on_its_own_merits() -> None:
    decision = decide(TRUE, None, LABELS, USERS)
    assert decision.promoted and decision.objections == () and decision.champion_log_loss is None


def test_a_model_as_good_as_the_champion_is_promoted_and_a_worse_one_is_not() -> None:
    assert decide(TRUE, TRUE, LABELS, USERS).promoted
    worse = decide(shifted(0.35), TRUE, LABELS, USERS)
    assert not worse.promoted and "log-loss is" in worse.objections[0] and len(worse.objections) == 1
    assert decide(TRUE, shifted(0.35), LABELS, USERS).promoted


def test_the_limit_is_one_standard_error() -> None:
    """The same two models with the difference blown up by repeating nothing: walk along the shift until the rule turns."""
    for by in np.linspace(0, 0.4, 41):
        decision = decide(shifted(by), TRUE, LABELS, USERS)
        assert decision.log_loss_difference is not None and decision.standard_error is not None
        assert decision.promoted == (decision.log_loss_difference <= decision.standard_error)
    assert not decision.promoted


def test_calibration_is_absolute() -> None:
    off = decide(shifted(0.9), None, LABELS, USERS)
    assert not off.promoted and off.calibration_error > 0.1 and "calibration error" in off.objections[0]


@pytest.mark.parametrize(("converted", "promoted"), [(29, False), (30, True)])
def test_thirty_of_each_kind_are_needed(converted: int, promoted: bool) -> None:
    labels = np.random.default_rng(0).permutation(np.repeat([1, 0], [converted, 170]))
    rate = np.full(len(labels), labels.mean())
    assert decide(rate, None, labels, np.arange(len(labels))).promoted == promoted
    assert decide(1 - rate, None, 1 - labels, np.arange(len(labels))).promoted == promoted


@pytest.mark.parametrize("fault", [{"non_finite_weights": 1}, {"objections": ["failed: check weights_finite"]}])
def test_a_fault_of_its_own_refuses_even_a_better_model(fault: dict[str, object]) -> None:
    assert not decide(TRUE, shifted(0.5), LABELS, USERS, **fault).promoted  # type: ignore[arg-type]


def test_predictions_that_are_no_numbers_are_refused() -> None:
    broken = TRUE.copy()
    broken[7] = np.nan
    assert not decide(broken, None, LABELS, USERS).promoted
    assert not decide(broken, TRUE, LABELS, USERS).promoted
    assert not decide([], None, [], []).promoted


def test_standard_error_is_that_of_resampled_users() -> None:
    of_user = np.repeat(RNG.normal(size=400), 5)
    values = of_user + RNG.normal(size=2000)
    draws = RNG.multinomial(400, np.full(400, 1 / 400), size=2000)
    sums = values.reshape(400, 5).sum(axis=1)
    bootstrap = (draws @ sums / 2000).std()
    assert clustered_standard_error(values, USERS) == pytest.approx(bootstrap, rel=0.1)
    assert clustered_standard_error(values, np.arange(2000)) < 0.7 * bootstrap
    assert clustered_standard_error(values, np.zeros(2000)) == np.inf
