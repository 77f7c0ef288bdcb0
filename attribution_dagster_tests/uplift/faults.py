"""A fault for every expectation of an experiment: what a broken asset would have written."""

from collections.abc import Callable
from typing import Any

Change = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


def first(**values: Any) -> Change:
    return lambda known: [{**known[0], **values}, *known[1:]]


def used(**values: Any) -> Change:
    return lambda known: [{**row, **values} if row["is_used"] else row for row in known]


FAULTS: dict[str, tuple[str, Change]] = {
    "assignment_complete": ("treatment_assignment", lambda known: known[1:]),
    "experiment_valid": ("experiment_validity", first(passed=False, blocking=True)),
    "experiment_without_warnings": ("experiment_validity", lambda known: [*known[:-1], {**known[-1], "passed": False}]),
    "effects_add_up": ("experiment_effects", lambda known: [*known, known[0]]),
    "uplift_metrics_complete": ("uplift_metrics", first(value_low=1.0, value_high=0.0)),
    "uplift_beats_random": ("uplift_metrics", used(over_random_low=-1.0, beats_random=False)),
    "uplift_scores_valid": ("uplift_scores", first(uplift=0.2, uplift_low=0.3)),
    "uplift_truth_valid": (
        "uplift_truth",
        lambda _: [{"figure": "pehe", "value": 0.1, "meaning": "m", "data": "real"}],
    ),
    "roi_adds_up": ("roi_simulation", first(profit_usd=1.0)),
    "roi_rates_possible": ("roi_rates", first(treated_rate=1.5)),
    "confirming_test_valid": ("confirming_test", lambda known: known[:-1]),
}
