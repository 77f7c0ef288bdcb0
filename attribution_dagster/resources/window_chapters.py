"""The chapters of a window's report: what is published of each page, variant by variant."""

from attribution_dagster.reports.sections import PAGES, Page
from attribution_dagster.reports.window_report import Chapter, window_report
from attribution_dagster.resources.published_window import PublishedWindow, open_window
from attribution_dagster.resources.workspace import Workspace


def window_html(workspace: Workspace, window_key: str) -> str | None:
    """The window's report as one HTML file; None where the window is not published."""
    window = open_window(workspace, window_key)
    return window_report(window.facts, chapters(window)) if window is not None else None


def chapters(window: PublishedWindow) -> list[Chapter]:
    """The pages of which anything is published; those with variants once for each, what concerns no single one with the first."""
    found = []
    for page in PAGES.values():
        variants = list(window.workspace.profile.variants) or [None]
        by_variant = variants if any(section.per_variant for section in page.sections) else [None]
        found += [_chapter(window, page, variant, is_first=place == 0) for place, variant in enumerate(by_variant)]
    return [chapter for chapter in found if chapter.parts]


def _chapter(window: PublishedWindow, page: Page, variant: str | None, *, is_first: bool) -> Chapter:
    chosen = [
        section for section in page.sections if (section.per_variant or is_first) and not window.lacks(section, variant)
    ]
    return Chapter(page=page, variant=variant, parts=[(section, window.rows(section, variant)) for section in chosen])
