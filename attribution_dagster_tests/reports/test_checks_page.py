"""The page of verdicts: complete, on its own, and harmless whatever the names in it."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from attribution_dagster.checks.adapter import check_metadata
from attribution_dagster.checks.pages import write_asset_page, write_window_page
from attribution_dagster.checks.suites import expectations
from attribution_dagster.graph import AFTER_PUBLICATION
from attribution_dagster.reports.checks_page import CheckShown, checks_page
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.pipeline.faults import copy_of, judged, remake, set_where
from attribution_dagster_tests.pipeline.small import EXPLAINED
from attribution_dagster_tests.reports.sample import HOSTILE

SCRIPT = "<script>alert(1)</script>"
TAGS = {
    "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "details", "summary", "b", "span", "dl", "dt", "dd", "div",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip


class Page(HTMLParser):
    """What a browser would find: the tags, the attributes, the text of each table cell."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.cells: list[str] = []
        self._in_cell = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self._in_cell = tag == "td"
        if self._in_cell:
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = False

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.cells[-1] += data


def failing(**changes: object) -> CheckShown:
    known = {
        "name": "event_types_known",
        "description": "Types are known.",
        "severity": "warning",
        "expected": ["share <= 0.01"],
        "passed": False,
        "summary": "expected share <= 0.01, found share = 0.2",
        "observed": {"share": 0.2, "n": 12345, "none": None},
        "offending": 30,
        "rows": [{"event_type": name, "n_events": 2} for name in HOSTILE],
    }
    return CheckShown(**{**known, **changes})  # type: ignore[arg-type]


def test_names_are_text_and_nothing_else_whatever_they_hold() -> None:
    page = Page(checks_page(SCRIPT, "shop", EXPLAINED, {"events": [failing()]}, simulated=False))
    assert page.tags <= TAGS and not [a for a in page.attributes if a.startswith("on") or a in ("src", "href")]
    assert len(page.cells) == 2 * len(HOSTILE)
    empty = Page(checks_page("Shop", "shop", EXPLAINED, {"events": [failing(rows=[{"x": SCRIPT}])]}, simulated=False))
    assert empty.cells == [SCRIPT]


def test_the_page_needs_nothing_from_elsewhere() -> None:
    text = checks_page("Shop", "shop", EXPLAINED, {"events": [failing(rows=[{"event_type": "x"}])]}, simulated=True)
    assert not re.search(r"(src=|href=|url\(|@import|https?:|//[a-z])", text)
    assert "default-src 'none'" in text and "SIMULATED DATA" in text


def test_the_page_says_what_was_expected_found_and_offending() -> None:
    checks = [failing(), failing(passed=True, rows=()), failing(passed=None), failing(severity="critical")]
    text = checks_page("Shop", "shop", EXPLAINED, {"events": checks}, simulated=False)
    assert "1 failed, 1 warning, 1 not run, 1 passed" in text
    assert "share &lt;= 0.01, found share = 0.2" in text and "<dd>12,345</dd>" in text and "<dd>–</dd>" in text
    assert f"30 offending rows, the first {len(HOSTILE)}" in text


def test_an_event_type_that_is_a_script_is_harmless_on_the_page_and_in_dagster(
    published: Workspace, tmp_path: Path
) -> None:
    copy = copy_of(published, tmp_path)
    hostile = set_where(lambda row: row["event_type"] == "search", event_type=SCRIPT)
    remake(copy, "events", "stg_events", hostile)
    known = next(e for e in expectations(copy.profile) if e.name == "event_types_known")
    verdict = judged(copy, known, EXPLAINED)
    assert verdict.rows[0]["event_type"] == SCRIPT
    for path in (write_asset_page(copy, "events", EXPLAINED), write_window_page(copy, EXPLAINED)):
        page = Page(Path(path).read_text())
        assert SCRIPT in page.cells and "script" not in page.tags
    shown = str(check_metadata(known, verdict, "page")["rows"].value)
    assert "&lt;script&gt;" in shown and "<" not in shown


def test_the_published_window_links_a_page_with_every_check(published: Workspace) -> None:
    record = published.artifacts.record("published", EXPLAINED)
    assert record is not None
    text = Path(record.report["all_checks"]["path"]).read_text()
    suite = expectations(published.profile)
    assert re.findall(r"<summary><b>(\w+)</b>", text) == [e.name for e in suite]
    assert "not run" not in text and text.count('<details class="passed">') == len(suite)
    before_publication = [e for e in suite if e.asset.split("/")[-1] not in (*AFTER_PUBLICATION, "published")]
    assert record.report["checks_passed"] == len(before_publication) and record.report["checks_with_a_warning"] == 0


@pytest.mark.parametrize("asset", ["sessions", "no_funnel/trained_model", "leakage_comparison"])
def test_each_asset_has_a_page_of_its_own(published: Workspace, asset: str) -> None:
    text = Path(published.artifacts.page(EXPLAINED, asset)).read_text()
    assert re.findall(r"<h2>(.*)</h2>", text) == [asset]
