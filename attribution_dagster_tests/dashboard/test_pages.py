"""Each page as Streamlit runs it: no error, the header, what to make where nothing is, links, hostile names."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from attribution_dagster.dashboard import source
from attribution_dagster.dashboard.screens import PAGES
from attribution_dagster.reports import sections
from attribution_dagster.reports.sections.section import Section
from attribution_dagster.resources.published_window import open_window
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.dashboard.conftest import PUBLISHED_AS
from attribution_dagster_tests.dashboard.direct import published_window
from attribution_dagster_tests.pipeline.faults import copy_of
from attribution_dagster_tests.pipeline.small import EXPLAINED

Open = Callable[..., AppTest]


def files(workspace: Workspace) -> dict[Path, tuple[int, int]]:
    """Size and time of all files of the warehouse and of the models."""
    folders = [workspace.settings.home / name for name in ("warehouse", "artifacts")]
    found = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in found}


@pytest.fixture(scope="module")
def own(published: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A copy of the published dataset: in that one the other test worker may be storing verdicts."""
    copy = copy_of(published, tmp_path_factory.mktemp("own"))
    yield copy
    copy.warehouse.close()


@pytest.mark.parametrize("name", PAGES)
def test_page_says_what_it_shows_has_no_error_and_changes_nothing(own: Workspace, shown: Open, name: str) -> None:
    before = files(own)
    app = shown(own, name)
    assert not app.exception and before and files(own) == before
    header = app.html[0].value
    manifest = own.warehouse.manifest(EXPLAINED)
    assert manifest is not None
    facts = ("Small simulated marketplace", f"window {EXPLAINED}", "no_funnel version 1", "SIMULATED DATA")
    verdicts: Mapping[str, str] = manifest.evidence["checks"]  # type: ignore[assignment]
    checks = f"{sum(said.startswith('passed') for said in verdicts.values())} checks passed"
    assert all(said in header for said in (*facts, checks))
    assert len(app.download_button) == len(app.dataframe)


@pytest.mark.parametrize(
    ("page", "said"), [("strategy", "simulated_coupon"), ("roi", "simulated_coupon"), ("ads", "--dataset ads")]
)
def test_a_page_without_its_data_says_what_to_make(published: Workspace, shown: Open, page: str, said: str) -> None:
    assert said in shown(published, page).info[0].value


@pytest.mark.parametrize("name", PAGES)
def test_a_section_without_its_table_says_what_to_materialise(
    shown: Open, name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace: Workspace = request.getfixturevalue(PUBLISHED_AS.get(name, "published"))
    window = open_window(workspace, published_window(workspace))
    assert window is not None
    monkeypatch.setattr(source, "window", lambda *_: replace(window, tables=frozenset()))
    app = shown(workspace, name)
    titles = app.segmented_control(key="section").options if app.segmented_control else [None]
    for title in titles:
        if title is not None:
            app.segmented_control(key="section").set_value(title).run()
        assert not app.exception and not app.dataframe
        assert f"aterialise `{workspace.profile.name}/" in app.info[0].value, title


def test_an_unpublished_dataset_says_how_to_publish(published: Workspace, shown: Open) -> None:
    app = shown(published, "attribution", enabled="small,shoppers", dataset="shoppers")
    assert not app.exception and app.selectbox(key="dataset").value == "shoppers"
    assert "attribution run --dataset shoppers" in app.info[0].value


def test_a_window_that_is_withdrawn_after_it_was_listed_is_said_to_be_gone(
    published: Workspace, shown: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "window", lambda *_: None)
    app = shown(published, "attribution")
    assert not app.exception and [each.value for each in app.info] == [
        f"Window {EXPLAINED} is published no longer. Reload the page."
    ]


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
