"""Attribution drift: changes worked out by hand, errors against a bootstrap over users, and the picture."""

from datetime import timedelta

import numpy as np
import pytest
from duckdb import connect
from scipy.stats import norm

from attribution_dagster.assets.changes import BOUNDS, CHANGE, ERROR
from attribution_dagster.core.uncertainty import with_test
from attribution_dagster.reports.drift import drift_png
from attribution_dagster.warehouse.queries import load_query, transpile
from attribution_dagster_tests.marts.engine import WINDOW, attribution_table, documented_columns, occurrence

BEFORE = WINDOW - timedelta(days=7)


def drift(rows: list[dict], compared_from=BEFORE) -> dict[str, dict]:
    query = load_query("marts/attribution_drift", "no_funnel")
    with connect() as connection:
        connection.register("gradient_attribution_no_funnel", attribution_table(rows))
        values = {"window_start": WINDOW, "compared_from": compared_from, "minimum_support": 30}
        found = connection.sql(transpile(query, "duckdb"), params=values).to_arrow_table()
    tested = with_test(found, CHANGE, ERROR, BOUNDS)
    return {row["event_type"]: row for row in tested.to_pylist()}


def test_changes_are_those_of_the_means_by_hand() -> None:
    now = [occurrence("a", 1, 0.6, gradient_attribution=0.5), occurrence("b", 0, 0.2, gradient_attribution=0.1)]
    before = [
        occurrence("a", 1, 0.1, gradient_attribution=0.3, window_start=BEFORE),
        occurrence("c", 0, 0.3, gradient_attribution=0.2, window_start=BEFORE),
        occurrence("c", 0, 0.0, event_type="view", window_start=BEFORE),
    ]
    ancient = [occurrence("d", 1, 9.0, window_start=BEFORE - timedelta(days=70))]
    outside = [occurrence("d", 1, 9.0, in_risk_set=False)]
    found = drift([*now, *before, *ancient, *outside])
    click = found["click"]
    assert click["mean_centred_effect"] == pytest.approx(0.4) and click["effect_before"] == pytest.approx(0.2)
    assert click["effect_change"] == pytest.approx(0.2)
    assert click["attribution_lift"] == pytest.approx(0.4) and click["lift_change"] == pytest.approx(0.3)
    assert (click["share_of_events"], click["share_before"]) == (1.0, pytest.approx(2 / 3))
    # Each of two has half of a period's clicks, so residuals are over 2 sqrt(1/2). a: (.6 - .4) - (.1 - .2) = .3; b: .2 - .4 = -.2;
    # c: -(.3 - .2) = -.1.
    error = np.sqrt((0.3**2 + 0.2**2 + 0.1**2) / 2)
    assert click["effect_change_error"] == pytest.approx(error)
    assert click["effect_change_high"] == pytest.approx(0.2 + 1.96 * error)
    assert click["p_value"] == pytest.approx(2 * norm.sf(0.2 / error))
    assert not click["has_minimum_support"] and click["q_value"] is None
    assert found["view"]["mean_centred_effect"] is None and found["view"]["share_of_events"] == 0.0


def test_without_a_window_before_there_is_nothing_to_compare() -> None:
    found = drift([occurrence("a", 1, 0.6), occurrence("b", 0, 0.2)], compared_from=WINDOW)["click"]
    for name in ("effect_before", "effect_change", "effect_change_error", "p_value", "q_value", "share_before"):
        assert found[name] is None


def test_an_effect_that_ends_all_conversion_is_not_overlooked() -> None:
    """No converted session holds the event any more: its lift is unknown, the change of its effect is not."""
    now = [occurrence(f"u{n}", 0, -2.0 + 0.01 * (n % 3)) for n in range(30)]
    before = [occurrence(f"u{n}", n % 2, 0.01 * (n % 3), window_start=BEFORE) for n in range(30)]
    found = drift([*now, *before])["click"]
    assert found["effect_change"] == pytest.approx(-2.0) and 0 < found["effect_change_error"] < 0.1
    assert found["has_minimum_support"] and found["q_value"] == found["p_value"] < 1e-9
    assert found["lift_change"] is None and found["lift_change_error"] is None


def test_errors_of_changes_are_those_of_resampled_users() -> None:
    """Most users are in both periods, with habits of their own: unpaired errors would be far too large."""
    rng = np.random.default_rng(3)
    rows = []
    for user in range(150):
        habit = rng.normal(0.0, 0.6)
        for start in (BEFORE, WINDOW) if rng.random() < 0.8 else (BEFORE,):
            for _ in range(1 + rng.poisson(4)):
                label = int(rng.random() < 0.4)
                more = {
                    "window_start": start,
                    "gradient_attribution": float(rng.random()),
                    "session_id": f"{user}{start}",
                }
                rows.append(occurrence(f"u{user}", label, habit + rng.normal(0, 0.2), **more))
    found = drift(rows)["click"]
    by_user: dict[str, list[dict]] = {}
    for row in rows:
        by_user.setdefault(row["user_id"], []).append(row)
    users, changes = list(by_user), []
    for _ in range(400):
        drawn = [row for user in rng.choice(users, len(users)) for row in by_user[user]]
        means = {
            start: np.mean([r["centred_attribution"] for r in drawn if r["window_start"] == start])
            for start in (BEFORE, WINDOW)
        }
        changes.append(means[WINDOW] - means[BEFORE])
    assert found["effect_change_error"] == pytest.approx(np.std(changes), rel=0.15)


def test_columns_are_those_that_are_documented() -> None:
    query = load_query("marts/attribution_drift", "no_funnel")
    with connect() as connection:
        connection.register("gradient_attribution_no_funnel", attribution_table([occurrence("a", 1, 0.6)]))
        values = {"window_start": WINDOW, "compared_from": BEFORE, "minimum_support": 30}
        found = connection.sql(transpile(query, "duckdb"), params=values)
        assert [*found.columns, *BOUNDS, "p_value", "q_value"] == list(documented_columns("attribution_drift"))


@pytest.mark.parametrize("windows", [0, 1, 40])
def test_the_picture_is_drawn_whatever_there_is(windows: int) -> None:
    keys = [f"2025-{1 + n // 28:02d}-{1 + n % 28:02d}" for n in range(windows)]
    effects = [
        {"window_key": key, "event_type": name, "mean_centred_effect": value, "effect_low": None, "effect_high": None}
        for key in keys
        for name, value in (("<b>$click$", 0.3), ("😀" * 40, -0.2), ("never", None))
    ]
    metrics = [{"window_key": key, "auc": 0.7, "auc_low": 0.65, "auc_high": None} for key in keys]
    assert drift_png("Shop", effects, metrics, leaks=True)[:4] == b"\x89PNG"
