"""How far retraining moves an effect: by hand, and where nothing moves or nothing is there."""

import numpy as np
import pytest
from scipy.stats import t as student

from attribution_dagster.core.attribution.trust.effects import Grouping
from attribution_dagster.core.attribution.trust.spread import PRIOR_PAIRS, spread_rows

GROUPS = Grouping(names=("click", "exit"), group=np.array([0, 0, 0, 1, 1]))
EFFECT = np.array([0.5, -0.1])
PAIRS = [
    ({"event_type": np.array([0.6, 0.2])}, {"event_type": np.array([0.4, -0.2])}),
    ({"event_type": np.array([0.7, -0.1])}, {"event_type": np.array([0.3, -0.3])}),
]


def test_the_error_is_half_the_difference_of_halves_moderated_by_the_others_and_the_interval_students() -> None:
    click, exit_ = spread_rows("event_type", GROUPS, EFFECT, PAIRS)
    own, others = (0.1**2 + 0.2**2) / 2, (0.2**2 + 0.1**2) / 2 * 2 / 3  # exit's, which occurs 2 times, not 3
    error = np.sqrt((2 * own + PRIOR_PAIRS * others) / (2 + PRIOR_PAIRS))
    assert click.retraining_error == pytest.approx(error) and click.models == 4
    reach = student.ppf(0.975, 2 + PRIOR_PAIRS) * error
    assert (click.retraining_low, click.retraining_high) == pytest.approx((0.5 - reach, 0.5 + reach))
    p_click, p_exit = (
        2 * student.sf(abs(e) / r.retraining_error, 2 + PRIOR_PAIRS)
        for e, r in zip(EFFECT, (click, exit_), strict=True)
    )
    assert p_click < p_exit
    assert click.retraining_q == pytest.approx(min(2 * p_click, p_exit)) and exit_.retraining_q == pytest.approx(p_exit)
    assert (click.halves_mean, click.same_sign, click.occurrences) == (pytest.approx(0.5), 1.0, 3)
    assert exit_.same_sign == 0.75


def test_pairs_that_agree_by_chance_do_not_make_an_effect_certain() -> None:
    agree = [({"event_type": np.array([0.5, 0.4])}, {"event_type": np.array([0.5, -0.4])})] * 4
    click, exit_ = spread_rows("event_type", GROUPS, EFFECT, agree)
    assert 0 < click.retraining_error < exit_.retraining_error < 0.4


def test_a_group_without_others_has_its_own_error() -> None:
    alone = Grouping(names=("click",), group=np.array([0, 0]))
    pairs = [({"event_type": np.array([0.6])}, {"event_type": np.array([0.4])})] * 2
    (click,) = spread_rows("event_type", alone, np.array([0.5]), pairs)
    assert click.retraining_error == pytest.approx(0.1)
    assert click.retraining_high - 0.5 == pytest.approx(0.1 * student.ppf(0.975, 2))


def test_windows_are_counted_where_the_name_occurred_often_enough() -> None:
    windows = [{"event_type": np.array(each)} for each in ([0.2, -0.3], [-0.1, np.nan], [0.4, 0.1])]
    click, exit_ = spread_rows("event_type", GROUPS, EFFECT, PAIRS, windows)
    assert (click.windows_same_sign, click.windows_compared) == (2, 3)
    assert (exit_.windows_same_sign, exit_.windows_compared) == (1, 2)


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
