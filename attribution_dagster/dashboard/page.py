"""What a page of the dashboard is."""

from collections.abc import Callable
from dataclasses import dataclass

from attribution_dagster.resources.published_window import PublishedWindow


@dataclass(frozen=True, kw_only=True)
class DashboardPage:
    """A page: what its navigation entry and header say, whether a variant is chosen for it, and what draws it for that choice."""

    title: str
    question: str
    icon: str
    per_variant: bool
    render: Callable[[PublishedWindow, str | None], None]
