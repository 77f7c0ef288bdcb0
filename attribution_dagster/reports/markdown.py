"""Markdown tables for asset metadata, safe to render whatever the names in them hold."""

import html
import re
from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa

from attribution_dagster.reports.labels import shorten

# Entities can't start a construct in Markdown, and a table is split at literal pipes only.
_STRUCTURE = re.compile(r"[|`*\[\]~$\\]|(?<![^\W_])_|_(?![^\W_])|(?<=:)//|(?<=www)\.|@", re.IGNORECASE)


def escape(text: str | None, limit: int = 60) -> str:
    """The text as literal Markdown on one line: HTML, pipes, code, emphasis and links come out as characters."""
    escaped = html.escape(shorten(text, limit), quote=False)
    return _STRUCTURE.sub(lambda match: "".join(f"&#{ord(c)};" for c in match.group()), escaped)


def markdown_table(table: pa.Table, columns: Mapping[str, str] | Sequence[str] | None = None, rows: int = 20) -> str:
    """The first `rows` rows as a Markdown table; numbers are right-aligned, floats have three decimals, NULL is a dash.

    `columns` chooses and orders them; a mapping gives each its heading. A last line says how many rows were left out.
    """
    headings = _headings(table, columns)
    numeric = [_is_number(table.schema.field(name).type) for name in headings]
    lines = [
        _line(escape(heading) for heading in headings.values()),
        _line("---:" if right else "---" for right in numeric),
        *(
            _line(_cell(row[name]) for name in headings)
            for row in table.select(list(headings)).slice(0, rows).to_pylist()
        ),
    ]
    if table.num_rows > rows:
        lines += ["", f"*{table.num_rows - rows:,} more rows*"]
    return "\n".join(lines)


def _headings(table: pa.Table, columns: Mapping[str, str] | Sequence[str] | None) -> Mapping[str, str]:
    if isinstance(columns, Mapping):
        return columns
    return {name: name.replace("_", " ") for name in columns or table.column_names}


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.3f}" if isinstance(value, float) else escape(str(value))
