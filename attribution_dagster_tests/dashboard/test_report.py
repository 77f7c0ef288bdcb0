"""The report of a window: one file that needs nothing else, with the dashboard's sections, safe with hostile names; the views beside it."""

import csv
import re
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest

from attribution_dagster.cli.views import print_views, write_views
from attribution_dagster.reports.facts import WindowFacts
from attribution_dagster.reports.figures.frame import ABOVE, BELOW, UNCLEAR, safe, signal
from attribution_dagster.reports.sections import PAGES
from attribution_dagster.reports.window_report import FILE_NAME, Chapter, window_report
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.views import views_of
from attribution_dagster_tests.dashboard.direct import published_rows
from attribution_dagster_tests.pipeline.small import EXPLAINED
from attribution_dagster_tests.ui.server import browser_page, needs_browser

HOSTILE = "</script><img src=x onerror=\"document.title='owned'\">=1+1"


def hostile_report() -> str:
    """A report whose every name wants to be run."""
    section = PAGES["attribution"].sections[0]
    row = {
        name: HOSTILE if column.kind == "text" else True if column.kind == "yes_no" else 0.5
        for name, column in section.columns.items()
    }
    rows = pa.Table.from_pylist([{**row, "occurrences": 40, "users": 40, "has_minimum_support": True}])
    facts = WindowFacts(
        dataset="shop",
        title=HOSTILE,
        window_key=EXPLAINED,
        published_at=datetime(2025, 2, 1),
        simulated=False,
        models={HOSTILE: HOSTILE},
        checks={HOSTILE: HOSTILE},
        standings={},
        leaking=(),
    )
    return window_report(facts, [Chapter(page=PAGES["attribution"], variant=HOSTILE, parts=[(section, rows)])])


def test_report_lies_beside_the_exports_with_every_published_section(published: Workspace) -> None:
    html = (published.settings.exports / "small" / EXPLAINED / FILE_NAME).read_text()
    for name in ("attribution", "funnel", "risk"):
        for section in PAGES[name].sections:
            assert f">{section.title}</h3>" in html, section.title
    assert "SIMULATED DATA" in html and "checks passed" in html and EXPLAINED in html
    without_scripts = re.sub(r"<script.*?</script>", "", html, flags=re.S)
    assert not re.search(r"""(src|href)=["']https?:""", without_scripts)


@pytest.mark.parametrize(
    ("effect", "strength", "again", "drawn"),
    [
        (0.3, "Strong positive signal", 0.04, ABOVE),
        (0.3, "Strong positive signal", 0.06, UNCLEAR),
        (0.3, "Strong positive signal", None, ABOVE),
        (-0.3, "Negative signal", 0.01, BELOW),
        (0.3, "Neutral", 0.01, UNCLEAR),
        (0.3, None, None, UNCLEAR),
    ],
)
def test_what_may_be_chance_of_other_trainings_is_not_coloured(
    effect: float, strength: str | None, again: float | None, drawn: str
) -> None:
    row = {"mean_centred_effect": effect, "signal_strength": strength, "retraining_q": again}
    assert signal(row) == drawn
    assert signal({**row, "retraining_q": None}) == signal({k: v for k, v in row.items() if k != "retraining_q"})


def test_dagster_links_the_report(published: Workspace) -> None:
    record = published.artifacts.record("published", EXPLAINED)
    assert record is not None
    assert Path(record.report["report"]["path"]).name == FILE_NAME


def test_names_become_characters() -> None:
    html = hostile_report()
    assert "<img" not in html and html.count("</script>") == html.count("<script")
    assert safe("<b>&</b>") == "&lt;b&gt;&amp;&lt;/b&gt;"


@needs_browser
def test_the_published_report_draws_every_figure_and_asks_for_nothing(published: Workspace, tmp_path: Path) -> None:
    path = published.settings.exports / "small" / EXPLAINED / FILE_NAME
    with browser_page(width=1366, height=768, last_seen=tmp_path / "last.png") as page:
        asked: list[str] = []
        said: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(path.as_uri())
        page.wait_for_function("[...document.querySelectorAll('.js-plotly-plot')].every(p => p.querySelector('svg'))")
        drawn = page.locator(".js-plotly-plot").count()
        assert [url for url in asked if not url.startswith(("data:", "blob:"))] == [path.as_uri()] and said == []
        assert (
            page.locator(".plot").count() == drawn >= sum(s.figure is not None for s in PAGES["attribution"].sections)
        )
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0  # nothing is cut off on a laptop


@needs_browser
def test_report_draws_itself_without_a_network_and_runs_no_name(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.write_text(hostile_report(), encoding="utf-8")
    with browser_page(width=1200, height=900, last_seen=tmp_path / "last.png") as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        page.locator(".js-plotly-plot .main-svg").first.wait_for()
        assert page.title() != "owned" and page.locator("img").count() == 0
        assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
        assert "<img" in page.locator(".js-plotly-plot").inner_text()  # the name is there, as characters


def test_views_hold_what_the_tables_hold(published: Workspace, tmp_path: Path) -> None:
    files = write_views(published, tmp_path / "bi")
    assert [path.stem for path in files] == sorted(views_of(published.profile))
    with (tmp_path / "bi" / "bi_event_type_effect.csv").open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["variant"] == "no_funnel"]
    expected = {
        r["event_type"]: r["mean_centred_effect"]
        for r in published_rows(published, "transformer_event_attribution_no_funnel")
    }
    assert {row["event_type"]: float(row["mean_centred_effect"]) for row in rows} == pytest.approx(expected)
    assert {row["window_start"][:10] for row in rows} == {EXPLAINED} and "warning" in rows[0]


def test_every_view_is_made_for_snowflake_with_its_documentation(published: Workspace) -> None:
    import sqlglot

    text = print_views(published)
    made = [tree for tree in sqlglot.parse(text, read="snowflake") if tree is not None]
    assert len(made) == len(views_of(published.profile))
    assert all(f"CREATE OR REPLACE VIEW {name} (" in text for name in views_of(published.profile))
    page = (Path(__file__).parents[2] / "docs" / "bi.md").read_text()
    assert all(f"| `{name}` |" in page for name in views_of(published.profile))
