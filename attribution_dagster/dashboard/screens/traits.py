"""Customer traits: what they are, and one customer's profile, the customers like him, and what he may want next."""

import streamlit as st

from attribution_dagster.dashboard.showing import say_what_to_make, show_cautions, show_section
from attribution_dagster.reports.sections import PAGES
from attribution_dagster.reports.sections.traits import CUSTOMER, CUSTOMERS
from attribution_dagster.resources.published_window import PublishedWindow


def render(window: PublishedWindow) -> None:
    """Draw the page."""
    page = PAGES["traits"]
    show_cautions(window, None)
    if not window.has(page.of):
        st.info(page.instead, icon=":material/info:")
        return
    if window.lacks(CUSTOMERS, None):
        say_what_to_make(window, CUSTOMERS, None)
        return
    for section in page.sections:
        show_section(window, section, None)
    st.subheader("One customer", anchor="customer")
    text = st.text_input("Id holds", key="customer_text", bind="query-params", max_chars=200)
    rows = show_section(window, CUSTOMERS, None, heading=False, text=text or "")
    first = rows["user_id"][0].as_py() if rows is not None else ""
    customer = st.text_input("Customer id", key="customer", bind="query-params", placeholder=first) or first
    if customer:
        for section in CUSTOMER:
            show_section(window, section, None, user_id=customer)
