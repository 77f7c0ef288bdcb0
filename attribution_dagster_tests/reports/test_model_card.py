"""The model card: its state, metrics, trust, calibration and limits, and what could not be measured."""

from typing import Any

import pytest

from attribution_dagster.reports.model_card import ModelCard, calibration_points, limits
from attribution_dagster_tests.reports.reading import GOOD, Tags

METRIC = dict(
    model="transformer",
    population="all",
    auc=0.7,
    auc_low=0.65,
    auc_high=0.75,
    auc_gain=None,
    auc_gain_low=None,
    auc_gain_high=None,
    log_loss=0.3,
    brier=0.1,
    ece=0.012,
)
TRUST = dict(
    granularity="model",
    test="deletion",
    method="gradient_x_input",
    value=0.4,
    value_low=0.3,
    value_high=0.5,
    bound_low=0.1,
    bound_high=None,
    passed=True,
    blocking=True,
    meaning="<b>how</b> | fast",
)


def card(**changes: Any) -> ModelCard:
    values: dict[str, Any] = dict(
        title="Shop",
        variant="no_funnel",
        window_key="2025-02-03",
        model="shop-no_funnel version 3",
        simulated=True,
        leaks=False,
        standing=GOOD,
        facts={"Explains": "window 2025-02-03"},
        metrics=[METRIC, {**METRIC, "population": "unseen", "auc": None}],
        trust=[TRUST, {**TRUST, "test": "insertion", "passed": False}, {**TRUST, "passed": None, "bound_low": None}],
        calibration=[(0.1, 0.12), (0.3, 0.25)],
        rank_correlation=0.9,
        limits=limits(best_epoch=0, unknown_types=0.02, max_events=200, sampled_users=10_000),
    )
    return ModelCard(**{**values, **changes})


def test_a_card_says_state_metrics_trust_calibration_and_limits() -> None:
    for text in (card().html(), card().markdown()):
        for part in (
            "publishable",
            "0.650 to 0.750",
            "deletion",
            "failed",
            "no bound",
            "0.012",
            "network added nothing",
        ):
            assert part in text, part
        assert "SIMULATED DATA" in text and "2.0 %" in text.replace("2.0%", "2.0 %") and "<b>how" not in text
    assert "version 3" in Tags(card().html()).text and card().html().count("<circle") == 2


def test_a_test_with_too_little_data_is_told_from_one_without_a_bound_and_leakage_is_said() -> None:
    unjudged = card(trust=[{**TRUST, "passed": None, "value": None}])
    assert "too little to tell" in unjudged.html() and "too little to tell" in unjudged.markdown()
    assert "DATA LEAKAGE" in card(leaks=True).html()


def test_a_card_leaves_out_what_could_not_be_measured() -> None:
    assert "unseen users" not in card().html() and "Left out" in card().html()
    assert card(metrics=[{**METRIC, "auc": None, "ece": None}]).error is None


def test_points_of_the_calibration_plot_lie_on_the_diagonal_where_predictions_come_true() -> None:
    found = calibration_points([(0.1, 0.1), (0.5, 0.5)])
    for point in found["points"]:
        assert point["x"] + point["y"] == pytest.approx(240, abs=0.2)
    assert calibration_points([])["points"] == []
