"""Makes the pictures of the dashboard in docs/ from the home that the settings name.

    ATTRIBUTION_DATASETS=marketplace,simulated_coupon,ads python -m attribution_dagster_tests.dashboard [session id]

All three datasets have to be published there.
"""

import os
import sys
import tempfile
from pathlib import Path

from attribution_dagster_tests.dashboard.server import dashboard
from attribution_dagster_tests.deployment.servers import ROOT
from attribution_dagster_tests.ui.server import browser_page

WIDTH, DRAWN_MS = 1400, 1500
"""The figures move into place: nothing on the page says when that is over."""


def main(session: str) -> None:
    """Opens four pages and photographs each."""
    shots = (
        ("attribution", "dataset=marketplace", 1080),
        ("session", f"dataset=marketplace&session={session}", 1470),
        ("roi", "dataset=simulated_coupon", 1010),
        ("ads", "dataset=ads", 1010),
    )
    given = {name: value for name, value in os.environ.items() if name.startswith("ATTRIBUTION_")}
    with tempfile.TemporaryDirectory() as scratch, dashboard(given, Path(scratch) / "log") as address:
        for name, query, height in shots:
            with browser_page(width=WIDTH, height=height, last_seen=Path(scratch) / "last.png") as page:
                page.set_default_timeout(300_000)
                page.goto(f"{address}/{name}?{query}")
                page.locator(".js-plotly-plot .main-svg").first.wait_for()
                page.get_by_role("button", name="CSV", exact=True).first.wait_for()
                page.locator("[data-testid=stStatusWidget]").wait_for(state="detached")
                page.wait_for_timeout(DRAWN_MS)
                page.screenshot(path=ROOT / "docs" / f"dashboard-{name}.png")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
