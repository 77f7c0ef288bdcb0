"""The whole graph on every other engine, and on a live Snowflake account where there is one: each table as on DuckDB, value for value.

Snowflake's stand-in is DuckDB inside; Spark is an engine of its own, and so the witness that the SQL says what it should.
The run against the stand-in is given secrets, and none of them is left anywhere.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from attribution_dagster.alerts.sensor import alert_sensors
from attribution_dagster.cli.launch import launch
from attribution_dagster.graph import tables_of
from attribution_dagster.reports.sections import PAGES
from attribution_dagster.resources.published_window import open_window
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.ddl import table_definition
from attribution_dagster.warehouse.queries import parse_query
from attribution_dagster_tests.alerts.servers import Webhook, webhook
from attribution_dagster_tests.dashboard.direct import differences
from attribution_dagster_tests.deployment.project import ROOT
from attribution_dagster_tests.deployment.test_secrets import CANARY, holding
from attribution_dagster_tests.pipeline.small import (
    EXPLAINED,
    VARIANTS,
    own_dagster_home,
    small_environment,
    small_workspace,
)
from attribution_dagster_tests.warehouse.engines import EMBEDDED, engines
from attribution_dagster_tests.warehouse.live import live, live_account
from attribution_dagster_tests.warehouse.local_spark import LOCAL_SPARK, needs_spark
from attribution_dagster_tests.warehouse.rows import assert_same_rows
from attribution_dagster_tests.warehouse.stand_in import account

TABLES = sorted({table for tables in tables_of(VARIANTS).values() for table in tables} - {"canonical_events"})
OWN = {
    "source_hours": {"content_digest"},
    **{f"method_comparison_{variant}": {"seconds_per_1000_sessions"} for variant in VARIANTS},
}
"""Columns that are each run's own: HASH is another function in each engine, and clocks differ."""
OWN_COLUMNS = {name for names in OWN.values() for name in names}


RUN = "from attribution_dagster.cli import main; main()"


@pytest.fixture(scope="module")
def watchdog() -> Iterator[Webhook]:
    """Who is told of failures, and whom the heartbeat calls."""
    with webhook() as opened:
        yield opened


@pytest.fixture(scope="module")
def secret_settings(snowflake_url: str, watchdog: Webhook) -> dict[str, str]:
    """The account, and every secret that a run may be given; all are the canary."""
    return account(snowflake_url, "whole_graph") | {
        "ATTRIBUTION_SNOWFLAKE_TOKEN": CANARY,
        "ATTRIBUTION_SNOWFLAKE_PRIVATE_KEY_PASSPHRASE": CANARY,
        "ATTRIBUTION_ALERT_URLS": f"json://me:{CANARY}@127.0.0.1:{watchdog.port}/",
        "ATTRIBUTION_HEARTBEAT_URL": f"http://127.0.0.1:{watchdog.port}/{CANARY}",
        "MLFLOW_TRACKING_USERNAME": "me",
        "MLFLOW_TRACKING_PASSWORD": CANARY,
    }


@pytest.fixture(scope="module")
def in_snowflake(secret_settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    root: Path = tmp_path_factory.mktemp("snowflake")
    workspace = small_workspace(root, settings=secret_settings)
    environment = os.environ | small_environment(root) | secret_settings
    environment |= {"DAGSTER_HOME": str(root / "dagster"), "PYTHONPATH": str(ROOT)}
    with (root / "said").open("w") as said:
        command = [sys.executable, "-c", RUN, "run", "--dataset", "small"]
        done = subprocess.run(command, env=environment, stdout=said, stderr=said, cwd=root, timeout=1200)
    assert done.returncode == 0, (root / "said").read_text()[-2000:]
    yield workspace
    workspace.warehouse.close()


@pytest.fixture(scope="module")
def in_snowflake_live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with live_account() as settings:
        yield from _launched(tmp_path_factory.mktemp("snowflake_live"), settings)


@pytest.fixture(scope="module")
def in_spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    needs_spark()
    yield from _launched(tmp_path_factory.mktemp("spark"), LOCAL_SPARK)


def _launched(root: Path, settings: Mapping[str, str]) -> Iterator[Workspace]:
    with own_dagster_home(root):
        workspace = small_workspace(root, settings=settings)
        launch(workspace, None)
        yield workspace
        workspace.warehouse.close()


@pytest.fixture(scope="module", params=[*engines(EMBEDDED), live])
def elsewhere(request: pytest.FixtureRequest) -> Workspace:
    """The small dataset's whole graph, made on another engine."""
    workspace: Workspace = request.getfixturevalue(f"in_{request.param}")
    return workspace


def test_a_whole_run_and_its_alerts_leave_no_secret_anywhere(
    in_snowflake: Workspace, watchdog: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In what it said, in Dagster's logs, metadata and run configuration, in MLflow, in files: all of them lie under one folder."""
    settings, root = in_snowflake.settings, in_snowflake.settings.home.parent
    assert settings.snowflake is not None and settings.snowflake.token == CANARY and CANARY in settings.secrets
    monkeypatch.setenv("DAGSTER_HOME", str(root / "dagster"))
    (sensor,) = alert_sensors(settings)
    with dg.DagsterInstance.get() as instance:
        assert instance.get_runs_count() > 3
        ticked = sensor.evaluate_tick(dg.build_sensor_context(instance))
    assert watchdog.asked == 1, "the heartbeat's address was not in use"
    assert CANARY not in f"{ticked} {settings!r} {in_snowflake!r}"
    stores = {path.name for path in root.rglob("*.db")} | {path.name for path in root.glob("home/*")}
    assert stores >= {"runs.db", "mlflow.db", "alerts", "artifacts"} and (root / "said").stat().st_size
    assert holding(root) == []


@pytest.mark.parametrize("scope", ["work", "published"])
def test_every_table_is_as_on_duckdb(published: Workspace, elsewhere: Workspace, scope: Any) -> None:
    filled = 0
    for table in TABLES:
        columns = [column.name for column in table_definition(table).columns if column.name not in OWN.get(table, ())]
        query = parse_query("all", f"SELECT {', '.join(columns)} FROM {table}")
        want, got = (each.warehouse.fetch(query, {}, scope) for each in (published, elsewhere))
        filled += bool(want.num_rows)
        assert_same_rows(table, want, got)
    assert filled > len(TABLES) // 2


def test_what_is_published_rests_on_the_same_evidence(published: Workspace, elsewhere: Workspace) -> None:
    want, got = (each.warehouse.manifest(EXPLAINED) for each in (published, elsewhere))
    assert want is not None and got is not None and set(got.tables) == set(want.tables)
    assert {name: each.rows for name, each in got.tables.items()} == {
        name: each.rows for name, each in want.tables.items()
    }


def test_every_section_of_the_dashboard_is_as_on_duckdb(published: Workspace, elsewhere: Workspace) -> None:
    here, there = (open_window(each, EXPLAINED) for each in (published, elsewhere))
    assert here is not None and there is not None
    sections = [section for page in PAGES.values() for section in page.sections]
    for section in [section for section in sections if not here.lacks(section, "no_funnel")]:
        want, got = (window.rows(section, "no_funnel").to_pylist() for window in (here, there))
        columns = {name: each for name, each in section.columns.items() if name not in OWN_COLUMNS}
        assert differences(got, want, columns) == [], section.name
