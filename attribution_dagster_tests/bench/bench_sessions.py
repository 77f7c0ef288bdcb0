"""Sessions from 2.76 million events in RetailRocket's format (generated): the warehouse's SQL against vectorised pandas.

Both read the same CSV, drop exact duplicates, cut sessions at 30 minutes and at 12 hours, name and label them, and write
events and sessions as Parquet. The answers are compared before anything is reported.
"""

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from attribution_dagster.core.simulation.retailrocket import PUBLISHED_ROWS, generate_retailrocket
from attribution_dagster.datasets.parameters import parameters
from attribution_dagster.datasets.profile import Profile
from attribution_dagster.datasets.registry import load_profile
from attribution_dagster.datasets.windows import windows
from attribution_dagster.warehouse.duckdb import DuckDBWarehouse
from attribution_dagster.warehouse.queries import load_query, parse_query
from attribution_dagster.warehouse.source import open_source

STAGES = (
    ("staging/stg_events", "stg_events"),
    ("sessions/session_events", "session_events"),
    ("sessions/sessions", "sessions"),
)
OBSERVATION_END = pd.Timestamp("2016-01-01")
REPEATS = 3


def run(rows: int = PUBLISHED_ROWS, repeats: int = REPEATS) -> list[dict[str, object]]:
    """Seconds of both, best of `repeats`, and their ratio."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generate_retailrocket(folder / "raw", rows=rows, property_rows=2)
        events = folder / "raw" / "events.csv"
        (events.parent / "category_tree.csv").unlink()
        for extra in events.parent.glob("item_properties*"):
            extra.unlink()
        ours_s, ours = _best(lambda number: _by_warehouse(events, folder / f"warehouse-{number}"), repeats)
        pandas_s, theirs = _best(lambda number: _by_pandas(events, folder / f"pandas-{number}"), repeats)
    pd.testing.assert_frame_equal(ours, theirs, check_dtype=False)
    return [
        {"name": "sessions: pandas", "value": round(pandas_s, 2), "unit": "s"},
        {"name": "sessions: warehouse", "value": round(ours_s, 2), "unit": "s"},
        {"name": "sessions: events", "value": round(rows / ours_s), "unit": "events/s"},
        {
            "name": "sessions: speed-up",
            "value": round(pandas_s / ours_s, 2),
            "unit": "x",
            "ratio_of": "sessions: warehouse",
            "baseline": "sessions: pandas",
        },
    ]


def _best(work: Callable[[int], pd.DataFrame], repeats: int) -> tuple[float, pd.DataFrame]:
    times = []
    for number in range(repeats):
        began = time.perf_counter()
        answer = work(number)
        times.append(time.perf_counter() - began)
    return min(times), answer


def _profile() -> Profile:
    """The dataset in monthly windows that cover all of the file."""
    profile = load_profile("retailrocket")
    spec = {**profile.windows.model_dump(), "length": "month", "start": "2015-05-01", "end": "2015-10-01"}
    return profile.model_copy(update={"windows": type(profile.windows).model_validate(spec)})


def _by_warehouse(events: Path, root: Path) -> pd.DataFrame:
    profile = _profile()
    with DuckDBWarehouse(root=root, profile=profile, threads=2) as warehouse:
        warehouse.attach_source(open_source(profile, events))
        for window in windows(profile):
            for name, table in STAGES:
                query = load_query(name)
                more = {"observation_end": OBSERVATION_END.to_pydatetime()}
                warehouse.build(table, window.key, "1", query, parameters(profile, window, query.parameters, more))
        answer = parse_query(
            "answer", "SELECT session_id, started_at, ended_at, n_events, is_converted FROM sessions ORDER BY session_id"
        )
        return warehouse.fetch(answer, {}).to_pandas()


def _by_pandas(events: Path, root: Path) -> pd.DataFrame:
    frame = pd.read_csv(events, dtype={"timestamp": "int64", "visitorid": "int64", "event": "category"})
    frame = frame.drop_duplicates().sort_values(["visitorid", "timestamp", "event", "itemid"], ignore_index=True)
    new_visitor = frame["visitorid"].ne(frame["visitorid"].shift())
    chain = (new_visitor | (frame["timestamp"].diff() > 1_800_000)).cumsum()
    started_ms = frame["timestamp"].groupby(chain).transform("first")
    keep = frame["timestamp"] - started_ms <= 12 * 3_600_000
    frame, chain = frame[keep], chain[keep]
    frame = frame.assign(chain=chain, is_buy=frame["event"] == "transaction", event_index=frame.groupby(chain).cumcount() + 1)
    sessions = frame.groupby("chain").agg(
        visitorid=("visitorid", "first"),
        started_at=("timestamp", "first"),
        ended_at=("timestamp", "last"),
        n_events=("timestamp", "size"),
        is_converted=("is_buy", "any"),
    )
    for column in ("started_at", "ended_at"):
        sessions[column] = pd.to_datetime(sessions[column], unit="ms").astype("datetime64[us]")
    local_date = sessions["started_at"].dt.strftime("%Y-%m-%d")
    n = sessions.groupby([sessions["visitorid"], local_date]).cumcount() + 1
    sessions["session_id"] = sessions["visitorid"].astype(str) + "_no-device_" + local_date + "_" + n.astype(str)
    frame = frame.assign(session_id=sessions["session_id"].reindex(frame["chain"]).to_numpy())
    root.mkdir()
    frame.to_parquet(root / "session_events.parquet")
    sessions.to_parquet(root / "sessions.parquet")
    columns = ["session_id", "started_at", "ended_at", "n_events", "is_converted"]
    return sessions[columns].sort_values("session_id", ignore_index=True)


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
