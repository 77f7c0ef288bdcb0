"""Makes the two pictures of the UI in docs/ from the home that the settings name; see `test_ui.py`."""

import os
import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import expect

from attribution_dagster.settings import Settings
from attribution_dagster_tests.deployment.servers import ROOT
from attribution_dagster_tests.ui.pages import Dagster
from attribution_dagster_tests.ui.server import browser_page, dagster_ui

VARIANT = "no_funnel"
WIDTH, HEIGHT = 1400, 1060
GRAPH_WIDTH, GRAPH_HEIGHT = 2400, 1500
"""So large that Dagster draws the nodes with what is in them."""
ASIDE, ABOVE = 368, 52
"""Pixels of navigation and title, which are cut off: what is to be seen is the graph."""
LOOKS = """
localStorage.setItem('dagster-nav-collapsed', 'true')
localStorage.setItem('asset-graph-direction', '"vertical"')
"""
SETTLED_MS = 3000
"""The nodes ask for what is in them: nothing on the page says when that is over."""


def main() -> None:
    """Opens the graph of one variant, and its report, and photographs both."""
    settings = Settings.from_environment()
    dataset = settings.datasets[0]
    docs = ROOT / "docs"
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) / "dagster"  # a copy: a UI that is open elsewhere is left alone
        shutil.copytree(os.environ.get("DAGSTER_HOME", settings.home / "dagster"), home)
        given = {name: value for name, value in os.environ.items() if name.startswith("ATTRIBUTION_")}
        environment = {**given, "ATTRIBUTION_HOME": str(settings.home)}
        with (
            dagster_ui(home, environment) as address,
            browser_page(width=GRAPH_WIDTH + ASIDE, height=GRAPH_HEIGHT, last_seen=Path(scratch) / "last.png") as page,
        ):
            page.add_init_script(LOOKS)
            ui = Dagster(page, address)
            ui.open_graph(expanded=(), selection=f'group:"step3_{VARIANT}"')
            page.get_by_text("Asset checks").first.wait_for()
            page.wait_for_timeout(SETTLED_MS)
            page.get_by_text("Asset checks").first.hover(trial=True)  # what is in the way is closed before
            expect(page.get_by_text("Loading...")).to_have_count(0, timeout=60_000)
            page.wait_for_timeout(SETTLED_MS)
            page.screenshot(
                path=docs / "ui-graph.png",
                clip={"x": ASIDE, "y": ABOVE, "width": GRAPH_WIDTH, "height": GRAPH_HEIGHT - ABOVE},
            )
            page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
            ui.open_asset(f"{dataset}/{VARIANT}/attribution_report")
            ui.open_picture()
            page.screenshot(path=docs / "ui-report.png")


if __name__ == "__main__":
    main()
