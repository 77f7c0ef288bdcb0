"""What Streamlit runs: the pages, what is chosen for all of them, and the header."""

from functools import partial

import streamlit as st
from PIL import Image

from attribution_dagster.dashboard import frame
from attribution_dagster.dashboard.page import DashboardPage
from attribution_dagster.dashboard.screens import PAGES
from attribution_dagster.reports.palette import DRIVER

# A picture of our own: Streamlit fetches its icons of that place from elsewhere. (No string here: it would be shown.)
ICON = Image.new("RGB", (32, 32), DRIVER)


def main() -> None:
    """One run of the script, as Streamlit does for each interaction."""
    st.set_page_config(page_title="Attribution", page_icon=ICON, layout="wide")
    frame.style()

    def draw(page: DashboardPage) -> None:
        if shown is not None:
            frame.draw(page, *shown)

    first = next(iter(PAGES.values()))
    # The page at / has no path of its own: were a named one the default, links to its name would lead nowhere.
    home = st.Page(partial(draw, first), title=first.title, url_path="home", default=True, visibility="hidden")
    pages = {
        st.Page(partial(draw, page), title=page.title, icon=page.icon, url_path=name): page
        for name, page in PAGES.items()
    }
    chosen = st.navigation([home, *pages])
    # What is chosen here stays when the page changes; what a page asks for itself, within run(), leaves the address with it.
    shown = frame.choose(pages.get(chosen, first))
    chosen.run()


main()
