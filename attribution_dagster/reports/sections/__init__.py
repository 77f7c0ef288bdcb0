"""What the dashboard and the static report show, page by page: a query, its columns, a figure, and how to read it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from attribution_dagster.reports.sections.ads import ADS
from attribution_dagster.reports.sections.attribution import ATTRIBUTION
from attribution_dagster.reports.sections.conversion import FUNNEL, RISK
from attribution_dagster.reports.sections.decision import ROI, STRATEGY
from attribution_dagster.reports.sections.section import Section
from attribution_dagster.reports.sections.traits import TRAITS


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page of the dashboard, a chapter of the report. one_at_a_time: its sections are chosen, not stacked."""

    title: str
    question: str
    sections: Sequence[Section]
    one_at_a_time: bool = False


PAGES: Mapping[str, Page] = {
    "attribution": Page(
        title="Attribution",
        question="Which events go with conversion, at which place and store, and can the answer be trusted?",
        sections=ATTRIBUTION,
        one_at_a_time=True,
    ),
    "funnel": Page(
        title="Funnel overview", question="How far do sessions go, and where are most lost?", sections=FUNNEL
    ),
    "risk": Page(
        title="Risk segments", question="Which sessions are likely to convert, and how good is that guess?", sections=RISK
    ),
    "strategy": Page(
        title="Intervention strategy", question="Whom does the treatment move, and whom to contact?", sections=STRATEGY
    ),
    "roi": Page(title="ROI projection", question="What would contacting them bring and cost?", sections=ROI),
    "ads": Page(title="Journeys and ads", question="Which purchases would not have been without ads?", sections=ADS),
    "traits": Page(title="Traits", question="Who are the customers, and what may each want next?", sections=TRAITS),
}
"""URL path of a page -> the page, in the order in which they are listed. To add a section: a query in sql/dashboard/, an entry in its page's list."""
