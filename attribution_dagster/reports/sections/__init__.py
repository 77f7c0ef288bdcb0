"""What the dashboard and the static report show, page by page: a query, its columns, a figure, and how to read it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from attribution_dagster.reports.sections.ads import ADS
from attribution_dagster.reports.sections.attribution import ATTRIBUTION
from attribution_dagster.reports.sections.conversion import FUNNEL, RISK
from attribution_dagster.reports.sections.decision import ROI, STRATEGY
from attribution_dagster.reports.sections.section import Section
from attribution_dagster.reports.sections.traits import TRAITS

Of = Literal["sessions", "experiment", "journeys"]
"""What a dataset may have: sessions that are explained, a randomised experiment, ad journeys."""
_INSTEAD = {
    "sessions": "This dataset has no sessions. Choose another one at the side, or make one: `attribution run --dataset marketplace`.",
    "experiment": "This dataset is no randomised experiment. Choose one at the side, or make one: `attribution run --dataset simulated_coupon`.",
    "journeys": "This dataset has no ad journeys. Choose one that has at the side, or make it: `attribution run --dataset ads`.",
}


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page of the dashboard, a chapter of the report. of: what a dataset must have for it."""

    title: str
    question: str
    sections: Sequence[Section]
    of: Of

    @property
    def instead(self) -> str:
        """What to say of a dataset that has nothing of the kind."""
        return _INSTEAD[self.of]


PAGES: Mapping[str, Page] = {
    "attribution": Page(
        title="Attribution",
        question="Which events go with conversion, at which place and store, and can the answer be trusted?",
        of="sessions",
        sections=ATTRIBUTION,
    ),
    "funnel": Page(
        title="Funnel overview",
        question="How far do sessions go, and where are most lost?",
        of="sessions",
        sections=FUNNEL,
    ),
    "risk": Page(
        title="Risk segments",
        question="Which sessions are likely to convert, and how good is that guess?",
        of="sessions",
        sections=RISK,
    ),
    "strategy": Page(
        title="Intervention strategy",
        question="Whom does the treatment move, and whom to contact?",
        of="experiment",
        sections=STRATEGY,
    ),
    "roi": Page(
        title="ROI projection", question="What would contacting them bring and cost?", of="experiment", sections=ROI
    ),
    "ads": Page(
        title="Journeys and ads",
        question="Which purchases would not have been without ads?",
        of="journeys",
        sections=ADS,
    ),
    "traits": Page(
        title="Traits", question="Who are the customers, and what may each want next?", of="sessions", sections=TRAITS
    ),
}
"""URL path of a page -> the page, in the order in which they are listed. To add a section: a query in sql/dashboard/, an entry in its page's list."""
