"""Ads and an experiment on Spark: each published table, and each section of the dashboard, as on DuckDB, value for value."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from attribution_dagster.reports.sections import PAGES
from attribution_dagster.resources.published_window import open_window
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.queries import parse_query
from attribution_dagster_tests.dashboard.direct import differences
from attribution_dagster_tests.journeys import small
from attribution_dagster_tests.uplift import shop
from attribution_dagster_tests.warehouse.local_spark import LOCAL_SPARK, needs_spark
from attribution_dagster_tests.warehouse.rows import assert_same_rows


def ads_in_spark(root: Path) -> Workspace:
    workspace = small.small_ads(root, settings=LOCAL_SPARK)
    small.publish(workspace)
    return workspace


def experiment_in_spark(root: Path) -> Workspace:
    workspace = shop.shop(root, settings=LOCAL_SPARK)
    result = shop.made(workspace)
    assert result.success, [event.event_specific_data for event in result.all_events if event.is_failure]
    return workspace


@pytest.mark.parametrize(
    ("on_duckdb", "make", "window_key"),
    [
        pytest.param("published_ads", ads_in_spark, small.EXPLAINED, id="ads"),
        pytest.param("published_experiment", experiment_in_spark, shop.WINDOW, id="experiment"),
    ],
)
def test_all_that_is_published_and_shown_is_as_on_duckdb(
    on_duckdb: str, make: Callable[[Path], Workspace], window_key: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    needs_spark()
    here: Any = request.getfixturevalue(on_duckdb)
    there = make(tmp_path)
    manifests = [each.warehouse.manifest(window_key) for each in (here, there)]
    assert manifests[0] is not None and set(manifests[0].tables) == set(manifests[1].tables)
    for table in sorted(manifests[0].tables):
        query = parse_query("all", f"SELECT * FROM {table}")
        assert_same_rows(table, *(each.warehouse.fetch(query, {}, "published") for each in (here, there)))
    windows = [open_window(each, window_key) for each in (here, there)]
    sections = [section for page in PAGES.values() for section in page.sections]
    shown = [section for section in sections if not windows[0].lacks(section, None)]
    assert shown
    for section in shown:
        want, got = (window.rows(section, None).to_pylist() for window in windows)
        assert differences(got, want, section.columns) == [], section.name
    there.warehouse.close()
