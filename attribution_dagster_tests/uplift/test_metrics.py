"""Qini, AUUC and uplift at k: by hand, tie-safe, and in agreement with two packages' definitions on the same scores."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklift import metrics as theirs

from attribution_dagster.core.uplift.curves import ranked
from attribution_dagster.core.uplift.metrics import (
    METRICS,
    RANDOM,
    auuc,
    average_effect,
    corrected_resampled,
    metric_estimates,
    qini,
    uplift_at,
)
from attribution_dagster_tests.uplift.experiments import trial

# Best first: treated yes, control no, treated yes, control yes.
SCORE = np.array([0.9, 0.7, 0.5, 0.1])
TREATED = np.array([1, 0, 1, 0])
Y = np.array([1, 0, 1, 1])


def test_curves_by_hand() -> None:
    steps = ranked(SCORE, TREATED, Y).steps()
    assert steps.share.tolist() == [0, 0.25, 0.5, 0.75, 1]
    # rates: 1/1 - 0; 1/1 - 0/1; 2/2 - 0/1; 2/2 - 1/2
    assert steps.gain.tolist() == [0, 0.25, 0.5, 0.75, 0.5]
    # (1 - 0) / 2; (1 - 0 * 1/1) / 2; (2 - 0 * 2/1) / 2; (2 - 1 * 2/2) / 2
    assert steps.qini.tolist() == [0, 0.5, 0.5, 1, 0.5]


def test_areas_by_hand() -> None:
    steps = ranked(SCORE, TREATED, Y).steps()
    assert auuc(steps) == pytest.approx(0.25 * (0.125 + 0.375 + 0.625 + 0.625))
    assert qini(steps) == pytest.approx(0.25 * (0.25 + 0.5 + 0.75 + 0.75) - 0.25)
    assert uplift_at(steps, 0.5) == 1.0
    assert uplift_at(steps, 1.0) == pytest.approx(average_effect(TREATED, Y)) == 0.5


def test_equal_scores_count_in_proportion() -> None:
    steps = ranked(np.array([0.9, 0.9, 0.9, 0.9]), TREATED, Y).steps()
    assert steps.share.tolist() == [0, 1]
    assert qini(steps) == 0 and auuc(steps) == 0.25 and uplift_at(steps, 0.1) == 0.5


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.booleans()), min_size=4, max_size=40), st.randoms())
@settings(max_examples=60, deadline=None)
def test_the_order_of_rows_never_matters(rows: list[tuple[int, bool, bool]], shuffle: object) -> None:
    score, treated, y = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    if len(set(treated)) < 2:
        return
    order = list(range(len(rows)))
    shuffle.shuffle(order)  # type: ignore[attr-defined]
    as_is, mixed = (
        ranked(score[i], treated[i].astype(int), y[i].astype(int)).steps()
        for i in (np.arange(len(rows)), np.array(order))
    )
    for metric in METRICS.values():
        assert metric(as_is) == pytest.approx(metric(mixed), nan_ok=True)


@pytest.mark.parametrize("decimals", [1, 2, 8])
def test_agrees_with_scikit_uplift_on_the_same_scores(decimals: int) -> None:
    seen = trial(1500)
    score = np.round(seen.x[:, 0] + np.random.default_rng(0).normal(size=1500), decimals)
    steps = ranked(score, seen.treated, seen.y).steps()
    shares, gains = theirs.uplift_curve(seen.y, score, seen.treated)
    assert steps.share == pytest.approx(shares / 1500) and steps.gain == pytest.approx(gains / 1500)
    _, incremental = theirs.qini_curve(seen.y, score, seen.treated)
    assert steps.qini == pytest.approx(incremental / seen.treated.sum())
    perfect = theirs.perfect_uplift_curve(seen.y, seen.treated)
    above_line = np.trapezoid(perfect[1], perfect[0]) / 1500**2 - steps.gain[-1] / 2
    ours = (auuc(steps) - steps.gain[-1] / 2) / above_line
    assert theirs.uplift_auc_score(seen.y, score, seen.treated) == pytest.approx(ours)
    perfect = theirs.perfect_qini_curve(seen.y, seen.treated)
    scale = 1500 * seen.treated.sum()
    above_line = np.trapezoid(perfect[1], perfect[0]) / scale - steps.qini[-1] / 2
    assert theirs.qini_auc_score(seen.y, score, seen.treated) == pytest.approx(qini(steps) / above_line)


def test_uplift_at_k_agrees_with_scikit_uplift_where_no_scores_are_equal() -> None:
    seen = trial(1000)
    score = seen.x[:, 0]
    steps = ranked(score, seen.treated, seen.y).steps()
    for share in (0.1, 0.2, 0.3):
        asked = theirs.uplift_at_k(seen.y, score, seen.treated, strategy="overall", k=share)
        assert uplift_at(steps, share) == pytest.approx(asked)


def _causalml(score: np.ndarray, treated: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """causalml's auuc_score and qini_score, normalised, written from its source (metrics/visualize.py): no ties, rank by rank."""
    order = np.argsort(-score, kind="stable")
    t, outcome = treated[order], y[order]
    n1, n0 = np.cumsum(t), np.cumsum(1 - t)
    y1, y0 = np.cumsum(outcome * t), np.cumsum(outcome * (1 - t))
    with np.errstate(invalid="ignore", divide="ignore"):
        lift = np.nan_to_num(y1 / n1) - np.nan_to_num(y0 / n0)
        curve = y1 - np.nan_to_num(y0 * n1 / n0)
    gain = np.concatenate([[0], lift * np.arange(1, len(y) + 1)])
    incremental = np.concatenate([[0], curve])
    auuc_score = (gain / abs(gain[-1])).sum() / len(gain)
    line = np.linspace(0, 1, len(gain))
    return auuc_score, ((incremental / abs(incremental[-1])).sum() - line.sum()) / len(gain)


