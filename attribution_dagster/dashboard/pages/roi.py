"""The ROI projection: the published policy under other economics, as ranges."""

from attribution_dagster.dashboard.pages import stacked
from attribution_dagster.reports.sections import PAGES
from attribution_dagster.resources.published_window import PublishedWindow


def render(window: PublishedWindow) -> None:
    """Draw the page."""
    stacked.render(PAGES["roi"], window)
