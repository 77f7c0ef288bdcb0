"""How recovery is measured: by hand, and against a bootstrap; and what is said of the aims."""

from dataclasses import replace

import numpy as np
import pytest

from attribution_dagster.core.benchmark.aims import METHOD, aims, figure_by_world, overall
from attribution_dagster.core.benchmark.scoring import (
    Planted,
    Recovery,
    coverage,
    recovery,
    standard_errors,
    within_type_correlation,
)
from attribution_dagster.core.benchmark.worlds import WorldResult


def planted(types, effect, user=None):
    types = np.asarray(types)
    return Planted(types=types, user=np.arange(len(types)) if user is None else user, effect=np.asarray(effect, float))


def ten_of_each(effects):
    return planted(np.repeat(np.arange(len(effects)), 10), np.repeat(effects, 10))


def found(truth, by_type, by_occurrence=None, has_intervals=False):
    by_type = np.asarray(by_type, float)
    scores = np.nan_to_num(by_type)[truth.types] if by_occurrence is None else by_occurrence
    return recovery(truth, by_type, scores, in_logits=True, has_intervals=has_intervals, seconds_per_1000=1.5)


def test_a_perfect_score_has_perfect_figures():
    truth = ten_of_each([1.0, 0.5, -0.25, -0.5, 0.25, -1.0])
    one = found(truth, np.array([1.0, 0.5, -0.25, -0.5, 0.25, -1.0]) * 2 + 7)  # centred, so that a shift is nothing
    assert (one.rank_correlation, one.sign_accuracy, one.precision_at_5, one.types) == (1.0, 1.0, 1.0, 6)
    assert one.slope == pytest.approx(2.0) and one.seconds_per_1000 == 1.5
    assert one.within_type is None and one.coverage is None


def test_ranks_signs_and_top_five_by_hand():
    truth = ten_of_each([3.0, 2.0, 1.0, 0.0, 0.0, -1.0, -5.0])  # mean 0
    one = found(truth, [2.0, 3.0, -0.5, 0.2, -0.1, 0.4, -5.0])  # mean 0
    # Ranks of truth 7 6 5 3.5 3.5 2 1, of the score 6 7 2 4 3 5 1: covariance 17.5, variances 27.5 and 28.
    assert one.rank_correlation == pytest.approx(17.5 / np.sqrt(27.5 * 28))
    assert one.sign_accuracy == pytest.approx(3 / 5)  # the third and the sixth of the five with an effect are wrong
    # Largest in truth: 0, 1, 2, 5, 6; of the scores: 6, 1, 0, 2, 5.
    assert one.precision_at_5 == 1.0


def test_types_without_a_score_or_too_rare_take_no_part():
    truth = planted(
        np.repeat([0, 1, 2, 3, 4], [10, 10, 10, 10, 9]), np.repeat([2.0, 1.0, 0.0, -1.0, 9.0], [10, 10, 10, 10, 9])
    )
    assert found(truth, [2.0, 1.0, np.nan, -1.0, 0.0]).types == 3
    with pytest.raises(ValueError, match="2 event types"):
        found(truth, [2.0, 1.0, np.nan, np.nan, 0.0])


def test_scores_that_are_all_alike_have_no_rank():
    assert found(ten_of_each([1.0, 0.0, -1.0]), [0.3, 0.3, 0.3]).rank_correlation == 0.0


def test_within_a_type_only_differences_within_count():
    truth = planted([0, 0, 0, 1, 1, 1], [1.0, 2.0, 3.0, -1.0, -1.0, -1.0])
    assert within_type_correlation(truth, np.array([5.0, 6.0, 7.0, 0.0, 0.0, 0.0])) == pytest.approx(1.0)
    assert within_type_correlation(truth, np.array([7.0, 6.0, 5.0, 9.0, 9.0, 9.0])) == pytest.approx(-1.0)
    # Deviations 1 0 -1 | 0 and 1 0 -1 | 1 -2 1 by sign: 2 / sqrt(2 * 8).
    assert within_type_correlation(truth, np.array([1.0, 2.0, 3.0, 1.0, -2.0, 1.0])) == pytest.approx(0.5)
    assert within_type_correlation(truth, np.array([5.0, 5.0, 5.0, 1.0, 1.0, 1.0])) == 0.0
    assert within_type_correlation(planted([0, 0, 1], [1.0, 1.0, 3.0]), np.array([1.0, 2.0, 3.0])) is None


