"""Features of sessions in SQL: events per second and peak memory at two sizes; and how fast the boosted models score.

python -m attribution_dagster_tests.bench.bench_conversion            # 1 and 10 million events
python -m attribution_dagster_tests.bench.bench_conversion 100000     # another size
"""

import datetime
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from attribution_dagster.assets.conversion_features import feature_names
from attribution_dagster.core.conversion.estimators import CatBoost, Estimator, XGBoost
from attribution_dagster.core.simulation import simulate_marketplace
from attribution_dagster.datasets.parameters import parameters
from attribution_dagster.datasets.profile import Profile
from attribution_dagster.datasets.registry import load_profile
from attribution_dagster.datasets.windows import windows
from attribution_dagster.warehouse.duckdb import DuckDBWarehouse
from attribution_dagster.warehouse.queries import load_query, parse_query
from attribution_dagster.warehouse.source import open_source
from attribution_dagster_tests.bench.measuring import peak_memory_mb, row

START = datetime.date(2025, 1, 6)
SIZES = (1_000_000, 10_000_000)
EVENTS_PER_USER_WEEK = 18.0
"""About as many as the simulator writes; the figures are of the events that there are."""
SCORED_SESSIONS, TARGET = 200_000, 200_000
_COUNT = parse_query("count", "SELECT COUNT(*) AS n FROM session_events")
STAGES = (
    ("staging/stg_events", "stg_events"),
    ("sessions/session_events", "session_events"),
    ("sessions/sessions", "sessions"),
)


def run() -> list[dict]:
    """Rows of name, value, unit. Each size is built in a fresh process: one window, DuckDB limited to 1 GB."""
    rows = [found for size in SIZES for found in _measured(size)]
    return [*rows, *(_scoring(name, model) for name, model in _models().items())]


def _measured(size: int) -> list[dict]:
    command = [sys.executable, "-m", __spec__.name if __spec__ else __name__, str(size)]
    return list(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def _features(size: int) -> list[dict]:
    """One week of about so many events, from sessions that are there to their features."""
    with tempfile.TemporaryDirectory() as name:
        folder, users = Path(name), max(1, round(size / EVENTS_PER_USER_WEEK))
        simulate_marketplace(folder / "world", users=users, weeks=1, start=START, seed=0)
        profile = _one_week()
        (window,) = windows(profile)
        with DuckDBWarehouse(root=folder / "w", profile=profile, memory_limit="1GB", threads=2) as warehouse:
            warehouse.attach_source(open_source(profile, folder / "world" / "events"))
            more = {"observation_end": window.end + datetime.timedelta(days=1)}
            for statement, table in STAGES:
                query = load_query(statement)
                values = parameters(profile, window, query.parameters, more)
                warehouse.build(table, window.key, "1", query, values)
            events = warehouse.fetch(_COUNT, {}).to_pylist()[0]["n"]
            query, began = load_query("features/session_features"), time.perf_counter()
            rows = warehouse.build(
                "session_features", window.key, "1", query, parameters(profile, window, query.parameters)
            )
            seconds = time.perf_counter() - began
    title = f"features of {events:,} events"
    return [
        row(f"{title}, rows", rows, "rows"),
        row(title, events / seconds, "events/s"),
        row(f"{title}: peak memory, simulation included", peak_memory_mb(), "MB"),
    ]


def _one_week() -> Profile:
    profile = load_profile("marketplace")
    spec = {**profile.windows.model_dump(), "start": START, "end": START + datetime.timedelta(days=7)}
    return profile.model_copy(update={"windows": type(profile.windows).model_validate(spec)})


def _models() -> dict[str, Estimator]:
    """The boosted models as they are by default, on two threads, fitted on made-up sessions."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(5_000, len(feature_names())))
    y = (rng.random(5_000) < 1 / (1 + np.exp(1 - x[:, 0] - x[:, 1] * x[:, 2]))).astype(int)
    models: dict[str, Estimator] = {"catboost": CatBoost(threads=2), "xgboost": XGBoost(threads=2)}
    return {name: model.fit(x, y) for name, model in models.items()}


def _scoring(name: str, model: Estimator) -> dict:
    x = np.random.default_rng(1).normal(size=(SCORED_SESSIONS, len(feature_names())))
    times = []
    for _ in range(3):
        began = time.perf_counter()
        model.predict_proba(x)
        times.append(time.perf_counter() - began)
    return row(f"scoring: {name}, {model.file_name} (target {TARGET:,})", SCORED_SESSIONS / min(times), "sessions/s")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(_features(int(sys.argv[1]))))
    else:
        for each in run():
            print(json.dumps(each))
