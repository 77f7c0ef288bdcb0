import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.deployment.servers import HANGING_S
from attribution_dagster_tests.pipeline.small import small_environment

PUBLISHED_AS = {"strategy": "published_experiment", "roi": "published_experiment", "ads": "published_ads"}
"""The fixture that has something to show on the page; `published` for the others."""


@pytest.fixture()
def shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., AppTest]]:
    """Opens a page of a workspace's dataset in Streamlit's own test runner, with what its URL says."""

    def open_page(workspace: Workspace, name: str, *, enabled: str = "", **url: str | list[str]) -> AppTest:
        for variable, value in small_environment(workspace.settings.home.parent).items():
            monkeypatch.setenv(variable, value)
        monkeypatch.setenv("ATTRIBUTION_DATASETS", enabled or workspace.profile.name)
        app = AppTest.from_function(_draw, default_timeout=HANGING_S, kwargs={"name": name})
        for key, value in url.items():
            app.query_params[key] = value
        return app.run()

    # The runner puts its script in the place of __main__, which processes that later tests spawn would run.
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    _forget()
    yield open_page
    _forget()


def _draw(name: str) -> None:
    from attribution_dagster.dashboard import frame
    from attribution_dagster.dashboard.screens import PAGES

    page = PAGES[name]
    if (shown := frame.choose(page)) is not None:
        frame.draw(page, *shown)


def _forget() -> None:
    st.cache_data.clear()
    st.cache_resource.clear()


def tables(app: AppTest) -> list[list[dict[str, Any]]]:
    """The rows of every table on the page, in order."""
    return [frame.value.astype(object).where(frame.value.notna(), None).to_dict("records") for frame in app.dataframe]
