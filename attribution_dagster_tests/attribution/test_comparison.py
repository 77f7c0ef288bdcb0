"""The comparison of methods on sessions small enough to rank by hand."""

import itertools

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import spearmanr

from attribution_dagster.core.attribution import comparison, integrated_gradients
from attribution_dagster.core.attribution.comparison import _Ranking, compare_methods, sample_sessions
from attribution_dagster.core.attribution.registry import ATTRIBUTORS
from attribution_dagster_tests.models.worlds import random_model, sessions

LENGTHS = [4, 9, 2, 30, 1, 12]


@pytest.fixture(scope="module")
def compared():
    world = sessions(LENGTHS, seed=4)
    ticks = itertools.count(step=3.0)
    return world, compare_methods(random_model(world), world, lambda: float(next(ticks)))


def row_of(compared, granularity, method, other):
    rows = compared[1].agreement.to_pylist()
    return next(r for r in rows if (r["granularity"], r["method"], r["other_method"]) == (granularity, method, other))


def test_every_pair_of_methods_has_a_row_and_agreement_is_mutual(compared):
    n = len(ATTRIBUTORS)
    assert compared[1].agreement.num_rows == 2 * n * (n - 1)
    for granularity in ("occurrence", "event_type"):
        for one, other in itertools.combinations(ATTRIBUTORS, 2):
            there, back = row_of(compared, granularity, one, other), row_of(compared, granularity, other, one)
            assert there["rank_correlation"] == pytest.approx(back["rank_correlation"])
            assert -1 <= there["rank_correlation"] <= 1
            assert there["top_five_agreement"] == back["top_five_agreement"]


def test_the_correlation_is_spearmans_within_sessions_of_three_and_more(compared):
    events = compared[1].occurrences.to_pandas()
    one, other = (events[events.method == name] for name in ("gradient_x_input", "occlusion_masked"))
    expected = [
        spearmanr(one[one.session_id == name].centred_attribution, other[other.session_id == name].centred_attribution)
        for name in ("s4-0", "s4-1", "s4-3", "s4-5")
    ]
    row = row_of(compared, "occurrence", "gradient_x_input", "occlusion_masked")
    assert row["rank_correlation"] == pytest.approx(np.mean([each.statistic for each in expected]))
    assert row["n_compared"] == 4 and row["sessions"] == len(LENGTHS)


def test_types_are_compared_by_their_means(compared):
    events = compared[1].occurrences.to_pandas()
    means = events.groupby(["method", "event_type"]).centred_attribution.agg(["mean", "size"]).reset_index()
    means = means[means["size"] >= 10].pivot(index="event_type", columns="method", values="mean")
    row = row_of(compared, "event_type", "random", "gradient_x_input")
    assert row["rank_correlation"] == pytest.approx(spearmanr(means["random"], means["gradient_x_input"]).statistic)
    assert row["n_compared"] == len(means)


def test_cost_is_that_of_the_clock_per_thousand_sessions(compared):
    assert row_of(compared, "occurrence", "random", "gradient_x_input")["seconds_per_1000_sessions"] == pytest.approx(
        1000 * 3.0 / len(LENGTHS)
    )


def test_the_first_method_does_not_pay_for_the_warm_up(monkeypatch):
    """By the clock's first tick, everything that is paid once has been."""
    world, done = sessions([3, 4]), []
    explained = comparison.attribute_sessions
    monkeypatch.setattr(
        comparison, "attribute_sessions", lambda *a, method: done.append(method) or explained(*a, method=method)
    )
    at_first_tick = []
    compare_methods(random_model(world), world, lambda: at_first_tick.append(len(done)) or 0.0)
    assert at_first_tick[0] == 1 and len(done) == len(ATTRIBUTORS) + 1


def test_what_sums_miss_is_that_of_the_method_and_warned_of_where_nodes_do_not_suffice(compared, monkeypatch):
    world, _ = compared
    model = random_model(world)
    batch = model.encode(world).batch(np.arange(world.n_sessions))
    for method in ("integrated_gradients", "integrated_gradients_padding"):
        row, residual = row_of(compared, "event_type", method, "random"), ATTRIBUTORS[method](model)(batch).residual
        assert row["residual_max"] == pytest.approx(float(residual.max()), abs=1e-5)
        assert row["residual_median"] == pytest.approx(np.median(residual.numpy()), abs=1e-5)
        assert row["share_over_bound"] == 0
    assert row_of(compared, "occurrence", "random", "gradient_x_input")["share_over_bound"] is None
    monkeypatch.setattr(integrated_gradients, "FIRST_STEPS", 1)
    monkeypatch.setattr(integrated_gradients, "MOST_STEPS", 1)
    coarse = compare_methods(model, world, lambda: 0.0)
    assert row_of((world, coarse), "occurrence", "integrated_gradients_padding", "random")["share_over_bound"] > 0.3


def test_top_five_are_of_groups_with_more_and_by_size():
    group = np.repeat([0, 1], [6, 5])
    one = _Ranking.of(np.array([6.0, -5, 4, 3, 2, 1, 1, 2, 3, 4, 5]), group)
    other = _Ranking.of(np.array([1.0, 5, 4, 3, 2, 6, 5, 4, 3, 2, 1]), group)
    correlation, overlap, n_compared = one.agreement(other)
    assert overlap == pytest.approx(4 / 5) and n_compared == 2
    first = spearmanr([6, -5, 4, 3, 2, 1], [1, 5, 4, 3, 2, 6]).statistic
    assert correlation == pytest.approx((first - 1) / 2)


def test_a_method_that_tells_nothing_apart_has_no_correlation():
    flat = _Ranking.of(np.zeros(4), np.zeros(4, dtype=int))
    assert flat.agreement(_Ranking.of(np.arange(4.0), np.zeros(4, dtype=int))) == (None, None, 0)


def test_the_sample_depends_on_ids_alone_and_stays_within_its_budget():
    world = sessions([5, 0, 7, 300, 9, 4, 6], seed=1)
    everything = sample_sessions(world, 10, 10**9)
    assert everything.tolist() == [0, 2, 3, 4, 5, 6]
    few = sample_sessions(world, 3, 10**9)
    assert set(few) <= set(everything) and len(few) == 3
    order = np.random.default_rng(0).permutation(world.n_sessions)
    names = world.session_id.take(pa.array(few)).to_pylist()
    shuffled = world.select(order)
    assert set(shuffled.session_id.take(pa.array(sample_sessions(shuffled, 3, 10**9))).to_pylist()) == set(names)
    assert len(sample_sessions(world, 10, 12_000)) < 6
    assert len(sample_sessions(world, 10, 1)) == 1
