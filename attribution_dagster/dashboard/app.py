"""What Streamlit runs: the pages, what is chosen for all of them, and the header."""

import streamlit as st
from PIL import Image

from attribution_dagster.dashboard import frame
from attribution_dagster.dashboard.screens import PAGES
from attribution_dagster.reports.palette import DRIVER

# A picture of our own: Streamlit fetches its icons of that place from elsewhere. (No string here: it would be shown.)
ICON = Image.new("RGB", (32, 32), DRIVER)


def main() -> None:
    """One run of the script, as Streamlit does for each interaction."""
    st.set_page_config(page_title="Attribution", page_icon=ICON, layout="wide")
    frame.style()
    pages = {name: st.Page(page.show, title=page.title, icon=page.icon, url_path=name) for name, page in PAGES.items()}
    # The page at / has no path of its own: were a named one the default, links to its name would lead nowhere.
    first = next(iter(PAGES))
    home = st.Page(PAGES[first].show, title=PAGES[first].title, url_path="home", default=True, visibility="hidden")
    chosen = st.navigation([home, *pages.values()])
    frame.draw(next((PAGES[name] for name, page in pages.items() if page is chosen), PAGES[first]))


main()
