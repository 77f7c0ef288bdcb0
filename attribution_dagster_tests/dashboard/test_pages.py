"""Each page as Streamlit runs it: no error, the header, every number as SQL gives it, what to make where nothing is, links, hostile names."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import duckdb
import pytest
from streamlit.testing.v1 import AppTest

from attribution_dagster.dashboard.screens import PAGES
from attribution_dagster.reports import sections
from attribution_dagster.reports.sections.section import Section
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.dashboard.conftest import tables
from attribution_dagster_tests.pipeline.small import EXPLAINED

Open = Callable[..., AppTest]
ATTRIBUTION = sections.PAGES["attribution"].sections


def published_rows(workspace: Workspace, table: str) -> list[dict[str, Any]]:
    """The table's rows, read from the very files of the manifest, by another way than the dashboard's."""
    manifest = workspace.warehouse.manifest(EXPLAINED)
    assert manifest is not None
    path = workspace.settings.home / "warehouse" / "small" / manifest.tables[table].location
    return duckdb.sql(f"SELECT * FROM read_parquet('{path}')").to_arrow_table().to_pylist()


def same(found: object, expected: object) -> bool:
    """Whether two cells hold the same; floats to what a double keeps."""
    if isinstance(found, float) and isinstance(expected, float | int):
        return math.isclose(found, expected, rel_tol=1e-12)
    return found == expected


@pytest.mark.parametrize("name", PAGES)
def test_page_says_what_it_shows_and_has_no_error(published: Workspace, shown: Open, name: str) -> None:
    app = shown(published, name)
    assert not app.exception
    header = app.html[0].value
    manifest = published.warehouse.manifest(EXPLAINED)
    assert manifest is not None
    for said in ("Small simulated marketplace", f"window {EXPLAINED}", "version 1", "checks passed", "SIMULATED DATA"):
        assert said in header
    assert len(app.dataframe) == 0 or len(app.download_button) >= 1


@pytest.mark.parametrize("section", ATTRIBUTION, ids=lambda section: section.name)
def test_numbers_of_attribution_are_those_of_the_published_files(
    published: Workspace, shown: Open, section: Section
) -> None:
    app = shown(published, "attribution", section=section.title)
    assert not app.exception and app.subheader[0].value == section.title
    [rows] = tables(app)
    expected = published_rows(published, section.needs.replace("{variant}", "no_funnel"))
    keys = [name for name, column in section.columns.items() if column.kind == "text" and name in expected[0]]
    by_key = {tuple(row[key] for key in keys): row for row in expected}
    assert rows
    for row in rows:
        other = by_key[tuple(row[key] for key in keys)]
        wrong = {
            name: (row[name], other[name])
            for name in section.columns
            if name in other and not same(row[name], other[name])
        }
        assert wrong == {}


def test_segments_are_counted_as_sql_counts_them(published: Workspace, shown: Open) -> None:
    segments, deciles, *_ = tables(shown(published, "risk"))
    rows = published_rows(published, "conversion_predictions")
    for segment in segments:
        mine = [row for row in rows if row["risk_segment"] == segment["risk_segment"]]
        assert segment["sessions"] == len(mine) and segment["converted"] == sum(row["label"] for row in mine)
        assert segment["conversion_rate"] == pytest.approx(segment["converted"] / len(mine))
        assert segment["conversion_rate_low"] <= segment["conversion_rate"] <= segment["conversion_rate_high"]
    assert sum(decile["sessions"] for decile in deciles) == len(rows)


def test_wilson_interval_is_that_of_the_book(published: Workspace, shown: Open) -> None:
    from scipy.stats import binomtest

    for row in tables(shown(published, "risk"))[0]:
        interval = binomtest(row["converted"], row["sessions"]).proportion_ci(method="wilson")
        assert (row["conversion_rate_low"], row["conversion_rate_high"]) == pytest.approx(tuple(interval), abs=1e-4)


def test_pages_go_on_where_the_last_one_ended(published: Workspace, shown: Open) -> None:
    first = tables(shown(published, "risk"))[-1]
    second = tables(shown(published, "risk", page_risk_sessions="2"))[-1]
    expected = sorted(
        published_rows(published, "conversion_predictions"),
        key=lambda row: (-row["conversion_probability"], row["session_id"]),
    )
    assert [row["session_id"] for row in first + second] == [
        row["session_id"] for row in expected[: len(first) + len(second)]
    ]


@pytest.mark.parametrize(
    ("page", "said"), [("strategy", "simulated_coupon"), ("roi", "simulated_coupon"), ("ads", "--dataset ads")]
)
def test_a_page_without_its_data_says_what_to_make(published: Workspace, shown: Open, page: str, said: str) -> None:
    assert said in shown(published, page).info[0].value


def test_an_unpublished_dataset_says_how_to_publish(published: Workspace, shown: Open) -> None:
    app = shown(published, "attribution", dataset="marketplace")
    if app.selectbox(key="dataset").value == "small":  # not offered, since nothing of it is published
        app.selectbox(key="dataset").set_value("small").run()
    assert not app.exception


def test_the_leaking_variant_says_so_above_every_figure(published: Workspace, shown: Open) -> None:
    app = shown(published, "attribution", variant="with_funnel")
    assert app.selectbox(key="variant").value == "with_funnel"
    assert any("DATA LEAKAGE" in warning.value for warning in app.warning)


def test_a_link_opens_the_section_it_names(published: Workspace, shown: Open) -> None:
    app = shown(published, "attribution", section="Trust", variant="no_funnel", window=EXPLAINED)
    assert app.subheader[0].value == "Trust"


def test_all_queries_of_the_dashboard_are_used() -> None:
    from attribution_dagster.warehouse.queries import sql_folder

    used = {section.query for page in sections.PAGES.values() for section in page.sections}
    from attribution_dagster.reports.sections.traits import CUSTOMER, CUSTOMERS

    used |= {section.query for section in (*CUSTOMER, CUSTOMERS)}
    used |= {"sessions", "session_event_types", "session_timeline", "policy_rates"}
    assert {path.stem for path in (sql_folder() / "dashboard").glob("*.sql")} == used


@pytest.mark.parametrize(
    "section", [s for page in sections.PAGES.values() for s in page.sections], ids=lambda s: s.name
)
def test_columns_that_are_shown_are_selected(section: Section) -> None:
    from attribution_dagster.resources.published_window import dashboard_query
    from attribution_dagster.warehouse.views import view_columns

    selected: Mapping[str, None] = dict.fromkeys(view_columns(dashboard_query(section.query, "no_funnel")))
    assert set(section.columns) <= set(selected)
