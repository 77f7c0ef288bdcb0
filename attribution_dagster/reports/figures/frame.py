"""What all figures have in common: type, palette, quiet axes, names made harmless, units on the axis."""

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attribution_dagster.core.signals import NEUTRAL, is_significant
from attribution_dagster.reports.labels import shorten
from attribution_dagster.reports.palette import BRAKE, DRIVER, FAINT, INK, UNCERTAIN

if TYPE_CHECKING:
    import plotly.graph_objects as go


Row = Mapping[str, Any]
Rows = Sequence[Row]

SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#222222")
"""Okabe and Ito's palette; each series also has a symbol of its own, so that no figure needs colours to be read."""
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star")
PATTERNS = ("", "/", "x", "\\", "-", "|", "+")
"""The same for series of bars."""
ABOVE, BELOW, UNCLEAR = "above an average event", "below", "neutral: small, or q ≥ .05"
SIGNAL_COLOURS = {ABOVE: DRIVER, BELOW: BRAKE, UNCLEAR: UNCERTAIN}
_FONT = 'system-ui, -apple-system, "Segoe UI", sans-serif'
BAR_WIDTH = 0.66
"""Share of its line that a bar takes; without it plotly takes the distance to the next bar of its colour."""
_LINE_PX, _MARGIN_PX = 27, 96
FADED = "rgba(0, 114, 178, .16)"


def safe(name: str | None, limit: int = 34) -> str:
    """The name on one line, with what plotly would read as a tag turned into characters."""
    return html.escape(shorten(name, limit), quote=False)


def empty_figure(x_title: str, y_title: str = "", *, height: int = 380) -> "go.Figure":
    """A figure without traces, with units on its axes."""
    axis: dict[str, Any] = {
        "gridcolor": FAINT,
        "zeroline": False,
        "automargin": True,
        "title": {"font": {"size": 13}, "standoff": 12},
    }
    from plotly.graph_objects import Figure

    figure = Figure()
    figure.update_layout(
        height=height,
        margin={"l": 10, "r": 24, "t": 40, "b": 46},
        font={"family": _FONT, "size": 13, "color": INK},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="#FFFFFF",
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0, "title": {"text": ""}},
        hoverlabel={"align": "left", "bgcolor": "#FFFFFF", "font": {"color": INK}},
        xaxis=axis | {"title": {**axis["title"], "text": x_title}},
        yaxis=axis | {"title": {**axis["title"], "text": y_title}},
        dragmode=False,
    )
    return figure


def height_of(lines: int) -> int:
    """Pixels for so many lines of text, one under the other."""
    return _MARGIN_PX + _LINE_PX * max(lines, 3)


def named_lines(figure: "go.Figure", names: Sequence[str]) -> "go.Figure":
    """The figure with one line of its y axis for each name, the first at the top; names may repeat."""
    figure.update_yaxes(
        tickmode="array",
        tickvals=list(range(len(names))),
        ticktext=list(names),
        range=[len(names) - 0.4, -0.6],
        showgrid=False,
        ticklabelstandoff=8,
    )
    return figure


def signal(row: Row) -> str:
    """On which side of an average event a row lies, as far as it is no chance of who was looked at or, where that is known, of who was learnt from."""
    again = row.get("retraining_q")
    if row["signal_strength"] in (None, NEUTRAL) or (again is not None and not is_significant(again)):
        return UNCLEAR
    return ABOVE if row["mean_centred_effect"] > 0 else BELOW
