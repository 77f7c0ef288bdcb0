"""Metrics and calibration against answers worked out by hand and against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from attribution_dagster.core.models import metrics
from attribution_dagster.core.models.baselines import count_names, event_counts, fit_baselines
from attribution_dagster.core.models.calibration import Calibration, correct_prevalence, fit_platt
from attribution_dagster.core.sequences.vocabulary import Vocabulary
from attribution_dagster_tests.models.worlds import sessions, with_label


def test_auc_counts_pairs_and_half_of_ties():
    # Pairs (positive, negative): (3,1) (3,2) won, (2,1) won, (2,2) tied: 3.5 of 4.
    assert metrics.auc([1, 2, 2, 3], [0, 0, 1, 1]) == 3.5 / 4


def test_average_precision_steps_through_thresholds():
    # Order 4+ 3- 2+ 1-: precision 1 at recall 1/2, 2/3 at recall 1.
    assert metrics.average_precision([4, 3, 2, 1], [1, 0, 1, 0]) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=40))
def test_ties_are_treated_as_scikit_learn_does(pairs):
    scores, labels = np.array([score for score, _ in pairs]), np.array([label for _, label in pairs])
    if labels.any() and not labels.all():
        assert metrics.auc(scores, labels) == pytest.approx(roc_auc_score(labels, scores))
        assert metrics.average_precision(scores, labels) == pytest.approx(average_precision_score(labels, scores))


def test_log_loss_of_a_logit_of_zero_is_log_two_and_a_sure_mistake_is_finite():
    assert metrics.log_loss([0.0, 0.0], [0, 1]) == pytest.approx(np.log(2))
    assert metrics.log_loss([1000.0], [0]) == pytest.approx(1000.0)


def test_calibration_error_is_the_mean_gap_of_filled_bins():
    # Two bins of two: predicted .1 and .9, observed 0 and .5, so gaps of .1 and .4.
    assert metrics.expected_calibration_error([0.1, 0.1, 0.9, 0.9], [0, 0, 1, 0], bins=2) == pytest.approx(0.25)


@pytest.mark.parametrize(("positives", "negatives", "is_known"), [(30, 30, True), (29, 100, False), (100, 29, False)])
def test_no_metric_is_computed_on_fewer_than_thirty_of_a_class(positives, negatives, is_known):
    labels = np.repeat([1, 0], [positives, negatives])
    found = metrics.evaluate(np.linspace(1, 0, len(labels)), labels)
    assert (found.n_sessions, found.n_converted) == (len(labels), positives)
    assert all((getattr(found, name) is not None) == is_known for name in ("auc", "average_precision", "brier", "ece"))
    assert ("auc" in found.numbers("test_")) is False and ("test_auc" in found.numbers("test_")) == is_known


def test_brier_and_log_loss_use_the_probabilities_that_are_given():
    labels = np.repeat([1, 0], 40)
    found = metrics.evaluate(np.zeros(80), labels, np.full(80, 0.25))
    assert found.brier == pytest.approx((0.75**2 + 0.25**2) / 2)
    assert found.log_loss == pytest.approx(-(np.log(0.25) + np.log(0.75)) / 2)


def bootstrap_world(seed=0, n=400):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    return labels, {"good": labels + rng.normal(0, 1, n), "noise": rng.normal(0, 1, n)}, rng.integers(0, n // 3, n)


def test_bootstrap_intervals_hold_the_estimate_and_are_those_of_resampled_users():
    labels, scores, users = bootstrap_world()
    intervals, gains = metrics.bootstrap_auc(scores, labels, users, seed=1, resamples=300)
    rng, expected, everybody = np.random.default_rng(2), [], np.unique(users)
    for _ in range(300):
        chosen = rng.choice(everybody, len(everybody))
        drawn = np.concatenate([np.flatnonzero(users == user) for user in chosen])
        expected.append(roc_auc_score(labels[drawn], scores["good"][drawn]))
    good = intervals["good"]
    assert good.low < good.value == metrics.auc(scores["good"], labels) < good.high
    assert (good.low, good.high) == pytest.approx(np.percentile(expected, [2.5, 97.5]), abs=0.015)
    assert gains["noise"].low > 0 and set(gains) == {"noise"}


def test_bootstrap_is_reproducible_and_a_model_against_itself_differs_by_nothing():
    labels, scores, users = bootstrap_world()
    pair = {"a": scores["good"], "b": scores["good"]}
    first, again = (metrics.bootstrap_auc(pair, labels, users, seed=4, resamples=50) for _ in range(2))
    assert first == again
    assert first[1]["b"] == metrics.Interval(value=0.0, low=0.0, high=0.0)


def test_too_few_positives_give_no_interval():
    assert metrics.bootstrap_auc({"a": np.arange(50)}, np.arange(50) < 5, np.arange(50)) == ({}, {})


def test_platt_recovers_a_slope_and_an_intercept():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, 40_000)
    labels = rng.random(40_000) < 1 / (1 + np.exp(-(0.5 * logits - 1.0)))
    found = fit_platt(logits, labels)
    assert (found.slope, found.intercept) == pytest.approx((0.5, -1.0), abs=0.04)


def test_platt_does_not_turn_a_ranking_round():
    assert fit_platt([2.0, 1.0, 0.0, -1.0], [0, 0, 1, 1]).slope > 0


def test_one_class_is_refused_with_counts():
    with pytest.raises(ValueError, match="0 converted and 3 other"):
        fit_platt([1.0, 2.0, 3.0], [0, 0, 0])


def test_correcting_the_prevalence_multiplies_the_odds():
    corrected = correct_prevalence(Calibration(), sample=0.5, population=0.1)
    assert corrected.probability([0.0]) == pytest.approx([0.1])
    odds = corrected.probability([2.0]) / (1 - corrected.probability([2.0]))
    assert odds == pytest.approx([np.exp(2.0) / 9])
    assert corrected.sample_probability([0.0]) == pytest.approx([0.5])


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_prevalence_of_zero_or_one_is_refused(share):
    with pytest.raises(ValueError, match="population prevalence"):
        correct_prevalence(Calibration(), sample=0.5, population=share)


def test_baselines_learn_what_they_are_about():
    world = sessions(np.random.default_rng(0).integers(1, 12, 2000), seed=3)
    longer = with_label(world, np.random.default_rng(1).random(2000) < world.lengths / 14)
    fitted = fit_baselines(longer)
    assert metrics.auc(fitted["length"].predict(longer), longer.label) > 0.75
    assert metrics.auc(fitted["base_rate"].predict(longer), longer.label) == 0.5
    assert 1 / (1 + np.exp(-fitted["base_rate"].predict(longer)[0])) == pytest.approx(longer.label.mean())


def test_counts_are_per_session_and_name_their_columns():
    world = sessions([3, 0, 2], seed=1)
    world.codes["event_type"][:] = [0, 0, 1, -1, 5]
    vocabulary = Vocabulary.fit(world, ["event_type"], min_count=2)
    counts = event_counts(world, vocabulary).toarray()
    assert count_names(vocabulary) == ["(unknown)", "(missing)", "event_type_0"]
    assert counts.tolist() == [[1, 0, 2], [0, 0, 0], [1, 1, 0]]


def test_baselines_of_one_class_are_refused():
    with pytest.raises(ValueError, match="0 converted of 20"):
        fit_baselines(with_label(sessions(np.full(20, 2)), np.zeros(20)))


def test_equal_predictions_share_a_bin_whatever_the_order_of_rows():
    labels = np.repeat([0, 1], [80, 20])
    assert metrics.expected_calibration_error(np.full(100, 0.2), labels) == pytest.approx(0.0)
    predicted = np.repeat([0.1, 0.6], [90, 10])
    expected = abs(90 * 0.1 - 10) / 100 + abs(10 * 0.6 - 10) / 100
    assert metrics.expected_calibration_error(predicted, np.repeat([0, 1], [80, 20])) == pytest.approx(expected)
