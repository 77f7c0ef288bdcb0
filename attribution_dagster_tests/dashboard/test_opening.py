"""What is done before the first visitor comes: pages find their rows read, and browsers are told early what draws figures."""

import asyncio
import gc
from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit
from starlette.applications import Starlette
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from attribution_dagster.dashboard import preparing, serving
from attribution_dagster.dashboard.preloading import CHUNKS, Preloading, preload_links
from attribution_dagster.resources.published_window import PublishedWindow
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.pipeline.small import small_environment

Open = Callable[..., AppTest]


@pytest.mark.parametrize("name", ["attribution", "funnel", "risk", "traits"])
def test_a_page_that_was_prepared_asks_the_warehouse_for_nothing(
    published: Workspace, shown: Open, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in small_environment(published.settings.home.parent).items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("ATTRIBUTION_DATASETS", "small")
    preparing.prepare()
    asked: list[str] = []
    monkeypatch.setattr(PublishedWindow, "fetch", lambda _, query, *__, **___: asked.append(query))
    app = shown(published, name)
    assert not app.exception and app.dataframe and asked == []


def test_the_server_starts_where_nothing_can_be_prepared(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise OSError("no warehouse at secret@host")

    async def start() -> int:
        async with serving.prepared(None):
            return gc.get_freeze_count()

    monkeypatch.setattr(preparing, "prepare", fail)
    try:
        assert asyncio.run(start()) > 0
    finally:
        gc.unfreeze()
    assert "OSError" in caplog.text and "secret" not in caplog.text


def test_pages_name_streamlits_own_files_and_nothing_else_does() -> None:
    file = Path(__file__)
    routes = [
        Route("/page", lambda _: HTMLResponse("<p>")),
        Route("/file", lambda _: FileResponse(file)),
        Route("/text", lambda _: PlainTextResponse("<p>")),
    ]
    client = TestClient(Preloading(Starlette(routes=routes)))
    links = client.get("/page").headers["link"].split(", ")
    served = Path(streamlit.__file__).parent / "static"
    named = [link[1 : link.index(">")] for link in links]
    assert len(named) == len(CHUNKS) and all((served / path).is_file() for path in named)
    assert all("rel=modulepreload" in link for link in links)
    assert "link" not in client.get("/file").headers and "link" not in client.get("/text").headers


def test_a_streamlit_without_such_files_is_served_without_links(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attribution_dagster.dashboard.preloading.CHUNKS", ("NoSuchChart",))
    assert preload_links() == ""
    client = TestClient(Preloading(Starlette(routes=[Route("/", lambda _: HTMLResponse("<p>"))])))
    assert "link" not in client.get("/").headers
