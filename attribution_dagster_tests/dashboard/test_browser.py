"""The dashboard in a browser, as `attribution dashboard` serves it: a link opens what it names, the keyboard reaches it, nothing leaves the machine.

The pictures in docs/ are made by `python -m attribution_dagster_tests.dashboard`.
"""

import re
from pathlib import Path

from attribution_dagster.reports.exports import read_back
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.dashboard.server import dashboard
from attribution_dagster_tests.pipeline.small import EXPLAINED, small_environment
from attribution_dagster_tests.ui.server import browser_page, needs_browser


@needs_browser
def test_a_person_opens_a_link_reads_downloads_and_goes_on_by_keyboard(published: Workspace, tmp_path: Path) -> None:
    with (
        dashboard(small_environment(published.settings.home.parent), tmp_path / "log") as address,
        browser_page(width=1280, height=800, last_seen=tmp_path / "last.png") as page,
    ):
        page.emulate_media(color_scheme="dark")  # figures are drawn for a light page, so it stays one
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))

        page.goto(f"{address}/attribution?dataset=small&window={EXPLAINED}&variant=with_funnel&section=Positions")
        page.get_by_role("heading", name="Positions").wait_for()
        page.locator(".js-plotly-plot .main-svg").first.wait_for()
        page.get_by_text("DATA LEAKAGE").first.wait_for()
        page.get_by_text("SIMULATED DATA").first.wait_for()

        with page.expect_download() as download:
            page.get_by_role("button", name="CSV", exact=True).click()
        lines = download.value.path().read_text().splitlines()
        assert download.value.suggested_filename == f"small_{EXPLAINED}_positions_with_funnel.csv"
        assert read_back(lines[1].split(",")[0].strip('"')) == "1-5" and "DATA LEAKAGE" in lines[1]
        page.locator("[data-testid=stDataFrame]").first.hover()
        assert not any(button.is_visible() for button in page.get_by_label("Download as CSV").all())

        link = page.get_by_role("link", name="Funnel overview")
        link.focus()
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Stages").wait_for()
        # What is chosen for all pages stays.
        page.wait_for_url(lambda url: "section=" not in url and "variant=with_funnel" in url)
        page.get_by_role("radio", name="Stages").focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="What abandonment costs").wait_for()
        page.wait_for_url(re.compile(r"section=What\+abandonment\+costs"))
        assert (
            page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor") == "rgb(255, 255, 255)"
        )
        assert page.locator("[role=alert]", has_text="Error").count() == 0
        assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
        figures = [place for place, url in enumerate(asked) if "/PlotlyChart." in url]
        assert len(figures) == 1  # what the page's own answer names is what Streamlit then draws with
        assert figures[0] < min(place for place, url in enumerate(asked) if "/Selectbox." in url)
