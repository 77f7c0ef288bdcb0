"""A page that is its sections, of which one is shown at a time: a page with a single figure is there at once, and its address names what is seen."""

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from attribution_dagster.dashboard import source
from attribution_dagster.dashboard.showing import show_cautions, show_findings, show_section
from attribution_dagster.reports.sections import Page
from attribution_dagster.resources.published_window import PublishedWindow


def renderer(page: Page) -> Callable[[PublishedWindow, str | None], None]:
    """What draws the page."""
    return partial(render, page)


def render(page: Page, window: PublishedWindow, variant: str | None) -> None:
    """Draw the page's chosen section for the chosen variant."""
    show_cautions(window, variant)
    if not window.has(page.of):
        st.info(page.instead, icon=":material/info:")
        return
    by_title = {section.title: section for section in page.sections}
    section = by_title[chosen_title(list(by_title))]
    has_cards = section.name == "findings" and not window.lacks(section, variant)
    if has_cards:
        st.subheader(section.title, anchor=section.name)
        show_findings(source.rows(window, section, variant).to_pylist())
    show_section(window, section, variant, heading=not has_cards)


def chosen_title(titles: Sequence[str]) -> str:
    """The title chosen above the page, which is in the URL; the first by default, and where there is no other."""
    if len(titles) == 1:
        return titles[0]
    return st.segmented_control(
        "Section",
        titles,
        key="section",
        bind="query-params",
        default=titles[0],
        required=True,
        label_visibility="collapsed",
    )
