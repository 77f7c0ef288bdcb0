"""The real Dagster UI, as `make ui` starts it, on a home of one's own and a free port; and a headless browser to look at it."""

import shutil
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from playwright.sync_api import Error, Page, expect, sync_playwright

from attribution_dagster_tests.deployment.servers import (
    BIN,
    HANGING_S,
    ROOT,
    answers,
    free_port,
    own_environment,
    server,
)

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def chromium() -> str | None:
    """The machine's Chromium or Chrome, None where there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


needs_browser = pytest.mark.skipif(
    chromium() is None, reason="no Chromium and no Chrome on this machine (apt install chromium): nothing is opened"
)


@contextmanager
def dagster_ui(dagster_home: Path, settings: Mapping[str, str]) -> Iterator[str]:
    """The address of a Dagster UI with its daemon; on leaving, it and everything that it started is ended."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with server(
        [str(BIN / "dg"), "dev", "--host", "127.0.0.1", "--port", str(port)],
        environment={**own_environment(settings), "DAGSTER_HOME": str(dagster_home)},
        log=dagster_home / "ui.log",
        ready=lambda: answers(f"{address}/server_info"),
        folder=ROOT,
        stop=signal.SIGINT,  # Ctrl-C lets code servers and running steps end by themselves
    ):
        yield address


@contextmanager
def browser_page(*, width: int, height: int, last_seen: Path) -> Iterator[Page]:
    """An empty page of a headless browser that has never been used.

    What it shows at last, also when something fails, is left in `last_seen`.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="light")
        page.set_default_timeout(1000 * HANGING_S)
        expect.set_options(timeout=1000 * HANGING_S)
        # A new instance greets with a dialog, some time after the page has come up.
        page.add_locator_handler(page.get_by_role("button", name="Skip"), lambda skip: skip.click())
        try:
            yield page
        finally:
            with suppress(Error):
                page.screenshot(path=last_seen)
            browser.close()
