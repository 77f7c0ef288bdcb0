"""One visit to a page by a browser that has never been used, timed by the page's own clock.

Playwright is not used: like developer tools it has the browser keep stacks (`Runtime.enable`), for which V8 reads Plotly's code again, so that the page takes
about half a second longer than it does for a person.
"""

import json
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

from websockets.sync.client import ClientConnection, connect

from attribution_dagster_tests.ui.server import FLAGS, chromium

LONGEST_S, ASK_EVERY_S = 60, 0.1
DRAWN = """
const drawn = () => document.querySelector('.js-plotly-plot .main-svg :is(.trace, .xtick)');
const look = () => requestAnimationFrame(() => drawn() ? requestAnimationFrame(() => { window.drawnAt = performance.now() }) : look());
look();
"""
"""Notes when the frame after a figure's first mark begins, in milliseconds since the link was followed."""


@dataclass(frozen=True, kw_only=True)
class Visit:
    """Seconds from the link to the figure, and processor seconds of the page's thread by then."""

    wall_s: float
    thread_s: float


class Browser:
    """Commands to one page of a browser, by Chromium's DevTools protocol."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = count(1)
        targets = self.ask("Target.getTargets")["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        self._session = self.ask("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]

    def ask(self, method: str, **parameters: object) -> dict[str, Any]:
        """The answer to a command. RuntimeError: the browser refuses it."""
        number = next(self._numbers)
        of = {"sessionId": self._session} if hasattr(self, "_session") else {}
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters, **of}))
        while (answer := json.loads(self._socket.recv(timeout=LONGEST_S))).get("id") != number:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        found: dict[str, Any] = answer["result"]
        return found


def visit(link: str, *, developer_tools: bool = False) -> Visit:
    """Open the link and wait for its first figure. TimeoutError: there is none after a minute."""
    with _new_browser() as browser:
        browser.ask("Page.enable")
        browser.ask("Performance.enable", timeDomain="threadTicks")
        browser.ask("Page.addScriptToEvaluateOnNewDocument", source=DRAWN)
        if developer_tools:
            browser.ask("Runtime.enable")
        browser.ask("Page.navigate", url=link)
        drawn_ms = _drawn_ms(browser, link)
        metrics = {each["name"]: each["value"] for each in browser.ask("Performance.getMetrics")["metrics"]}
        return Visit(wall_s=drawn_ms / 1000, thread_s=float(metrics["TaskDuration"]))


def _drawn_ms(browser: Browser, link: str) -> float:
    deadline = time.monotonic() + LONGEST_S
    while time.monotonic() < deadline:
        time.sleep(ASK_EVERY_S)
        if (found := browser.ask("Runtime.evaluate", expression="window.drawnAt")["result"].get("value")) is not None:
            return float(found)
    raise TimeoutError(f"no figure on {link} after {LONGEST_S} s")


@contextmanager
def _new_browser() -> Iterator[Browser]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = ["--headless", "--remote-debugging-port=0", "--window-size=1366,768", f"--user-data-dir={profile}"]
        process = subprocess.Popen(
            [str(chromium()), *FLAGS, *options, "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            assert process.stderr is not None
            found = next(filter(None, (re.search(r"ws://\S+", line) for line in process.stderr)))
            with connect(found.group(), max_size=None, proxy=None) as socket:
                yield Browser(socket)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
