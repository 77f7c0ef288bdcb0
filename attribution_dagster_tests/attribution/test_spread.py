"""How far retraining moves an effect: by hand, and where nothing moves or nothing is there."""

import numpy as np
import pytest
from scipy.stats import t as student

from attribution_dagster.core.attribution.trust.effects import Grouping
from attribution_dagster.core.attribution.trust.spread import spread_rows

GROUPS = Grouping(names=("click", "exit"), group=np.array([0, 0, 0, 1, 1]))
EFFECT = np.array([0.5, -0.1])
PAIRS = [
    ({"event_type": np.array([0.6, 0.2])}, {"event_type": np.array([0.4, -0.2])}),
    ({"event_type": np.array([0.7, -0.1])}, {"event_type": np.array([0.3, -0.3])}),
]


def test_the_error_is_half_the_difference_of_halves_and_the_interval_students() -> None:
    click, exit_ = spread_rows("event_type", GROUPS, EFFECT, PAIRS)
    error = np.sqrt((0.1**2 + 0.2**2) / 2)
    assert click.retraining_error == pytest.approx(error) and click.models == 4
    reach = student.ppf(0.975, 2) * error
    assert (click.retraining_low, click.retraining_high) == pytest.approx((0.5 - reach, 0.5 + reach))
    p_click, p_exit = (
        2 * student.sf(abs(e) / r.retraining_error, 2) for e, r in zip(EFFECT, (click, exit_), strict=True)
    )
    assert p_click < p_exit
    assert click.retraining_q == pytest.approx(min(2 * p_click, p_exit)) and exit_.retraining_q == pytest.approx(p_exit)
    assert (click.halves_mean, click.same_sign, click.occurrences) == (pytest.approx(0.5), 1.0, 3)
    assert exit_.same_sign == 0.75


def test_an_effect_that_never_moves_is_certain_and_none_is_none() -> None:
    still = [({"event_type": np.array([0.5, 0.0])}, {"event_type": np.array([0.5, 0.0])})]
    certain, none = spread_rows("event_type", GROUPS, np.array([0.5, 0.0]), still)
    assert certain.retraining_q == 0.0 and none.retraining_q == 1.0


def test_without_pairs_the_spread_is_unknown_and_without_groups_there_is_none() -> None:
    rows = spread_rows("event_type", GROUPS, EFFECT, [])
    assert [(row.name, row.retraining_error, row.retraining_q, row.models) for row in rows] == [
        ("click", None, None, 0),
        ("exit", None, None, 0),
    ]
    nothing = np.array([])
    empty = Grouping(names=(), group=np.array([-1, -1]))
    assert spread_rows("store", empty, nothing, [({"store": nothing}, {"store": nothing})]) == []
