"""A user of ads is forgotten in all four tables of the source, in what journeys are made of, and the models that learnt from the user are named."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq
import pytest

from attribution_dagster.assets.forgetting import forget_user
from attribution_dagster.core.simulation.ads import ad_tables
from attribution_dagster.core.simulation.ads_world import AdsWorld, draw
from attribution_dagster.datasets.registry import load_profile
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.duckdb import DuckDBWarehouse
from attribution_dagster.warehouse.queries import load_query, parse_query, traced
from attribution_dagster.warehouse.source import open_source
from attribution_dagster_tests.journeys.small import EXPLAINED
from attribution_dagster_tests.journeys.world import START

COUNTED = parse_query(
    "q", "SELECT event_type, COUNT(*) AS n FROM canonical_events WHERE user_id <> :user GROUP BY event_type"
)


def texts(folder: Path) -> Iterator[str]:
    """Every text in the Parquet files under a folder."""
    for path in folder.rglob("*.parquet"):
        for column in pq.read_table(path).columns:
            if pa.types.is_string(column.type):
                yield from (value for value in column.unique().to_pylist() if value is not None)


@pytest.fixture()
def tables(tmp_path: Path) -> tuple[Path, str]:
    """The four tables as CSV, and a user who is in all of them and in a broken line of the clicks."""
    world = AdsWorld()
    found = ad_tables(world, draw(world, 60, 14, 1), START, 1)
    for name, table in found.items():
        (tmp_path / name).mkdir()
        csv.write_csv(table, tmp_path / name / "part.csv")
    users = (set(table["user_id"].to_pylist()) for table in found.values())
    user = min(set.intersection(*users))
    with (tmp_path / "clicks" / "part.csv").open("a") as lines:
        lines.write(f"too,many,{user},cells,here\n")
    return tmp_path, user


def test_no_snapshot_of_any_table_holds_a_forgotten_user_and_others_are_read_as_before(
    tables: tuple[Path, str], tmp_path: Path
) -> None:
    root, user = tables
    profile = load_profile("ads")
    extras = {
        name: each.model_copy(update={"path": each.path.replace("parquet", "csv")})
        for name, each in profile.extras.items()
    }
    profile = profile.model_copy(update={"extras": extras})
    with DuckDBWarehouse(root=tmp_path / "warehouse", profile=profile, threads=1) as warehouse:
        warehouse.attach_source(open_source(profile, root / "impressions"))
        before = sorted(map(str, warehouse.fetch(COUNTED, {"user": user}).to_pylist()))
        names = {path.parent.name.split("-")[0] for path in (tmp_path / "warehouse").rglob("part-*.parquet")}
        assert names == {"events", "clicks", "purchases", "auctions"}
        assert any(user in text for text in texts(tmp_path / "warehouse"))
        warehouse.forget(user)
        warehouse.attach_source(open_source(profile, root / "impressions"))
        assert sorted(map(str, warehouse.fetch(COUNTED, {"user": user}).to_pylist())) == before and len(before) == 4
        assert not any(user in text for text in texts(tmp_path / "warehouse"))


def test_the_user_of_each_table_is_traced_to_its_column() -> None:
    staging = load_query("staging/stg_events__ads")
    for table in ("raw_events", "raw_clicks", "raw_purchases", "raw_auctions"):
        assert traced(staging, "user_id", table, "duckdb") == "CAST(user_id AS TEXT)"
    assert traced(staging, "user_id", "raw_nothing", "duckdb") is None
    through = (
        "WITH a AS (SELECT who AS u FROM raw_b) SELECT NULL AS user_id FROM raw_c UNION ALL SELECT u AS user_id FROM a"
    )
    assert traced(parse_query("q", through), "user_id", "raw_b", "duckdb") == "(who)"


def test_forgetting_empties_the_tables_of_journeys_and_names_the_model_that_learnt(copy: Workspace) -> None:
    user = copy.slice_of("ad_journeys", EXPLAINED).sort_by([("n_events", "descending")])["user_id"][0].as_py()
    home = copy.settings.home / "warehouse"
    assert any(user in text for text in texts(home))
    forgotten = forget_user(copy, user)
    assert not any(user in text for text in texts(home))
    removed = {
        "ad_auctions",
        "ad_journeys",
        "ad_journey_events",
        "ad_event_counterfactuals",
        "journey_embeddings",
        "stg_events",
    }
    assert removed <= set(forgotten.removed)
    assert forgotten.models == (f"small_ads: journey_model of window {EXPLAINED}",) and forgotten.published == (
        EXPLAINED,
    )
