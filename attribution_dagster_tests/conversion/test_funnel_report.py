"""Abandonment by stage on hand-made sessions: counts, interval clustered by user, and the largest drop."""

from pathlib import Path

import numpy as np
import pytest

from attribution_dagster.core.uncertainty import clustered_standard_error
from attribution_dagster.datasets.parameters import parameters
from attribution_dagster.datasets.windows import windows
from attribution_dagster.warehouse.queries import load_query
from attribution_dagster_tests.warehouse.shop import Shop, event

STEPS = ("stg_events", "session_events", "sessions", "session_funnels", "funnel_metrics")


def test_abandoned_sessions_of_each_stage_with_their_interval(tmp_path: Path) -> None:
    kinds = {"a": [("view", "cart", "order"), ("view",), ("view", "cart")], "b": [("view", "cart")], "c": [("view",)]}
    events = [
        event(user, f"2025-01-06 {hour:02d}:0{minute}:00", kind)
        for user, sessions in kinds.items()
        for hour, session in enumerate(sessions, start=8)
        for minute, kind in enumerate(session)
    ]
    with Shop(tmp_path) as shop:
        shop.run(events, tables=STEPS)
        window, query = windows(shop.profile)[0], load_query("sessions/funnel_abandonment")
        found = shop.warehouse.fetch(query, parameters(shop.profile, window, query.parameters)).to_pylist()
    view, cart = found
    assert (view["stage"], view["sessions"], view["converted"], view["abandoned"]) == ("view", 5, 1, 4)
    assert (cart["stage"], cart["sessions"], cart["converted"], cart["abandoned"]) == ("cart", 3, 1, 2)
    assert cart["drop_off"] == pytest.approx(0.4) and not cart["is_largest_drop"]  # two of three with a cart don't buy
    error = clustered_standard_error(np.array([0, 1, 1, 1, 1]), np.array([0, 0, 0, 1, 2]))
    assert view["abandoned_share_low"] == pytest.approx(max(0.8 - 1.96 * error, 0))
    assert view["abandoned_share_high"] == pytest.approx(min(0.8 + 1.96 * error, 1))
