"""Sessions from 2.76 million generated events in RetailRocket format: the warehouse SQL against vectorised pandas.

Both read the same CSV, drop exact duplicates, cut sessions at 30 minutes and at 12 hours, name and label them, and
write events and sessions with the same columns as Parquet. The answers are compared before anything is reported.
"""

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd

from attribution_dagster.core.simulation.retailrocket import PUBLISHED_ROWS, generate_retailrocket
from attribution_dagster.datasets.parameters import parameters
from attribution_dagster.datasets.profile import Profile
from attribution_dagster.datasets.registry import load_profile
from attribution_dagster.datasets.windows import windows
from attribution_dagster.warehouse.duckdb import DuckDBWarehouse
from attribution_dagster.warehouse.queries import load_query
from attribution_dagster.warehouse.source import open_source
from attribution_dagster_tests.bench.measuring import row

STAGES = (
    ("staging/stg_events", "stg_events"),
    ("sessions/session_events", "session_events"),
    ("sessions/sessions", "sessions"),
)
OBSERVATION_END = pd.Timestamp("2016-01-01")
NULL_COLUMNS = (
    "device_id", "discovery_feature", "store_id", "store_name", "primary_tag", "primary_category", "is_nv", "price_usd",
    "auction_id", "ad_id", "ad_outcome",
)  # fmt: skip
REPEATS = 2


