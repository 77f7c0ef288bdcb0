"""The pages by their URL path, in the order in which they are listed. To add one: sections in reports/sections, an entry here.

The folder is not called pages, since Streamlit would take its files for pages by themselves.
"""

from collections.abc import Mapping

from attribution_dagster.dashboard.page import DashboardPage
from attribution_dagster.dashboard.screens import roi, sectioned, session, traits
from attribution_dagster.reports import sections

_ICONS = {
    "attribution": ":material/insights:",
    "funnel": ":material/filter_alt:",
    "risk": ":material/groups:",
    "strategy": ":material/target:",
    "roi": ":material/payments:",
    "ads": ":material/campaign:",
    "traits": ":material/psychology:",
}
_OWN = {"roi": roi.render, "traits": traits.render}
"""Pages that have more than their sections."""
_SESSION = DashboardPage(
    title="Session debugger",
    question="One session, event by event: what moved its prediction, by which method, and what if an event had not been?",
    icon=":material/bug_report:",
    per_variant=True,
    render=session.render,
)


def _page(name: str) -> DashboardPage:
    page = sections.PAGES[name]
    return DashboardPage(
        title=page.title,
        question=page.question,
        icon=_ICONS[name],
        per_variant=any(section.per_variant for section in page.sections),
        render=_OWN.get(name, sectioned.renderer(page)),
    )


PAGES: Mapping[str, DashboardPage] = {
    "attribution": _page("attribution"),
    "session": _SESSION,
    **{name: _page(name) for name in sections.PAGES if name != "attribution"},
}
