"""A page as its readers see it, and a standing with which everything may be claimed."""

from html.parser import HTMLParser
from typing import Any

from attribution_dagster.core.claims.standing import Standing, State

GOOD = Standing(state=State.PUBLISHABLE, reasons=(), claims=True, ranks=True)


class Tags(HTMLParser):
    """Every tag of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data
