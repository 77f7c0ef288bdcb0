"""One window as one HTML file: every page's figures and tables, with what they need inside, for archiving and mail."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from attribution_dagster.reports.cells import is_text, written
from attribution_dagster.reports.facts import WindowFacts
from attribution_dagster.reports.pages import page_template
from attribution_dagster.reports.sections import Page
from attribution_dagster.reports.sections.section import Section

FILE_NAME = "report.html"
MOST_ROWS = 60
"""Rows of a table in the report; the CSV file beside it has them all."""


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """A page, for one variant where it has variants: its sections with their rows."""

    page: Page
    variant: str | None
    parts: Sequence[tuple[Section, pa.Table]]


def window_report(facts: WindowFacts, chapters: Sequence[Chapter]) -> str:
    """The report as HTML; names are escaped, nothing is fetched from elsewhere."""
    from plotly.offline import get_plotlyjs

    shown = [_chapter(facts, chapter, number) for number, chapter in enumerate(chapters)]
    return page_template("window_report.html").render(facts=facts, chapters=shown, plotly_js=get_plotlyjs())


def _chapter(facts: WindowFacts, chapter: Chapter, number: int) -> dict[str, Any]:
    variant = f", variant {chapter.variant}" if chapter.variant else ""
    return {
        "id": f"c{number}",
        "title": f"{chapter.page.title}{variant}",
        "question": chapter.page.question,
        "cautions": facts.cautions(chapter.variant),
        "parts": [_part(section, rows, f"c{number}-{section.name}") for section, rows in chapter.parts],
    }


def _part(section: Section, rows: pa.Table, name: str) -> dict[str, Any]:
    listed = rows.to_pylist()
    figure = section.figure(listed) if section.figure is not None and listed else None
    return {
        "id": name,
        "title": section.title,
        "reading": section.reading,
        "figure": figure.to_html(
            full_html=False, include_plotlyjs=False, div_id=name, config={"displaylogo": False, "displayModeBar": False}
        )
        if figure is not None
        else None,
        **table_cells(section, listed),
    }


def table_cells(section: Section, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Headings, written rows, and how many rows are left out."""
    columns = section.columns.items()
    return {
        "headings": [(column.heading, is_text(column.kind)) for _, column in columns],
        "rows": [
            [
                (written(row[name], column.kind), is_text(column.kind), column.kind == "long_text")
                for name, column in columns
            ]
            for row in rows[:MOST_ROWS]
        ],
        "left_out": max(0, len(rows) - MOST_ROWS),
    }
