"""What a page of the dashboard is."""

from collections.abc import Callable
from dataclasses import dataclass

from attribution_dagster.resources.published_window import PublishedWindow


@dataclass(frozen=True, kw_only=True)
class DashboardPage:
    """A page: what its navigation entry and header say, and what draws it below them."""

    title: str
    question: str
    icon: str
    render: Callable[[PublishedWindow], None]

    def show(self) -> None:
        """What Streamlit's navigation is given: the app itself draws the page, within its frame."""
