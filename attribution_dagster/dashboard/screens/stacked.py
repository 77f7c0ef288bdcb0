"""A page that is its sections: one under the other, or one at a time where they are many."""

from collections.abc import Callable

import streamlit as st

from attribution_dagster.dashboard import frame, source
from attribution_dagster.dashboard.showing import show_cautions, show_findings, show_section
from attribution_dagster.reports.sections import Page
from attribution_dagster.reports.sections.section import Section
from attribution_dagster.resources.published_window import PublishedWindow


def renderer(page: Page) -> Callable[[PublishedWindow], None]:
    """What draws the page."""
    return lambda window: render(page, window)


def render(page: Page, window: PublishedWindow) -> None:
    """Draw the page's sections for the chosen variant."""
    variant = frame.variant_of(window) if any(section.per_variant for section in page.sections) else None
    show_cautions(window, variant)
    if not window.has(page.of):
        st.info(page.instead, icon=":material/info:")
        return
    for section in [chosen_section(page)] if page.one_at_a_time else page.sections:
        if section.name == "findings" and not window.lacks(section, variant):
            show_findings(source.rows(window, section, variant).to_pylist())
        show_section(window, section, variant)


def chosen_section(page: Page) -> Section:
    """The section chosen by name, which is in the URL; the first by default."""
    by_title = {section.title: section for section in page.sections}
    title = st.segmented_control(
        "Section",
        list(by_title),
        key="section",
        bind="query-params",
        default=page.sections[0].title,
        required=True,
        label_visibility="collapsed",
    )
    return by_title[title]
