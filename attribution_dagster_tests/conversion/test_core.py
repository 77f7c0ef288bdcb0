"""Slices of time, metrics, deciles, reasons and lost revenue: answers worked out by hand, and agreement with other libraries."""

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import expit
from sklearn import metrics as sk

from attribution_dagster.core.conversion.abandonment import lost_revenue
from attribution_dagster.core.conversion.estimators import CatBoost, XGBoost
from attribution_dagster.core.conversion.evaluation import METRICS, decile_of, decile_rows, metric_rows
from attribution_dagster.core.conversion.fitting import ModelSet, fit_models
from attribution_dagster.core.conversion.reasons import reason, summarise, top_reasons
from attribution_dagster.core.conversion.sample import Sample, time_slices
from attribution_dagster.core.conversion.segments import adversarial_auc, segments

HOUR = 3_600_000_000
NAMES = ("n_events", "user_visits_before", "device_events_before")


def sample_of(n: int, seed: int = 0, shift: float = 0.0) -> Sample:
    """n sessions, one an hour, of n / 2 users; the first feature raises the odds."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, 3)) + np.array([shift, 0, 0])
    return Sample(
        names=NAMES,
        features=features,
        label=(rng.random(n) < expit(features[:, 0] - 1)).astype(np.int64),
        started_us=np.arange(n) * HOUR,
        session=np.array([f"s{i}" for i in range(n)], dtype=object),
        user=np.array([f"u{i % (n // 2)}" for i in range(n)], dtype=object),
        category=np.array(["food", "drink", None, "food"] * (n // 4), dtype=object),
        has_device=np.arange(n) % 2 == 0,
    )


def test_slices_leave_an_embargo_before_each_border() -> None:
    sample = sample_of(100)
    fit_on, choose_on = time_slices(sample, end_us=100 * HOUR, embargo_us=4 * HOUR)
    assert choose_on.started_us.max() == 95 * HOUR  # 96 lies within the four hours before the end
    assert choose_on.started_us.min() == 72 * HOUR and fit_on.started_us.max() == 67 * HOUR
    assert not set(fit_on.session) & set(choose_on.session)


def test_rows_of_a_table_become_a_sample_whatever_their_order() -> None:
    table = pa.table(
        {
            "session_id": ["b", "a"], "user_id": ["u", None], "started_at": pa.array([5, 5], pa.timestamp("us")),
            "is_converted": [True, False], "main_category": [None, "food"], "has_device": [True, False],
            "n_events": pa.array([2, None], pa.int64()),
        }
    )  # fmt: skip
    sample = Sample.from_table(table, ["n_events"])
    assert sample.session.tolist() == ["a", "b"] and sample.label.tolist() == [0, 1]
    assert np.isnan(sample.features[0, 0]) and sample.features[1, 0] == 2
    assert len(Sample.from_table(table.slice(0, 0), ["n_events"])) == 0


def test_a_limited_sample_has_all_sessions_of_the_users_it_has() -> None:
    sample = sample_of(400)
    some = sample.limited(100)
    assert 60 < len(some) < 140
    assert len(some) == np.isin(sample.user, some.user).sum() and len(sample.limited(400)) == 400


def test_metrics_agree_with_scikit_learn_and_their_intervals_hold_them() -> None:
    sample = sample_of(600)
    p = np.round(expit(sample.features[:, 0] - 1), 2)  # with ties
    found = {r.metric: r for r in metric_rows({"m": p}, sample.label, sample.user, reference="m")}
    assert list(found) == list(METRICS)
    assert found["auc"].value == pytest.approx(sk.roc_auc_score(sample.label, p))
    assert found["average_precision"].value == pytest.approx(sk.average_precision_score(sample.label, p))
    assert found["log_loss"].value == pytest.approx(sk.log_loss(sample.label, p))
    assert found["brier"].value == pytest.approx(sk.brier_score_loss(sample.label, p))
    for row in found.values():
        assert row.value_low < row.value_high and row.gain is None
    assert found["auc"].value_low < found["auc"].value < found["auc"].value_high


def test_resampling_a_user_weighs_all_of_its_sessions() -> None:
    """With one user there is nothing to resample, and the interval is a point."""
    sample = sample_of(600)
    one = np.full(600, "u", dtype=object)
    (row, *_) = metric_rows({"m": expit(sample.features[:, 0])}, sample.label, one, reference="m")
    assert row.value == pytest.approx(row.value_low) == pytest.approx(row.value_high)


def test_too_few_of_a_class_have_no_metrics_and_gains_are_paired() -> None:
    sample = sample_of(600)
    p = expit(sample.features[:, 0])
    assert metric_rows({"m": p[:40]}, np.r_[np.ones(29), np.zeros(11)], sample.user[:40], reference="m") == []
    same = metric_rows({"m": p, "other": p.copy()}, sample.label, sample.user, reference="m")
    assert all((r.gain, r.gain_low, r.gain_high) == (0, 0, 0) for r in same if r.model == "other")


def test_lift_of_the_top_tenth_by_hand() -> None:
    """40 of 100 convert; the ten highest all do: 1 / .4. If all are equal, it is 1."""
    truth = np.r_[np.ones(10), np.zeros(60), np.ones(30)]
    users = np.arange(100).astype(str)
    for p, lift in ((np.linspace(0.9, 0.1, 100), 2.5), (np.full(100, 0.4), 1.0)):
        found = metric_rows({"m": p}, truth, users, reference="m")
        assert {r.metric: r.value for r in found}["top_decile_lift"] == pytest.approx(lift)


def test_deciles_by_hand() -> None:
    p = np.linspace(0.99, 0.0, 20)
    assert decile_of(p).tolist() == [d for d in range(1, 11) for _ in range(2)]
    assert decile_of(np.full(7, 0.5)).tolist() == [1] * 7
    rows = decile_rows({"m": p}, np.r_[1, 1, 1, 0, np.zeros(16)])
    assert [(r.n_sessions, r.n_converted) for r in rows[:3]] == [(2, 2), (2, 1), (2, 0)]
    assert rows[0].lift == pytest.approx(1 / 0.15)


def test_models_are_calibrated_on_the_later_slice_and_saved_whole(tmp_path) -> None:
    sample = sample_of(1200)
    fit_on, choose_on = time_slices(sample, end_us=2000 * HOUR, embargo_us=HOUR)
    models = fit_models(fit_on, choose_on, trials=2, trees=30, seed=1)
    for model in models.models.values():
        assert model.probability(choose_on.features).mean() == pytest.approx(choose_on.label.mean(), abs=0.01)
        parts = model.contributions(sample.features[:50])
        assert np.allclose(parts.sum(axis=1), model.log_odds(sample.features[:50]), atol=1e-5)
    assert models.best.loss == min(model.loss for model in models.models.values())
    models.save(tmp_path / "models")
    again = ModelSet.load(tmp_path / "models")
    assert again.best.name == models.best.name and again.names == NAMES
    assert np.allclose(again.best.probability(sample.features), models.best.probability(sample.features))


def test_segments_part_users_devices_and_categories() -> None:
    sample = sample_of(8)
    found = dict(segments(sample))
    assert (found["user: new"] ^ found["user: returning"]).all()
    devices = [mask for name, mask in found.items() if name.startswith("device")]
    assert (np.sum(devices, axis=0) == 1).all()
    assert found["category: food"].sum() == 4 and found["category: drink"].sum() == 2


def test_adversarial_auc_sees_a_shift_and_names_its_feature() -> None:
    same, _ = adversarial_auc(sample_of(800, 1), sample_of(800, 2))
    shifted, feature = adversarial_auc(sample_of(800, 1), sample_of(800, 2, shift=2.0))
    assert abs(same - 0.5) < 0.08 and shifted > 0.85 and feature == "n_events"


def test_reasons_by_hand() -> None:
    features = np.array([[1.0, np.nan, 3.5]])
    contributions = np.array([[0.2, 0.9, -0.4, -2.0]])
    assert top_reasons("abc", features, contributions) == [["b = missing (+0.90)", "a = 1 (+0.20)"]]
    assert reason("n", 2.0, -0.831) == "n = 2 (-0.83)"


def test_summary_orders_by_mean_size_and_gives_the_direction() -> None:
    x = np.linspace(0, 1, 50)
    features, parts = np.column_stack([x, x]), np.column_stack([-2 * x, x, np.zeros(50)])
    first, second = summarise("ab", features, parts)
    assert (first.feature, first.importance_rank, first.direction) == ("a", 1, pytest.approx(-1))
    assert second.mean_abs_effect == pytest.approx(0.5) and second.direction == pytest.approx(1)


@pytest.mark.parametrize("estimator", [CatBoost(trees=30), XGBoost(trees=30)])
def test_tree_contributions_are_those_of_the_shap_library(estimator) -> None:
    import shap  # two seconds, and warnings, that the other tests need not have

    sample = sample_of(400)
    estimator.fit(sample.features, sample.label)
    reference = shap.TreeExplainer(estimator.native).shap_values(sample.features[:40])
    assert np.allclose(estimator.contributions(sample.features[:40])[:, :-1], reference, atol=1e-4)


def test_lost_revenue_by_hand() -> None:
    """100 sessions, 60 abandoned, 50 to 70 of them by the interval; $50 an order; 5, 10, 15 % recoverable."""
    assumed = {"order_value_usd": 50.0, "recoverable_share": (0.05, 0.1, 0.15)}
    lost = lost_revenue(100, 60, (0.5, 0.7), **assumed)
    assert (lost.abandoned, lost.expected_usd) == (60, pytest.approx(300))
    assert (lost.low_usd, lost.high_usd) == (pytest.approx(125), pytest.approx(525))
