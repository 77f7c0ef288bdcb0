"""Rows on a terminal of any width: a table, or a block for each row."""

import io

import pytest
from rich.console import Console

from attribution_dagster.cli.tables import Rows

WIDE = Rows(
    title="models",
    headings=[f"column_{number}" for number in range(12)],
    rows=[[f"value {row} of {number}" for number in range(12)] for row in range(2)],
)


def shown(rows: Rows, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(rows)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


def test_where_there_is_room_it_is_a_table() -> None:
    lines = shown(WIDE, 240)
    assert any(all(heading in line for heading in WIDE.headings) for line in lines)


def test_where_there_is_none_each_row_is_a_block_in_which_no_word_is_broken() -> None:
    lines = shown(WIDE, 80)
    assert "models" in lines and max(map(len, lines)) <= 80
    for row in WIDE.rows:
        for heading, cell in zip(WIDE.headings, row, strict=True):
            assert any(line.split("  ")[0] == heading and line.endswith(f" {cell}") for line in lines), cell


@pytest.mark.parametrize("width", [80, 40])
def test_a_long_text_is_folded_and_stays_in_its_table(width: int) -> None:
    lines = shown(Rows(headings=["event", "why"], rows=[["click", "many short words " * 10]]), width)
    assert "event" in lines[1] and "why" in lines[1] and max(map(len, lines)) <= width
    assert sum(line.count("words") for line in lines) == 10


def test_without_rows_the_headings_are_shown() -> None:
    assert any("event" in line for line in shown(Rows(headings=["event"], rows=[]), 80))


def test_names_are_no_markup() -> None:
    assert any("[red]x[/red]" in line for line in shown(Rows(headings=["[bold]"], rows=[["[red]x[/red]"]]), 80))
