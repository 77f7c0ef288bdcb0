"""How long the pages of the dashboard take from a link to its figure, on what is published in the home that the settings name.

    python -m attribution_dagster_tests.bench.bench_opening [page ...]

Each visit is by a browser that has never been used, so nothing of the page is in its cache, and ends with the frame that shows the figure. The
processor time of the page's thread, which other work on the machine does not change much, stands beside it.
"""

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from attribution_dagster.reports.sections import PAGES
from attribution_dagster.resources.progress import LoggedProgress
from attribution_dagster.resources.published_window import open_window
from attribution_dagster.resources.workspace import open_workspace
from attribution_dagster.settings import Settings
from attribution_dagster_tests.bench.measuring import row
from attribution_dagster_tests.bench.visiting import visit
from attribution_dagster_tests.dashboard.server import dashboard
from attribution_dagster_tests.deployment.servers import answers, free_port, own_environment, server
from attribution_dagster_tests.ui.server import chromium

VISITS = 3
BARE = """
import plotly.graph_objects as go
import streamlit as st

st.plotly_chart(go.Figure(go.Scatter(x=[1, 2, 3], y=[1, 3, 2], mode="markers")))
"""


def run(names: Sequence[str] = ()) -> list[dict]:
    """Return seconds to the figure of each page (all that have something to show without names), and to that of a bare Streamlit app."""
    links = published_pages(names)
    if not links or chromium() is None:
        print("opening: needs something published (`make run`), and Chromium", file=sys.stderr)
        return []
    given = {name: value for name, value in os.environ.items() if name.startswith("ATTRIBUTION_")}
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        with dashboard(given, scratch / "log") as address:
            for name, dataset in links.items():
                figures += _visits(f"{name} of {dataset}", f"{address}/{name}?dataset={dataset}")
        with _bare(scratch) as address:
            figures += _visits("bare Streamlit app with one figure", address)
    return figures


def published_pages(names: Sequence[str]) -> dict[str, str]:
    """Pages that have something to show, with the first of the settings' datasets that has."""
    settings = Settings.from_environment()
    found: dict[str, str] = {}
    for dataset in settings.datasets:
        workspace = open_workspace(dataset, settings, LoggedProgress())
        keys = workspace.warehouse.published_windows()
        window = open_window(workspace, keys[-1]) if keys else None
        for name, page in PAGES.items() if window is not None else ():
            is_shown = window.has(page.of) and not window.lacks(page.sections[0], "no_funnel")
            if is_shown and (not names or name in names):
                found.setdefault(name, dataset)
        workspace.warehouse.close()
    return found


def _visits(name: str, link: str) -> list[dict]:
    """Rows of the visits to one page. The last of them is by somebody who has the developer tools open."""
    visits = [visit(link) for _ in range(VISITS)]
    return [
        row(f"{name}: link to figure, first visit", visits[0].wall_s, "s"),
        row(f"{name}: link to figure, best of {VISITS}", min(each.wall_s for each in visits), "s"),
        row(f"{name}: processor time of the page", min(each.thread_s for each in visits), "s"),
        row(f"{name}: link to figure, developer tools open", visit(link, developer_tools=True).wall_s, "s"),
    ]


@contextmanager
def _bare(scratch: Path) -> Iterator[str]:
    """The address of a Streamlit app with one figure of three points and nothing else: what no app of this kind gets under."""
    script, address = scratch / "bare.py", f"http://127.0.0.1:{free_port()}"
    script.write_text(BARE)
    options = ["--server.port", address.rsplit(":", 1)[1], "--server.address", "127.0.0.1", "--server.headless", "true"]
    with server(
        [sys.executable, "-m", "streamlit", "run", str(script), *options, "--browser.gatherUsageStats", "false"],
        environment=own_environment({}),
        log=scratch / "bare.log",
        ready=lambda: answers(f"{address}/_stcore/health"),
        folder=scratch,
    ):
        yield address


if __name__ == "__main__":
    for figure in run(sys.argv[1:]):
        print(f"{figure['name']:60} {figure['value']:6.2f} {figure['unit']}")
