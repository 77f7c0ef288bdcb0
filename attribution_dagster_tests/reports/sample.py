"""Tables as a run publishes them, small and made up, through the marts themselves."""

from typing import Any

import numpy as np
import pyarrow as pa

from attribution_dagster.reports.panels import PanelHeader, PanelTables
from attribution_dagster_tests.marts.engine import ATTRIBUTION, WINDOW, roles, run_sql, run_statistics

EFFECTS = {
    "store_page_view": 0.34,
    "card_click": 0.27,
    "search_submit": 0.15,
    "favourite_add": 0.11,
    "filter_apply": 0.05,
    "app_open": 0.0,
    "impression": -0.02,
    "scroll": 0.0,
    "banner_view": 0.01,
    "share": 0.03,
    "notification_open": -0.04,
    "app_background": -0.16,
    "cart_remove": -0.22,
    "help_page_view": -0.12,
    "review_read": 0.07,
    "map_open": 0.02,
}
FUNNEL = {"action_add_item": 0.9, "cart_page_load": 1.6, "checkout_page_load": 2.7}


def occurrences(seed: int = 1, sessions: int = 900, effects: dict[str, float] = EFFECTS) -> pa.Table:
    """gradient_attribution rows of `sessions` sessions; effects decay with position, users differ."""
    rng = np.random.default_rng(seed)
    lengths = np.minimum(rng.geometric(0.05, sessions), 90)
    session = np.repeat(np.arange(sessions), lengths)
    position = np.arange(len(session)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    user = (session * 7919) % (sessions // 3 + 1)
    weights = np.linspace(3, 0.4, len(effects))
    kind = rng.choice(len(effects), len(session), p=weights / weights.sum())
    taste = rng.normal(0, 0.05, user.max() + 1)[user]
    effect = (
        np.array(list(effects.values()))[kind] * np.exp(-position / 40) * 1.3
        + taste
        + rng.normal(0, 0.12, len(session))
    )
    label = (rng.random(sessions) < 0.15).astype(np.int8)[session]
    share = np.abs(effect) / np.bincount(session, np.abs(effect))[session]
    store = rng.integers(0, 25, len(session))
    count = len(session)
    columns = {
        "window_start": pa.array([WINDOW] * count, pa.timestamp("us")),
        "session_id": [f"s{i}" for i in session],
        "label": label,
        "event_position": position.astype(np.int32),
        "gradient_attribution": share,
        "event_type": np.array(list(effects), dtype=object)[kind],
        "store_id": [f"st{i}" if i else None for i in store],
        "signed_attribution": effect - 0.03,
        "centred_attribution": effect,
        "relative_attribution": share * lengths[session],
        "store_name": [f"Store {i}" if i else None for i in store],
        "primary_category": [("food", "drinks", None)[i % 3] for i in store],
        "primary_tag": [("pizza", "tea", None, "books")[i % 4] for i in store],
        "user_id": [f"u{i}" for i in user],
        "in_risk_set": [True] * count,
        "n_events": lengths[session].astype(np.int32),
        "probability": np.full(count, 0.15),
    }
    return pa.table(columns, schema=ATTRIBUTION)


def marts(attribution: pa.Table, minimum_support: int = 30) -> dict[str, pa.Table]:
    """Event, position, event-by-position, store and category tables of one variant, by short name."""
    statistics = run_statistics(attribution, minimum_support)
    tables = {"attribution_statistics_no_funnel": statistics, "event_roles": roles(*FUNNEL)}
    names = ("event", "position", "event_position", "store", "category")
    return {name: run_sql(f"transformer_{name}_attribution", tables, minimum_support) for name in names}


HOSTILE = [
    "it's",
    'say "hi"',
    "a,b",
    "two\nlines",
    "🛒 cart",
    "<script>alert(1)</script>",
    "=1+1",
    "$x^{2$ and $\\frac$",
    "x" * 200,
    "שלום مرحبا",
    "pipe|`code`",
    "點擊",
    "",
    "\x1b[31mred",
]


def header_of(variant: str = "no_funnel", **changes: Any) -> PanelHeader:
    """A plain picture header."""
    values: dict[str, Any] = {
        "dataset_title": "Marketplace",
        "window_key": "2025-02-03",
        "variant": variant,
        "sessions": 900,
        "converted": 120,
    }
    return PanelHeader(**(values | changes))


def panel_tables(tables: dict[str, pa.Table]) -> PanelTables:
    """The tables of one variant as the picture takes them."""
    return PanelTables(events=tables["event"], positions=tables["position"], event_positions=tables["event_position"])
