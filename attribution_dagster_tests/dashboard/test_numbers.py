"""Every number of every page is what a plain SELECT over the published files gives, by another connection and without the dashboard's queries."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from attribution_dagster.dashboard.screens.session_search import FOUND
from attribution_dagster.dashboard.screens.traits import ONE_CUSTOMER
from attribution_dagster.reports.sections import PAGES
from attribution_dagster.reports.sections.traits import CUSTOMER, CUSTOMERS
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.dashboard.conftest import PUBLISHED_AS, tables
from attribution_dagster_tests.dashboard.direct import DIRECT, differences, direct, expected

Open = Callable[..., AppTest]


@pytest.mark.parametrize("name", PAGES)
def test_sections_of_a_page_show_what_the_published_files_hold(
    name: str, shown: Open, request: pytest.FixtureRequest
) -> None:
    workspace: Workspace = request.getfixturevalue(PUBLISHED_AS.get(name, "published"))
    sections = PAGES[name].sections
    app = shown(workspace, name)
    for section in sections:
        if app.segmented_control:
            app.segmented_control(key="section").set_value(section.title).run()
        assert not app.exception and app.subheader[-1].value == section.title
        assert differences(tables(app)[-1], expected(workspace, section), section.columns) == [], section.name
        assert len(app.download_button) == len(app.dataframe), section.name


def test_a_customers_sections_show_what_the_published_files_hold(published: Workspace, shown: Open) -> None:
    app = shown(published, "traits", section=ONE_CUSTOMER)
    customers = expected(published, CUSTOMERS)
    assert differences(tables(app)[0], customers, CUSTOMERS.columns) == []
    for chosen in (customers[0]["user_id"], customers[-1]["user_id"]):
        app.text_input(key="customer").set_value(chosen).run()
        for section, rows in zip(CUSTOMER, tables(app)[1:], strict=True):
            assert differences(rows, expected(published, section, customer=chosen), section.columns) == []


def test_the_slider_of_the_score_keeps_the_sessions_between_its_ends(published: Workspace, shown: Open) -> None:
    [ends] = direct(
        published, "SELECT min(probability) AS low, max(probability) AS high FROM gradient_attribution_no_funnel"
    )
    low, high = round(ends["low"], 2) + 0.01, round(ends["high"], 2) - 0.01
    app = shown(published, "session")
    assert differences(tables(app)[0], expected(published, FOUND, low=0.0, high=1.0), FOUND.columns) == []
    app.slider(key="score").set_value((low, high)).run()
    found = expected(published, FOUND, low=low, high=high)
    assert differences(tables(app)[0], found, FOUND.columns) == []
    assert all(low <= row["probability"] <= high for row in tables(app)[0]) and found[0]["probability"] < ends["high"]
    linked = shown(published, "session", score=[str(low), str(high)])
    assert linked.slider(key="score").value == (low, high) and tables(linked)[0] == tables(app)[0]


def test_the_projection_starts_from_what_is_published(published_experiment: Workspace, shown: Open) -> None:
    app = shown(published_experiment, "roi")
    [section] = PAGES["roi"].sections
    [projected], policy = tables(app), expected(published_experiment, section)
    assert differences(projected, policy, section.columns) == []
    best = next(row for row in policy if row["is_recommended"])
    assert app.select_slider(key="share").value == best["targeted_share"]
    low, high = best["incremental_conversions_low"], best["incremental_conversions_high"]
    assert app.metric[0].value == f"{low:,.0f} to {high:,.0f}".replace("-", "−")

    before = app.metric[3].value
    app.slider(key="cost").set_value(20.0).run()
    [dearer] = tables(app)
    assert app.metric[3].value != before
    for one, other in zip(dearer, sorted(policy, key=lambda row: row["targeted_share"]), strict=True):
        assert one["cost_usd"] >= other["cost_usd"] and one["incremental_conversions"] == pytest.approx(
            other["incremental_conversions"]
        )


def test_a_wrong_cell_a_lost_row_and_a_row_too_many_are_told(published: Workspace) -> None:
    section = PAGES["funnel"].sections[0]
    known = expected(published, section)
    wrong = [{**known[0], "sessions": known[0]["sessions"] + 1}, *known[1:]]
    assert differences(known, known, section.columns) == []
    assert differences(wrong, known, section.columns) and differences(known[1:], known, section.columns)
    assert differences([], [], section.columns)


def test_every_statement_beside_the_queries_is_of_a_section() -> None:
    names = {section.name for page in PAGES.values() for section in page.sections}
    assert set(DIRECT) <= names | {section.name for section in (*CUSTOMER, CUSTOMERS, FOUND)}


def test_wilsons_interval_is_that_of_the_book(published: Workspace, shown: Open) -> None:
    from scipy.stats import binomtest

    for row in tables(shown(published, "risk"))[0]:
        interval = binomtest(row["converted"], row["sessions"]).proportion_ci(method="wilson")
        assert (row["conversion_rate_low"], row["conversion_rate_high"]) == pytest.approx(tuple(interval), abs=1e-4)


def test_pages_go_on_where_the_last_one_ended(published: Workspace, shown: Open) -> None:
    first = tables(shown(published, "risk", section="Sessions"))[-1]
    second = tables(shown(published, "risk", section="Sessions", page_risk_sessions="2"))[-1]
    known = direct(
        published, "SELECT session_id FROM conversion_predictions ORDER BY conversion_probability DESC, session_id"
    )
    assert [row["session_id"] for row in first + second] == [
        row["session_id"] for row in known[: len(first) + len(second)]
    ]
