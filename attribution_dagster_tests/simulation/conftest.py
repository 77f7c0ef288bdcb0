import datetime
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from attribution_dagster.core.simulation import MarketplaceWorld, SimulationSummary, simulate_marketplace

START = datetime.date(2025, 1, 6)


def read(folder: Path) -> pd.DataFrame:
    """Events joined with their truth, in order of user, device and time."""
    events = pq.read_table(folder / "events").to_pandas()
    truth = pq.read_table(folder / "truth" / "occurrences").to_pandas()
    shared = ["event_id", "user_id", "device_id", "event_at", "event_type"]
    both = events.merge(truth, on=shared, how="outer", validate="one_to_one", indicator=True)
    assert (both["_merge"] == "both").all()
    return both.sort_values("event_id", ignore_index=True)


@pytest.fixture(scope="session")
def world() -> MarketplaceWorld:
    return MarketplaceWorld(block_users=200)


@pytest.fixture(scope="session")
def summary(tmp_path_factory: pytest.TempPathFactory, world: MarketplaceWorld) -> SimulationSummary:
    out = tmp_path_factory.mktemp("marketplace") / "out"
    return simulate_marketplace(out, users=1000, weeks=4, start=START, seed=7, world=world)


@pytest.fixture(scope="session")
def frame(summary: SimulationSummary) -> pd.DataFrame:
    return read(summary.folder)
