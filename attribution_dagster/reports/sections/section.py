"""One section: which query, what to materialise for it, its columns with their units, its figure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import plotly.graph_objects as go

Kind = Literal["text", "long_text", "count", "number", "amount", "p_value", "share", "usd", "yes_no", "time"]
"""How a column is written: 1,234 | 0.123 | 1,234.5 | 0.012 or < 0.001 | 12.3 % | $1,234.50 | yes | 2025-01-31 12:00."""
Figure = Callable[[Sequence[Mapping[str, Any]]], "go.Figure"]


@dataclass(frozen=True, kw_only=True)
class Column:
    """Heading, with the unit, and how values are written."""

    heading: str
    kind: Kind = "number"


@dataclass(frozen=True, kw_only=True)
class Section:
    """Rows of one query of sql/dashboard/, as a figure and a table.

    name: in the URL and of the CSV file. needs: the table without which there is nothing to show, asset: what makes it, to be named then.
    reading: how to read it, one or two sentences. per_variant: `{variant}` is filled in. is_paged: takes `rows` and `skip`, and has `total_rows`.
    columns: those of the query that are shown, in this order; the CSV file has all of them.
    """

    name: str
    title: str
    query: str
    needs: str
    asset: str
    reading: str
    columns: Mapping[str, Column]
    figure: Figure | None = None
    per_variant: bool = False
    is_paged: bool = False


def text(heading: str) -> Column:
    """A column of names."""
    return Column(heading=heading, kind="text")


def long_text(heading: str) -> Column:
    """A column of sentences."""
    return Column(heading=heading, kind="long_text")


def count(heading: str) -> Column:
    """A column of whole numbers."""
    return Column(heading=heading, kind="count")


def number(heading: str) -> Column:
    """A column of numbers, in the unit that the heading names."""
    return Column(heading=heading, kind="number")


def amount(heading: str) -> Column:
    """A column of numbers that need not be whole, and of which nobody needs more than a tenth: purchases, conversions."""
    return Column(heading=heading, kind="amount")


def p_value(heading: str) -> Column:
    """A column of p or q values."""
    return Column(heading=heading, kind="p_value")


def share(heading: str) -> Column:
    """A column of shares, shown in percent."""
    return Column(heading=heading, kind="share")


def usd(heading: str) -> Column:
    """A column of US dollars."""
    return Column(heading=heading, kind="usd")


def yes_no(heading: str) -> Column:
    """A column of booleans."""
    return Column(heading=heading, kind="yes_no")


def time(heading: str) -> Column:
    """A column of moments."""
    return Column(heading=heading, kind="time")
