"""The shop's sessions with their features, for tests."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from attribution_dagster.datasets.parameters import parameters
from attribution_dagster.datasets.profile import Profile
from attribution_dagster.datasets.windows import windows
from attribution_dagster.warehouse.queries import load_query
from attribution_dagster_tests.warehouse.shop import Shop, shop_profile

SHORT = {"early_events": 3, "early_minutes": 5, "history_days": 2}
Rows = dict[tuple[str, str], dict[str, Any]]


def profile_of(**changes: Any) -> Profile:
    """The shop, with predictions after three events or five minutes."""
    return shop_profile(conversion=SHORT, **changes)


def features_of(folder: Path, events: Iterable[Mapping[str, Any]], profile: Profile | None = None) -> Rows:
    """(session id, feature set) -> its row of `session_features`, made of these events from the source on."""
    folder.mkdir(exist_ok=True)
    with Shop(folder, profile or profile_of()) as shop:
        shop.run(events)
        query = load_query("features/session_features")
        for window in windows(shop.profile):
            values = parameters(shop.profile, window, query.parameters)
            shop.warehouse.build("session_features", window.key, "1", query, values)
        rows = shop.sql("SELECT * FROM session_features")
    return {(row["session_id"], row["feature_set"]): row for row in rows}
