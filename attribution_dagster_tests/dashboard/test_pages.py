"""Each page as Streamlit runs it: no error, the header, what to make where nothing is, links, hostile names."""

from collections.abc import Callable, Mapping

import pytest
from streamlit.testing.v1 import AppTest

from attribution_dagster.dashboard.screens import PAGES
from attribution_dagster.reports import sections
from attribution_dagster.reports.sections.section import Section
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.pipeline.small import EXPLAINED

Open = Callable[..., AppTest]


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
