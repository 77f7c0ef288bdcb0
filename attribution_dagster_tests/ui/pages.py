"""What a person does in the Dagster UI, in as few words: open the graph, an asset, its checks; materialise a window."""

import re
from urllib.parse import quote, urlencode, urlsplit

from playwright.sync_api import Locator, Page, expect

_RGB = re.compile(r"\d+")


class Dagster:
    """One page of the browser, at a Dagster UI."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self._address = page, address

    def open_graph(self, *, expanded: tuple[str, ...], selection: str = "") -> None:
        """The lineage graph, these groups expanded, of the selected assets only where a selection is given."""
        groups = ",".join(f"global@global:{group}" for group in expanded)
        self._open(f"asset-groups~{quote(selection, safe='')}" if selection else "asset-groups", expanded=groups)

    def open_asset(self, asset: str, *, window: str | None = None) -> None:
        """The asset's overview, or what its materialisation of one window shows."""
        self._open(f"assets/{asset}", **{"view": "partitions", "partition": window} if window else {"view": "overview"})

    def open_checks(self, asset: str) -> None:
        """The asset's checks."""
        self._open(f"assets/{asset}", view="checks")

    def materialise(self, asset: str, window: str) -> str:
        """Launches one window of the asset by the button, and waits until its run has succeeded; the run's id."""
        self.open_asset(asset)
        self.page.get_by_role("button", name="Materialize…").first.click()
        chosen = self.page.get_by_placeholder(re.compile("^ex: "))
        chosen.fill(window)
        chosen.press("Enter")
        self.page.get_by_role("button", name="Launch 1 run").click()
        self.page.get_by_text("View", exact=True).click()
        self.page.wait_for_url(re.compile("/runs/"))
        expect(self.page.get_by_text("Success", exact=True).first).to_be_visible()
        return urlsplit(self.page.url).path.rsplit("/", 1)[-1]

    def open_picture(self) -> int:
        """Opens the picture among the latest materialisation's metadata; its width in pixels as loaded."""
        row = self.page.get_by_role("row").filter(has=self.page.get_by_text("panels", exact=True))
        row.get_by_text("[Show Markdown]").click()
        picture = self.page.locator("img[src^='data:image/png']").first
        picture.wait_for()
        self.page.wait_for_function("image => image.complete", arg=picture.element_handle())
        return int(picture.evaluate("image => image.naturalWidth"))

    def colour_of_check(self, check: str) -> tuple[int, int, int]:
        """Opens a check; red, green and blue of the word that says how it went."""
        self.page.get_by_text(check, exact=True).first.click()
        return _colour(self.page.get_by_text("Failed", exact=True).last)

    def _open(self, path: str, **parameters: str) -> None:
        self.page.goto(f"{self._address}/{path}?{urlencode(parameters)}")


def _colour(word: Locator) -> tuple[int, int, int]:
    word.wait_for()
    red, green, blue, *_ = map(int, _RGB.findall(word.evaluate("element => getComputedStyle(element).color")))
    return red, green, blue
