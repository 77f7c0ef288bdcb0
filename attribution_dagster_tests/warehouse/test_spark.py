"""What is Spark's own: texts read as the others read them, sources, files that both engines read, work on the executors."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from attribution_dagster.assets.sequences import open_sequences, sequence_query
from attribution_dagster.assets.training import model_folder, open_model
from attribution_dagster.assets.training_together import trainer
from attribution_dagster.core.attribution.sessions import attribute_sessions
from attribution_dagster.core.attribution.streams import attribute_elsewhere, stamped
from attribution_dagster.core.models.storage import model_bytes
from attribution_dagster.core.models.together import train_together
from attribution_dagster.datasets.parameters import parameters
from attribution_dagster.datasets.windows import windows
from attribution_dagster.errors import ConfigurationError, DataError, SourceError
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.settings import Settings
from attribution_dagster.warehouse.ddl import table_definition
from attribution_dagster.warehouse.duckdb import DuckDBWarehouse
from attribution_dagster.warehouse.protocol import Gatherer, Mapper, Warehouse
from attribution_dagster.warehouse.queries import load_query, parse_query
from attribution_dagster.warehouse.registry import open_warehouse
from attribution_dagster.warehouse.source import open_source
from attribution_dagster_tests.models.test_together import (
    SEED,
    SPEC,
    TRAINING,
    assert_alike,
    shared_training,
    trained_here,
    worlds,
)
from attribution_dagster_tests.pipeline.small import EXPLAINED, copy_in_use, small_workspace
from attribution_dagster_tests.warehouse.local_spark import CORES, LOCAL_SPARK, needs_spark
from attribution_dagster_tests.warehouse.shop import OPEN_END, STAGES, shop_profile

ALL = parse_query("all", "SELECT * FROM stg_events ORDER BY event_id, event_at")
MOMENTS = [
    "2025-01-06 10:00:00", "2025-01-06T10:00:00.123456Z", "2025-01-06 10:00:00.1234567", "2025-01-06 10:00:00+02:00", "2025-01-06",
    " 2025-01-06 10:00 ", "2025-1-6 1:2:3", "2025", "2025-01", "10:00:00", "2025-01-06T10", "20250106", "2025-02-30", "now", "1e3", "", None,
]  # fmt: skip
FLAGS = ["true", "F", "1", "no", "ON", "off", "2", "", None]


@pytest.fixture
def spark(tmp_path: Path) -> Iterator[Any]:
    needs_spark()
    from attribution_dagster.warehouse.spark import SparkWarehouse

    # A folder's name may hold what Spark takes for a pattern.
    with SparkWarehouse(root=tmp_path / "spark [a]*{b}", profile=shop_profile(), memory_limit="1GB", threads=1) as one:
        yield one


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[DuckDBWarehouse]:
    with DuckDBWarehouse(root=tmp_path / "duckdb", profile=shop_profile(), memory_limit="500MB", threads=1) as one:
        yield one


def staged(warehouse: Warehouse, path: Path) -> tuple[pa.Table, pa.Table]:
    """Staged events and rejected ones of the first window, and of no window."""
    profile = shop_profile()
    warehouse.attach_source(open_source(profile, path, tables=warehouse.describe_table))
    window = windows(profile)[0]
    for table in ("stg_events", "rejected_events", "session_events", "sessions"):
        query = load_query(STAGES[table])
        values = parameters(profile, window, query.parameters, {"observation_end": OPEN_END})
        warehouse.build(table, window.key, "1", query, values)
    undated = load_query("staging/rejected_undated")
    warehouse.build("rejected_events", "undated", "1", undated, {"latest_plausible": OPEN_END})
    rejected = parse_query("r", "SELECT * FROM rejected_events ORDER BY reason, event_id, event_at, event_at_raw")
    return warehouse.fetch(ALL, {}), warehouse.fetch(rejected, {})


def events(**columns: list[Any]) -> pd.DataFrame:
    n = max(map(len, columns.values()))
    return pd.DataFrame({"user_id": ["u"] * n, "event_type": ["view"] * n, **columns})


def test_texts_are_read_as_moments_and_flags_as_on_duckdb(spark: Any, embedded: Warehouse, tmp_path: Path) -> None:
    rows = [(moment, flag) for moment in MOMENTS for flag in FLAGS]
    frame = events(
        event_at=[m for m, _ in rows], is_nv=[f for _, f in rows], event_id=[str(n) for n in range(len(rows))]
    )
    frame.to_csv(tmp_path / "events.csv", index=False)
    with (tmp_path / "events.csv").open("a") as file:
        file.write('u,"half a line\n')
    want, got = staged(embedded, tmp_path / "events.csv"), staged(spark, tmp_path / "events.csv")
    assert want[0].num_rows == 7 * len(FLAGS) and want[1].num_rows == 10 * len(FLAGS) + 1
    assert [each.to_pylist() for each in got] == [each.to_pylist() for each in want]


@pytest.mark.parametrize("kind", ["nanoseconds", "zoned", "text", "duckdb"])
def test_a_file_is_read_as_on_duckdb(kind: str, spark: Any, embedded: Warehouse, tmp_path: Path) -> None:
    moments: Any = pd.to_datetime(["2025-01-06 10:00:00.000001", "2025-01-06 23:59:59.999999", None])
    frame = events(event_id=list("abc"), event_at=list(moments), price_usd=[1.5, None, 2.0])
    path = tmp_path / "events.parquet"
    if kind == "text":
        frame.astype(str).to_parquet(path)
    elif kind == "zoned":
        frame["event_at"] = pd.Series(moments).dt.tz_localize("UTC").dt.as_unit("us")
        frame.to_parquet(path)
    elif kind == "nanoseconds":
        frame.to_parquet(path)
    else:
        path = tmp_path / "events.duckdb"
        with duckdb.connect(str(path)) as connection:
            connection.execute("CREATE TABLE events AS SELECT * FROM frame")
    want, got = staged(embedded, path), staged(spark, path)
    assert want[0].num_rows == 2 and repr(got[0].to_pylist()) == repr(want[0].to_pylist())  # NaN is none of its equals
    assert got[1].num_rows == want[1].num_rows == 1


def test_a_user_who_was_forgotten_is_not_read_again_nor_copied(spark: Any, tmp_path: Path) -> None:
    frame = events(event_id=list("abc"), event_at=["2025-01-06 10:00:00"] * 3).assign(user_id=["u", "v", "u"])
    frame.to_csv(tmp_path / "events.csv", index=False)
    frame.to_parquet(tmp_path / "events.parquet")
    spark.forget("u")
    for name in ("events.csv", "events.parquet"):
        found, _ = staged(spark, tmp_path / name)
        assert found["user_id"].to_pylist() == ["v"]
        spark.remove_window("2025-01-06")
    [copy] = spark._folder.glob("source/*/part-*")
    assert pq.read_table(copy)["user_id"].to_pylist() == ["v"]


@pytest.mark.parametrize(
    ("given", "java"), [("1GB", "1024m"), ("512MB", "524288k"), ("1.5 GB", "1536m"), ("2GiB", "2048m")]
)
def test_the_memory_limit_is_one_that_java_understands(given: str, java: str) -> None:
    needs_spark()
    from attribution_dagster.warehouse.spark_session import _java_size

    assert _java_size(given) == java


def test_spark_that_is_not_installed_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in sys.modules if n.startswith(("attribution_dagster.warehouse.spark", "pyspark"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyspark", None)
    settings = Settings.from_environment({"ATTRIBUTION_WAREHOUSE": "spark"})
    with pytest.raises(ConfigurationError, match=r"ATTRIBUTION_WAREHOUSE=spark needs pyspark: .*\[spark\]"):
        open_warehouse("marketplace", settings)


def test_a_table_of_spark_is_a_source_and_changes_when_its_files_do(spark: Any, tmp_path: Path) -> None:
    session = spark._own_session()
    rows = events(event_id=["a"], event_at=["2025-01-06 10:00:00"])
    session.createDataFrame(rows).write.parquet(str(tmp_path / "table"))
    session.sql(f"CREATE TABLE shop_events USING parquet LOCATION '{tmp_path / 'table'}'")
    try:
        before = spark.describe_table("shop_events")
        assert before[0] == ("user_id", "event_type", "event_id", "event_at")
        found, _ = staged(spark, "table:shop_events")  # type: ignore[arg-type]
        assert found.to_pylist()[0]["event_id"] == "a"
        session.createDataFrame(rows).write.insertInto("shop_events")
        session.sql("REFRESH TABLE shop_events")
        assert spark.describe_table("shop_events")[1] != before[1]
        session.sql("CREATE OR REPLACE GLOBAL TEMP VIEW made AS SELECT 1 AS user_id")
        with pytest.raises(ConfigurationError, match=r"global_temp\.made has no files"):
            spark.describe_table("global_temp.made")
        with pytest.raises(SourceError, match=r"(?s)table nowhere can't be read: .*Grant SELECT"):
            spark.describe_table("nowhere")
    finally:
        session.sql("DROP TABLE shop_events")


def test_either_engine_reads_what_the_other_wrote(published: Workspace, tmp_path: Path) -> None:
    needs_spark()
    from attribution_dagster.warehouse.spark import SparkWarehouse

    copy_in_use(published.settings.home / "warehouse", tmp_path / "warehouse")
    copied = parse_query("copied", "SELECT * FROM sessions WHERE window_start = :start ORDER BY session_id")
    shown = parse_query("shown", "SELECT * FROM transformer_event_attribution_no_funnel ORDER BY event_type")
    start = published.window(EXPLAINED).start
    with SparkWarehouse(root=tmp_path / "warehouse", profile=published.profile, threads=1) as spark:
        want = published.warehouse.fetch(copied, {"start": start})
        assert spark.fetch(copied, {"start": start}).equals(want)
        assert spark.fetch(shown, {}, "published").equals(published.warehouse.fetch(shown, {}, "published"))
        assert spark.build("sessions", EXPLAINED, "by-spark", copied, {"start": start}) == want.num_rows
        spark.publish(EXPLAINED, {"sessions": "by-spark"}, {})
    with DuckDBWarehouse(root=tmp_path / "warehouse", profile=published.profile, threads=1) as embedded:
        assert embedded._slices.path("sessions", EXPLAINED, "by-spark").is_dir()
        assert embedded.fetch(copied, {"start": start}).equals(want)
        assert embedded.fetch(copied, {"start": start}, "published").equals(want)


@pytest.mark.parametrize("events_per_chunk", [300, 65_536])
def test_executors_explain_bit_for_bit_what_this_process_does(
    events_per_chunk: int, published: Workspace, tmp_path: Path
) -> None:
    needs_spark()
    from functools import partial

    from attribution_dagster.warehouse.spark import SparkWarehouse

    copy_in_use(published.settings.home / "warehouse", tmp_path / "warehouse")
    start, table = published.window(EXPLAINED).start, "gradient_attribution_no_funnel"
    model, sequences = open_model(published, "no_funnel", EXPLAINED), open_sequences(published, "no_funnel", EXPLAINED)
    here = list(stamped(attribute_sessions(model, sequences, events_per_chunk=events_per_chunk), start))
    want = pa.Table.from_batches(here).cast(table_definition(table).schema)
    assert sequences.n_events > 3 * 300
    with SparkWarehouse(root=tmp_path / "warehouse", profile=published.profile, threads=1) as spark:
        assert isinstance(spark, Mapper) and not isinstance(published.warehouse, Mapper)
        query, values = sequence_query(published, "no_funnel", EXPLAINED)
        function = partial(attribute_elsewhere, method="gradient_x_input", window_start=start)
        shared = model_bytes(model_folder(published, "no_funnel", EXPLAINED))
        rows = spark.map_sessions(table, EXPLAINED, "there", query, values, function, shared, events_per_chunk)
        assert rows == want.num_rows and spark.current(table, EXPLAINED) == "there"
        ordered = parse_query(
            "o", f"SELECT * FROM {table} WHERE window_start = :start ORDER BY session_id, event_position"
        )
        got = spark.fetch(ordered, {"start": start})
    assert got.equals(
        want.take(pa.compute.sort_indices(want, [("session_id", "ascending"), ("event_position", "ascending")]))
    )


def test_processes_of_spark_train_one_model_as_threads_of_this_process_do(tmp_path: Path) -> None:
    needs_spark()
    several = {**LOCAL_SPARK, "ATTRIBUTION_SPARK_TRAINING_PROCESSES": str(CORES)}
    folder = tmp_path / "model"
    folder.mkdir()
    workspace = small_workspace(tmp_path, settings=several)
    assert isinstance(workspace.warehouse, Gatherer)
    train_set, validation_set = worlds()
    found = trainer(workspace, folder)(
        train_set,
        validation_set,
        SPEC,
        TRAINING,
        seed=SEED,
        progress=lambda message, share: None,
        population_prevalence=0.1,
    )
    assert_alike(found, trained_here(threads=CORES))
    assert list(folder.iterdir()) == []  # the sets, which name users, are gone


def test_more_processes_than_spark_has_cores_are_refused(spark: Any) -> None:
    with pytest.raises(
        ConfigurationError, match=r"ATTRIBUTION_SPARK_TRAINING_PROCESSES=3 is more than .*, 2: set fewer"
    ):
        spark.run_together(CORES + 1, len, "never run")


def test_what_a_process_says_when_it_fails_is_told(spark: Any) -> None:
    with pytest.raises(DataError, match=r"2 processes on Spark failed: ValueError: nowhere/train holds no sequences"):
        spark.run_together(CORES, train_together, replace(shared_training(spark._folder), folder=Path("nowhere")))