def test_the_standard_error_by_hand_and_by_resampling_users():
    by_hand = planted([0, 0, 0, 1], np.zeros(4), user=np.array([0, 0, 1, 1]))
    # Mean 2; distances -1 -1 | 2 sum to -2 and 2 for users with 2 and 1 of 3: sqrt(4 / (1/3) + 4 / (2/3)) / 3. One user has the other type.
    errors = standard_errors(by_hand, np.array([1.0, 1.0, 4.0, 7.0]))
    assert errors[0] == pytest.approx(np.sqrt(18) / 3) and np.isnan(errors[1])
    rng = np.random.default_rng(0)
    user = np.repeat(np.arange(300), rng.integers(1, 12, 300))
    types = rng.integers(0, 2, len(user))
    scores = rng.normal(size=300)[user] + rng.normal(size=len(user))
    error = standard_errors(planted(types, np.zeros(len(user)), user=user), scores)[0]
    sums, counts = (np.bincount(user, (types == 0) * values, 300) for values in (scores, np.ones(len(user))))
    draws = rng.multinomial(300, np.full(300, 1 / 300), size=4000)
    assert error == pytest.approx(((draws @ sums) / (draws @ counts)).std(), rel=0.05)


def test_intervals_hold_the_truth_or_do_not():
    rng = np.random.default_rng(1)
    truth = planted(np.repeat([0, 1, 2], 400), np.zeros(1200))
    near = rng.normal(0.0, 1.0, 1200)
    assert coverage(truth, near).tolist() == [True, True, True]
    assert coverage(truth, near + np.repeat([0.6, 0.0, -0.6], 400)).tolist() == [False, True, False]


RIGHT = Recovery(
    rank_correlation=0.95, sign_accuracy=1.0, precision_at_5=1.0, within_type=0.8, slope=1.0, coverage=0.2, types=18,
    seconds_per_1000=1.0,
)  # fmt: skip


def result(world, own, counts, seed=0):
    names = {"logistic_counts": counts, "logistic_bigrams": replace(RIGHT, rank_correlation=0.5, within_type=0.4)}
    return WorldResult(
        world=world, seed=seed, sessions=1, auc=0.7, auc_counts=0.7, auc_oracle=0.7, gain_share=0.9,
        gain_share_counts=0.8, best_epoch=0.0, pairs=(), methods={METHOD: own}, baselines=names,
    )  # fmt: skip


def test_aims_are_met_and_missed_by_their_figures():
    good = [result("additive", RIGHT, RIGHT), result("season", RIGHT, replace(RIGHT, rank_correlation=0.9))]
    assert [aim.is_met for aim in aims(good)] == [True] * 5
    poor = replace(RIGHT, rank_correlation=0.6, sign_accuracy=0.5, within_type=0.1)
    bad = [result("additive", poor, RIGHT), result("season", poor, RIGHT)]
    assert [aim.is_met for aim in aims(bad)] == [False] * 5
    assert "`season` (0.600; logistic_counts 0.950)" in aims(bad)[3].said
    only = aims([result("additive", replace(RIGHT, within_type=None), RIGHT)])
    assert [aim.is_met for aim in only] == [True, True, True, None, None]
    with pytest.raises(ValueError, match="no results"):
        aims([])


def test_figures_are_means_over_seeds_and_worlds_without_those_that_have_no_meaning():
    results = [
        result("season", RIGHT, RIGHT),
        result("season", replace(RIGHT, rank_correlation=0.75, within_type=None), RIGHT, seed=1),
        result("additive", replace(RIGHT, within_type=None), RIGHT),
    ]
    assert figure_by_world(results, lambda one: one.rank_correlation)[METHOD] == pytest.approx(
        {"season": 0.85, "additive": 0.95}
    )
    assert figure_by_world(results, lambda one: one.within_type)[METHOD] == {"season": 0.8, "additive": None}
    assert overall(results, METHOD, lambda one: one.within_type) == pytest.approx(0.8)
