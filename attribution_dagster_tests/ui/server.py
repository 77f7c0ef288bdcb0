"""The real Dagster UI, as `make ui` starts it, on a home of one's own and a free port; and a headless browser to look at it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from playwright.sync_api import Error, Page, sync_playwright

ROOT = Path(__file__).parents[2]
UP_S = 90
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def chromium() -> str | None:
    """The machine's Chromium or Chrome, None where there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@contextmanager
def dagster_ui(dagster_home: Path, settings: Mapping[str, str]) -> Iterator[str]:
    """The address of a Dagster UI with its daemon; on leaving, it and everything that it started is ended."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ATTRIBUTION_")}
    log = dagster_home / "ui.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [str(Path(sys.executable).parent / "dg"), "dev", "--host", "127.0.0.1", "--port", str(port)],
            cwd=ROOT,
            env={**environment, "PYTHONPATH": str(ROOT), "DAGSTER_HOME": str(dagster_home), **settings},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_until_up(server, address, log)
        yield address
    finally:
        # Ctrl-C lets code servers and running steps end by themselves; what then still lives is killed with its group.
        os.killpg(server.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            server.wait(15)
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)


def _wait_until_up(server: "subprocess.Popen[bytes]", address: str, log: Path) -> None:
    until = time.monotonic() + UP_S
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/server_info", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise RuntimeError(f"the Dagster UI did not come up in {UP_S} s:\n{log.read_text(errors='replace')[-3000:]}")


@contextmanager
def browser_page(*, width: int, height: int, last_seen: Path) -> Iterator[Page]:
    """An empty page of a headless browser that has never been used.

    What it shows at last, also when something fails, is left in `last_seen`.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="light")
        page.set_default_timeout(30_000)
        # A new instance greets with a dialog, some time after the page has come up.
        page.add_locator_handler(page.get_by_role("button", name="Skip"), lambda skip: skip.click())
        try:
            yield page
        finally:
            with suppress(Error):
                page.screenshot(path=last_seen)
            browser.close()