def test_agrees_with_causalml_where_no_scores_are_equal() -> None:
    seen = trial(3000)
    score = seen.x[:, 0] + 0.1 * np.random.default_rng(1).normal(size=3000)
    steps = ranked(score, seen.treated, seen.y).steps()
    theirs_auuc, theirs_qini = _causalml(score, seen.treated, seen.y)
    # A mean over ranks there, an area here: they differ by less than one rank.
    assert auuc(steps) / abs(steps.gain[-1]) == pytest.approx(theirs_auuc, abs=1e-3)
    assert qini(steps) / abs(steps.qini[-1]) == pytest.approx(theirs_qini, abs=1e-3)


def test_a_random_score_stands_in_the_same_table_with_what_it_reaches_by_chance() -> None:
    seen = trial(3000)
    generator = np.random.default_rng(3)
    scores = {"truth": seen.effect, "nothing": generator.random(3000)}
    found = metric_estimates(scores, seen.treated, seen.y, replicates=100)
    assert list(found) == ["truth", "nothing", RANDOM]
    assert found[RANDOM]["qini"].value == 0 and found[RANDOM]["qini"].low < 0 < found[RANDOM]["qini"].high
    assert found[RANDOM]["auuc"].value == pytest.approx(found[RANDOM]["uplift_at_10"].value / 2)
    assert found["truth"]["qini"].low > found[RANDOM]["qini"].high
    assert found["nothing"]["qini"].low < 0 < found["nothing"]["qini"].high
    for row in found.values():
        assert all(estimate.low <= estimate.value <= estimate.high for estimate in row.values())


def test_a_score_that_is_turned_round_is_worse_than_random() -> None:
    seen = trial(3000)
    found = metric_estimates({"wrong": -seen.effect}, seen.treated, seen.y, replicates=50)
    assert found["wrong"]["qini"].high < 0


def test_the_interval_of_a_fixed_score_holds_its_population_value() -> None:
    population = trial(200_000, seed=9)
    truth = qini(ranked(population.x[:, 0], population.treated, population.y).steps())
    held = 0
    for seed in range(60):
        seen = trial(800, seed=100 + seed)
        found = metric_estimates({"x": seen.x[:, 0]}, seen.treated, seen.y, replicates=100, seed=seed)["x"]["qini"]
        held += found.low <= truth <= found.high
    assert held >= 52  # of 60 at 95 %: fewer than 52 has a chance of .02


def test_corrected_resampled_interval_by_hand() -> None:
    found = corrected_resampled([1.0, 2.0, 3.0], test_to_train=0.5)
    # variance 1, (1/3 + 1/2) * 1, t(.975, 2) = 4.3027
    reach = 4.302653 * np.sqrt(5 / 6)
    assert (found.value, found.low, found.high) == pytest.approx((2.0, 2 - reach, 2 + reach))
    with pytest.raises(ValueError, match="at least two"):
        corrected_resampled([1.0], test_to_train=0.5)


def test_scores_that_cannot_rank_are_refused() -> None:
    with pytest.raises(ValueError, match="1 scores are not finite"):
        ranked(np.array([0.1, np.nan]), np.array([0, 1]), np.array([0, 1]))
    with pytest.raises(ValueError, match="one arm"):
        ranked(np.array([0.1, 0.2]), np.array([1, 1]), np.array([0, 1]))
