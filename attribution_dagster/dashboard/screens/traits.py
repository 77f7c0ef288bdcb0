"""Customer traits: what they are, and one customer's profile, the customers like him, and what he may want next."""

import streamlit as st

from attribution_dagster.dashboard.screens.sectioned import chosen_title
from attribution_dagster.dashboard.showing import say_what_to_make, show_cautions, show_section
from attribution_dagster.reports.sections import PAGES
from attribution_dagster.reports.sections.traits import CUSTOMER, CUSTOMERS
from attribution_dagster.resources.published_window import PublishedWindow

ONE_CUSTOMER = "One customer"


def render(window: PublishedWindow, variant: str | None) -> None:
    """Draw the page."""
    page = PAGES["traits"]
    show_cautions(window, variant)
    if not window.has(page.of):
        st.info(page.instead, icon=":material/info:")
        return
    by_title = {section.title: section for section in page.sections}
    title = chosen_title([*by_title, ONE_CUSTOMER])
    if title in by_title:
        show_section(window, by_title[title], variant)
    else:
        _customer(window)


def _customer(window: PublishedWindow) -> None:
    """The customers whose id holds a text, and the sections of the one that is named; of the first where none is."""
    st.subheader(ONE_CUSTOMER, anchor="customer")
    if window.lacks(CUSTOMERS, None):
        say_what_to_make(window, CUSTOMERS, None)
        return
    text = st.text_input("Id holds", key="customer_text", bind="query-params", max_chars=200)
    rows = show_section(window, CUSTOMERS, None, heading=False, text=text or "")
    first = rows["user_id"][0].as_py() if rows is not None else ""
    customer = st.text_input("Customer id", key="customer", bind="query-params", placeholder=first) or first
    if customer:
        for section in CUSTOMER:
            show_section(window, section, None, user_id=customer)
