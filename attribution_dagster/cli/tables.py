"""A table where the terminal is wide enough for it, else a block of lines for each row: a column of three letters helps nobody."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

FOLDED_CELLS = 24
"""A longer text may be folded in its column, to no fewer characters than this."""
_FRAME = 3
"""Characters of frame and padding for each column, and one more at the end."""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows of plain text under headings; names in them are escaped already."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The table, or its rows as blocks where the columns would be too narrow to read."""
        if self._width <= options.max_width or not self.rows:
            yield self._table()
        else:
            yield from self._blocks()

    @property
    def _width(self) -> int:
        """Characters that the table needs to be readable."""
        columns = zip(self.headings, *self.rows, strict=True)
        widths = (min(FOLDED_CELLS, max(map(cell_len, column))) for column in columns)
        return sum(width + _FRAME for width in widths) + 1

    def _table(self) -> Table:
        table = Table(title=self.title, title_justify="left", header_style="bold")
        for heading in self.headings:
            table.add_column(Text(heading), overflow="fold")
        for row in self.rows:
            table.add_row(*map(Text, row))
        return table

    def _blocks(self) -> Iterator[Rule | Table | Text]:
        if self.title is not None:
            yield Text(self.title, style="italic")
        for number, row in enumerate(self.rows, start=1):
            yield Rule(Text(f"row {number}", style="bold"), align="left")
            block = Table(box=None, show_header=False, pad_edge=False)
            block.add_column(style="bold", overflow="fold")
            block.add_column(overflow="fold", ratio=1)
            for heading, cell in zip(self.headings, row, strict=True):
                block.add_row(Text(heading), Text(cell))
            yield block
