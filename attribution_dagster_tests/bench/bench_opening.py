"""How long the pages of the dashboard take from a link to its figure, on what is published in the home that the settings name.

    python -m attribution_dagster_tests.bench.bench_opening [page ...]

Each visit is by a browser that has never been used, so nothing of the page is in its cache. The processor time of the page's thread, which other
work on the machine does not change much, stands beside it.
"""

import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from attribution_dagster.reports.sections import PAGES
from attribution_dagster.resources.progress import LoggedProgress
from attribution_dagster.resources.published_window import open_window
from attribution_dagster.resources.workspace import open_workspace
from attribution_dagster.settings import Settings
from attribution_dagster_tests.bench.measuring import row
from attribution_dagster_tests.dashboard.server import dashboard
from attribution_dagster_tests.ui.server import browser_page, chromium

VISITS = 3
FIGURE = ".js-plotly-plot .main-svg"


def run(names: Sequence[str] = ()) -> list[dict]:
    """Return seconds to the figure of each page (all that have something to show without names), the first visit and the best of the later ones."""
    links = published_pages(names)
    if not links or chromium() is None:
        print("opening: needs something published (`make run`), and Chromium", file=sys.stderr)
        return []
    given = {name: value for name, value in os.environ.items() if name.startswith("ATTRIBUTION_")}
    figures = []
    with tempfile.TemporaryDirectory() as scratch, dashboard(given, Path(scratch) / "log") as address:
        for name, dataset in links.items():
            visits = [visit(f"{address}/{name}?dataset={dataset}", Path(scratch) / "last.png") for _ in range(VISITS)]
            walls, threads = zip(*visits, strict=True)
            figures += [
                row(f"{name} of {dataset}: link to figure, first visit", walls[0], "s"),
                row(f"{name} of {dataset}: link to figure, best of {VISITS}", min(walls), "s"),
                row(f"{name} of {dataset}: processor time of the page", min(threads), "s"),
            ]
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


def visit(link: str, last_seen: Path) -> tuple[float, float]:
    """Seconds from the link to its figure, and the processor seconds of the page's thread by then."""
    with browser_page(width=1366, height=768, last_seen=last_seen) as page:
        page.set_default_timeout(120_000)
        measured = page.context.new_cdp_session(page)
        measured.send("Performance.enable", {"timeDomain": "threadTicks"})
        began = time.perf_counter()
        page.goto(link)
        page.locator(FIGURE).first.wait_for()
        took = time.perf_counter() - began
        metrics = {each["name"]: each["value"] for each in measured.send("Performance.getMetrics")["metrics"]}
        return took, float(metrics["TaskDuration"])


if __name__ == "__main__":
    for figure in run(sys.argv[1:]):
        print(f"{figure['name']:60} {figure['value']:6.2f} {figure['unit']}")
