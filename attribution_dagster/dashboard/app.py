"""What Streamlit runs: the pages, what is chosen for all of them, and the header."""

import streamlit as st
from PIL import Image

from attribution_dagster.dashboard import frame
from attribution_dagster.dashboard.screens import PAGES
from attribution_dagster.reports.style import DRIVER

# A picture of our own: Streamlit fetches its icons of that place from elsewhere. (No string here: it would be shown.)
ICON = Image.new("RGB", (32, 32), DRIVER)


def main() -> None:
    """One run of the script, as Streamlit does for each interaction."""
    st.set_page_config(page_title="Attribution", page_icon=ICON, layout="wide")
    frame.style()
    first = next(iter(PAGES))
    pages = {
        name: st.Page(page.show, title=page.title, icon=page.icon, url_path=name, default=name == first)
        for name, page in PAGES.items()
    }
    chosen = st.navigation(list(pages.values()))
    frame.draw(next(PAGES[name] for name, page in pages.items() if page is chosen))


main()
