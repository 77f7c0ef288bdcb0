"""Starts the web app: on loopback only, without telemetry, with what the pages need opened before the first visitor comes."""

import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

_LOG = logging.getLogger(__name__)
APP = Path(__file__).with_name("app.py")
ADDRESS = "127.0.0.1"
OPTIONS = {
    "server.address": ADDRESS,
    "server.headless": True,
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": False,
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",
    "theme.base": "light",
    "theme.primaryColor": "#0072B2",
}
"""Nobody logs in here, so nobody else is listened to; put a proxy that asks who it is before it, to show it to others."""


def serve(port: int) -> None:
    """Serve the app until Ctrl-C."""
    import streamlit as st
    from starlette.middleware import Middleware

    from attribution_dagster.dashboard.preloading import Preloading

    app = st.App(APP, lifespan=prepared, middleware=[Middleware(Preloading)])
    app.run(config={**OPTIONS, "server.port": port})


@asynccontextmanager
async def prepared(_: Any) -> AsyncIterator[None]:
    """Before the server answers: what pages need is opened, or it is said that it can't be."""
    from attribution_dagster.dashboard.preparing import prepare

    try:
        prepare()
    except Exception as error:  # a warehouse that can't be reached, say: the pages tell whoever comes
        _LOG.warning("The first visitor will wait longer: %s", type(error).__name__)
    # Streamlit collects garbage after each run, while the browser waits for its files; what is imported by now never becomes any.
    gc.collect()
    gc.freeze()
    yield
