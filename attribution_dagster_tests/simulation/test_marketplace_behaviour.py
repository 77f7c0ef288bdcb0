from dataclasses import replace

import pandas as pd

from attribution_dagster.core.simulation import simulate_marketplace
from attribution_dagster.core.simulation.event_types import ADD, CHECKOUT, CONVERSION, FUNNEL
from attribution_dagster_tests.simulation.conftest import START, read

SESSION = ["user_id", "device_id", "session_number"]
DEVICE = ["user_id", "device_id"]


def by_session(frame: pd.DataFrame):
    return frame.groupby(SESSION, sort=False)


def test_a_timeout_of_thirty_minutes_recovers_exactly_the_simulated_sessions(frame):
    ordered = frame.sort_values([*DEVICE, "event_at", "event_id"])
    gap = ordered.groupby(DEVICE)["event_at"].diff()
    starts = gap.isna() | (gap > pd.Timedelta(minutes=30))
    recovered = starts.groupby([ordered[c] for c in DEVICE]).cumsum()
    assert (recovered == ordered["session_number"]).all()
    assert gap[~starts].max() <= pd.Timedelta(minutes=27) and (gap.dropna() > pd.Timedelta(0)).all()


def test_some_people_are_back_within_an_hour_and_some_use_two_devices(frame):
    gap = frame.groupby(DEVICE)["event_at"].diff()
    assert ((gap > pd.Timedelta(minutes=30)) & (gap < pd.Timedelta(minutes=60))).sum() > 50
    assert set(frame.groupby("user_id")["device_id"].nunique()) == {1, 2}


def test_the_summary_counts_sessions_and_conversions(frame, summary):
    assert summary.sessions == by_session(frame).ngroups and summary.events == len(frame)
    assert summary.converted_sessions == (frame["event_type"] == CONVERSION).sum()
    assert by_session(frame).size().max() > 100


def test_the_default_world_is_in_the_documented_band(tmp_path):
    summary = simulate_marketplace(tmp_path / "out", users=4000, weeks=5, start=START, seed=1)
    assert 0.08 <= summary.conversion_rate <= 0.10
    assert 12 <= summary.browsing_events_per_session <= 15
    assert 150_000 <= summary.events / 2 <= 220_000, "events of 2,000 users"


def test_a_session_converts_once_and_only_through_the_funnel(frame):
    seen = frame["event_type"].isin(FUNNEL).groupby([frame[c] for c in SESSION]).cumsum()
    orders = frame["event_type"] == CONVERSION
    assert by_session(frame[orders]).size().max() == 1
    assert (seen[orders] >= 2).all()
    assert (frame["event_type"].shift()[orders] == CHECKOUT).all()
    ordered = orders.groupby([frame[c] for c in SESSION]).cumsum() > 0
    assert not frame.loc[ordered, "event_type"].isin(FUNNEL).any()


def test_abandoned_funnels_exist_up_to_the_checkout(frame):
    has = pd.DataFrame({kind: by_session(frame)["event_type"].agg(lambda s, k=kind: (s == k).any())
                        for kind in (ADD, CHECKOUT, CONVERSION)})  # fmt: skip
    abandoned = has[~has[CONVERSION]]
    assert 0.1 < abandoned[ADD].mean() < 0.3
    assert 0.005 < abandoned[CHECKOUT].mean() < 0.05


def test_sessions_cross_midnight_and_follow_the_hours_and_days(frame):
    first, last = by_session(frame)["event_at"].min(), by_session(frame)["event_at"].max()
    assert (first.dt.date != last.dt.date).sum() > 20
    hours = first.dt.hour.value_counts()
    assert hours[19] > 5 * hours[4]
    days = first.dt.dayofweek.value_counts()
    assert days[4] > 1.15 * days[1]


def test_columns_are_null_exactly_where_they_make_no_sense(frame, world):
    bears = {event.name: event for event in world.event_types}
    for name, events in frame.groupby("event_type"):
        with_store = name not in bears or bears[name].bears_store
        for column in ("store_id", "store_name", "primary_tag", "primary_category", "is_nv", "discovery_feature"):
            assert events[column].notna().all() if with_store else events[column].isna().all(), (name, column)
        with_product = bears[name].bears_product if name in bears else name.startswith("action_") or name == CONVERSION
        for column in ("product_id", "price_usd", "is_sale"):
            assert events[column].notna().all() if with_product else events[column].isna().all(), (name, column)


def test_a_store_and_a_product_are_described_the_same_everywhere(frame):
    stores = frame.dropna(subset=["store_id"]).groupby("store_id")
    for column in ("store_name", "primary_tag", "primary_category", "is_nv"):
        assert (stores[column].nunique() == 1).all()
    products = frame.dropna(subset=["product_id"]).groupby("product_id")
    assert (products["price_usd"].nunique() == 1).all() and (products["store_id"].nunique() == 1).all()
    assert frame.loc[frame["event_type"] == "sale_flag_view", "is_sale"].all()


def test_where_no_event_turns_to_another_store_each_session_keeps_a_store_of_its_own(tmp_path, world):
    faithful = replace(
        world,
        event_types=tuple(replace(event, new_store_rate=0.0) for event in world.event_types),
        interaction=replace(world.interaction, other_store_rate=0.0),
    )
    summary = simulate_marketplace(tmp_path / "out", users=200, weeks=2, start=START, seed=1, world=faithful)
    sessions = by_session(read(summary.folder).dropna(subset=["store_id"]))["store_id"]
    assert (sessions.nunique() == 1).all() and sessions.first().nunique() > 30


def test_the_order_is_about_the_item_that_was_added(frame):
    orders = frame.index[frame["event_type"] == CONVERSION]
    for column in ("store_id", "product_id", "price_usd"):
        added = frame[column].where(frame["event_type"] == ADD).groupby([frame[c] for c in SESSION]).ffill()
        known = added[orders].notna()
        assert known.mean() > 0.95 and (added[orders][known] == frame.loc[orders, column][known]).mean() > 0.97