def run(rows: int = PUBLISHED_ROWS, repeats: int = REPEATS) -> list[dict]:
    """Seconds of both, best of `repeats`, and their ratio."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generate_retailrocket(folder / "raw", rows=rows, property_rows=2)
        events = folder / "raw" / "events.csv"
        (events.parent / "category_tree.csv").unlink()
        for extra in events.parent.glob("item_properties*"):
            extra.unlink()
        ours_s, ours = _best(_by_warehouse, events, folder, repeats)
        pandas_s, theirs = _best(_by_pandas, events, folder, repeats)
        pd.testing.assert_frame_equal(_sessions(ours), _sessions(theirs), check_dtype=False)
    return [
        row("sessions: pandas", pandas_s, "s"),
        row("sessions: ours", ours_s, "s"),
        row("sessions: ours", rows / ours_s, "events/s"),
        row("sessions: ours over pandas", pandas_s / ours_s, "times"),
    ]


def _best(work: Callable[[Path, Path], str], events: Path, folder: Path, repeats: int) -> tuple[float, str]:
    """Seconds of the fastest run, and where the sessions of the last lie."""
    times = []
    for number in range(repeats):
        began = time.perf_counter()
        answer = work(events, folder / f"{work.__name__}-{number}")
        times.append(time.perf_counter() - began)
    return min(times), answer


def _sessions(files: str) -> pd.DataFrame:
    """What does not depend on the order of events at one instant, which pandas takes from numbers and SQL from ids."""
    columns = "session_id, user_id, started_at, ended_at, n_events, is_converted, converted_at, is_bot, is_censored"
    with duckdb.connect() as connection:
        return connection.sql(f"SELECT {columns} FROM read_parquet(?) ORDER BY session_id", params=[files]).df()


def _profile() -> Profile:
    """The dataset in monthly windows that cover all of the file."""
    profile = load_profile("retailrocket")
    spec = {**profile.windows.model_dump(), "length": "month", "start": "2015-05-01", "end": "2015-10-01"}
    return profile.model_copy(update={"windows": type(profile.windows).model_validate(spec)})


def _by_warehouse(events: Path, root: Path) -> str:
    profile = _profile()
    with DuckDBWarehouse(root=root, profile=profile, threads=2) as warehouse:
        warehouse.attach_source(open_source(profile, events))
        for window in windows(profile):
            for name, table in STAGES:
                query = load_query(name)
                more = {"observation_end": OBSERVATION_END.to_pydatetime()}
                warehouse.build(table, window.key, "1", query, parameters(profile, window, query.parameters, more))
    return str(root / profile.name / "work" / "sessions" / "*" / "*.parquet")


def _by_pandas(events: Path, root: Path) -> str:
    """The same tables with the same columns. Numbers stay numbers until the end, which is what pandas is fast at."""
    frame = pd.read_csv(events, dtype={"timestamp": "int64", "visitorid": "int64", "event": "category"})
    frame = frame.drop_duplicates().sort_values(["visitorid", "timestamp", "event", "itemid"], ignore_index=True)
    new_visitor = frame["visitorid"].ne(frame["visitorid"].shift())
    chain = (new_visitor | (frame["timestamp"].diff() > 1_800_000)).cumsum()
    started_ms = frame["timestamp"].groupby(chain).transform("first")
    keep = frame["timestamp"] - started_ms <= 12 * 3_600_000
    frame, chain = frame[keep], chain[keep]
    index = frame.groupby(chain).cumcount() + 1
    is_buy, is_cart = frame["event"] == "transaction", frame["event"] == "addtocart"
    conversion_index = index.where(is_buy).groupby(chain).transform("min")
    is_before = (conversion_index.isna() | (index < conversion_index)) & ~is_cart
    frame = frame.assign(
        chain=chain,
        event_index=index,
        is_buy=is_buy,
        is_before=is_before,
        conversion_index=conversion_index,
        buy_ms=frame["timestamp"].where(is_buy),
    )
    sessions = _pandas_sessions(frame)
    root.mkdir()
    sessions.to_parquet(root / "sessions.parquet")
    _pandas_events(frame, sessions).to_parquet(root / "session_events.parquet")
    return str(root / "sessions.parquet")


def _pandas_sessions(frame: pd.DataFrame) -> pd.DataFrame:
    sessions = frame.groupby("chain").agg(
        visitorid=("visitorid", "first"),
        started_at=("timestamp", "first"),
        ended_at=("timestamp", "last"),
        n_events=("timestamp", "size"),
        is_converted=("is_buy", "any"),
        converted_at=("buy_ms", "min"),
        conversion_event_index=("conversion_index", "first"),
        n_no_funnel=("is_before", "sum"),
    )
    for column in ("started_at", "ended_at", "converted_at"):
        sessions[column] = pd.to_datetime(sessions[column], unit="ms").astype("datetime64[us]")
    sessions["local_date"] = sessions["started_at"].dt.strftime("%Y-%m-%d")
    n = sessions.groupby(["visitorid", "local_date"]).cumcount() + 1
    sessions["user_id"] = sessions["visitorid"].astype(str)
    sessions["session_id"] = sessions["user_id"] + "_no-device_" + sessions["local_date"] + "_" + n.astype(str)
    sessions["window_start"] = sessions["started_at"].dt.to_period("M").dt.to_timestamp()
    minutes = ((sessions["ended_at"] - sessions["started_at"]).dt.total_seconds() / 60).clip(lower=1)
    sessions["is_bot"] = (sessions["n_events"] > 1000) | (sessions["n_events"] > 120 * minutes)
    sessions["is_censored"] = sessions["ended_at"] + pd.Timedelta(minutes=30) >= OBSERVATION_END
    return sessions.assign(device_id=None, n_events_outside_window=0)


def _pandas_events(frame: pd.DataFrame, sessions: pd.DataFrame) -> pd.DataFrame:
    text = {name: frame[name].astype(str) for name in ("visitorid", "timestamp", "itemid", "event")}
    transaction = frame["transactionid"].astype("Int64").astype("string").fillna("")
    nothing = {name: None for name in NULL_COLUMNS}
    return pd.DataFrame(
        {
            "session_id": sessions["session_id"].reindex(frame["chain"]).to_numpy(),
            "event_index": frame["event_index"],
            "event_id": text["visitorid"].str.cat(
                [text["timestamp"], text["itemid"], text["event"], transaction], sep="-"
            ),
            "user_id": text["visitorid"],
            "event_at": pd.to_datetime(frame["timestamp"], unit="ms").astype("datetime64[us]"),
            "event_type": text["event"],
            "product_id": text["itemid"],
            "window_start": sessions["window_start"].reindex(frame["chain"]).to_numpy(),
        }
    ).assign(**nothing)


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
