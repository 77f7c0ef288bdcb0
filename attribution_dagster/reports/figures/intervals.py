"""Values with their intervals: one under the other, or over windows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from attribution_dagster.reports.figures.frame import (
    SERIES,
    SYMBOLS,
    Rows,
    empty_figure,
    height_of,
    named_lines,
    safe,
)
from attribution_dagster.reports.palette import INK

if TYPE_CHECKING:
    import plotly.graph_objects as go


LARGEST = 6
"""Series that a figure over windows shows: as many as can be told apart."""


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One value with its interval, and a wider one around it. name and series are made harmless by whoever makes the mark."""

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    wide_low: float | None = None
    wide_high: float | None = None
    series: str = ""
    note: str = ""

    @property
    def hover(self) -> str:
        """What the pointer shows."""
        lines = [f"<b>{self.name}</b>", f"{self.value:,.4g}"]
        if self.low is not None and self.high is not None:
            lines[-1] += f" (95 %: {self.low:,.4g} to {self.high:,.4g})"
        if self.wide_low is not None and self.wide_high is not None:
            lines.append(f"over other trainings: {self.wide_low:,.4g} to {self.wide_high:,.4g}")
        return "<br>".join([*lines, *([self.note] if self.note else [])])


def forest(
    marks: Sequence[Mark],
    unit: str,
    *,
    colours: dict[str, str] | None = None,
    reference: float | None = 0.0,
    format_: str = "",
) -> "go.Figure":
    """Marks one under the other with their intervals; the wide interval is the thin line, `reference` the upright one."""
    shown = [mark for mark in marks if mark.value is not None]
    figure = empty_figure(unit, height=height_of(len(shown)))
    found = {mark.series for mark in shown}
    for number, series in enumerate(
        [*(each for each in colours or {} if each in found), *sorted(found - set(colours or {}))]
    ):
        places = [place for place, mark in enumerate(shown) if mark.series == series]
        figure.add_scatter(**_wide_lines(shown, places, (colours or {}).get(series, SERIES[0])))
        figure.add_scatter(**_trace(shown, places, series, number, (colours or {}).get(series)))
    if reference is not None:
        figure.add_vline(x=reference, line={"color": INK, "width": 1})
    figure.update_xaxes(tickformat=format_, range=_room(shown, reference))
    if found <= {""}:  # no legend
        figure.update_layout(margin_t=10, height=figure.layout.height - 30)
    return named_lines(figure, [mark.name for mark in shown])


def _room(marks: Sequence[Mark], reference: float | None) -> list[float] | None:
    """From the lowest to the highest end, with some room; None without marks."""
    ends = [end for m in marks for end in (m.value, m.low, m.high, m.wide_low, m.wide_high) if end is not None]
    if not ends:
        return None
    low, high = (
        min([*ends, reference if reference is not None else ends[0]]),
        max([*ends, reference if reference is not None else ends[0]]),
    )
    room = 0.04 * (high - low) or 1.0
    return [low - room, high + room]


def _wide_lines(shown: Sequence[Mark], places: Sequence[int], colour: str) -> dict[str, Any]:
    """The thin lines of a series as one trace, with a gap after each: a trace of its own for each line is slow to draw."""
    ends = [(place, end) for place in places for end in (shown[place].wide_low, shown[place].wide_high, None)]
    return {
        "x": [end for _, end in ends],
        "y": [place for place, _ in ends],
        "mode": "lines",
        "line": {"color": colour, "width": 1.2},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _trace(
    shown: Sequence[Mark], places: Sequence[int], series: str, number: int, colour: str | None
) -> dict[str, Any]:
    chosen = [shown[place] for place in places]
    colour = colour or SERIES[number % len(SERIES)]
    return {
        "x": [mark.value for mark in chosen],
        "y": list(places),
        "mode": "markers",
        "name": series,
        "showlegend": bool(series),
        "marker": {"color": colour, "size": 9, "symbol": SYMBOLS[number % len(SYMBOLS)]},
        "error_x": error_bars(chosen, colour),
        "hovertext": [mark.hover for mark in chosen],
        "hoverinfo": "text",
    }


def error_bars(marks: Sequence[Mark], colour: str, thickness: float = 3.5) -> dict[str, Any]:
    """Plotly's error bars of the marks' intervals; none where an end is not known."""
    above = [m.high - m.value if m.high is not None and m.value is not None else 0 for m in marks]
    below = [m.value - m.low if m.low is not None and m.value is not None else 0 for m in marks]
    return {
        "type": "data",
        "symmetric": False,
        "array": above,
        "arrayminus": below,
        "thickness": thickness,
        "width": 0,
        "color": colour,
    }


def over_windows(
    rows: Rows,
    *,
    name: str,
    value: str,
    unit: str,
    ends: tuple[str, str] | None = None,
    is_shown: Callable[[str], bool] = lambda _: True,
    format_: str = "",
) -> "go.Figure":
    """A line for each name over the windows; names in the order of the rows, the first LARGEST of them."""
    figure = empty_figure("start of the window", unit, height=420)
    names = [each for each in dict.fromkeys(row[name] for row in rows) if is_shown(each)][:LARGEST]
    for number, each in enumerate(names):
        chosen = [row for row in rows if row[name] == each and row[value] is not None]
        marks = [
            Mark(
                name=safe(each),
                value=row[value],
                low=row[ends[0]] if ends else None,
                high=row[ends[1]] if ends else None,
            )
            for row in chosen
        ]
        colour = SERIES[number % len(SERIES)]
        figure.add_scatter(
            x=[row["window_date"] for row in chosen],
            y=[mark.value for mark in marks],
            mode="lines+markers",
            name=safe(each),
            line={"color": colour, "width": 2},
            marker={"symbol": SYMBOLS[number % len(SYMBOLS)], "size": 9},
            error_y=error_bars(marks, colour, thickness=1.5) if ends else None,
            hovertext=[
                f"{row['window_date']:%Y-%m-%d}<br>{mark.hover}" for row, mark in zip(chosen, marks, strict=True)
            ],
            hoverinfo="text",
        )
    starts = sorted({row["window_date"] for row in rows})
    figure.update_xaxes(tickmode="array", tickvals=starts[-12:], ticktext=[f"{each:%Y-%m-%d}" for each in starts[-12:]])
    figure.update_yaxes(tickformat=format_, zeroline=True, zerolinecolor=INK)
    return figure
