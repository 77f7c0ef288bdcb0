"""The figure of one session: its events in order, the gaps between them, what each brought by a method."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from attribution_dagster.reports.figures.frame import BAR_WIDTH, Rows, empty_figure, height_of, named_lines, safe
from attribution_dagster.reports.palette import BRAKE, DRIVER, INK

if TYPE_CHECKING:
    import plotly.graph_objects as go


LONG_GAP_S = 300.0
"""Seconds without an event after which the pause is drawn."""


def timeline(rows: Rows, column: str, unit: str) -> "go.Figure":
    """A bar for each event: what `column` holds of it, drivers and brakes apart; a dotted line where the session paused."""
    figure = empty_figure(unit, height=height_of(len(rows)))
    gaps = gaps_s([row["event_at"] for row in rows])
    for name, colour, is_up in (("raises the prediction", DRIVER, True), ("lowers it", BRAKE, False)):
        part = [
            (place, row) for place, row in enumerate(rows) if row[column] is not None and (row[column] > 0) is is_up
        ]
        figure.add_bar(
            x=[row[column] for _, row in part],
            y=[place for place, _ in part],
            orientation="h",
            width=BAR_WIDTH,
            name=name,
            marker={"color": colour, "pattern": {"shape": "" if is_up else "/"}},
            text=[f"{row[column]:+.2f}" for _, row in part],
            textposition="outside",
            cliponaxis=False,
            hovertext=[
                f"<b>{safe(row['event_type'])}</b><br>{row['event_at']:%H:%M:%S}<br>{row[column]:+.4f}"
                for _, row in part
            ],
            hoverinfo="text",
        )
    for place, gap in enumerate(gaps):
        if gap is not None and gap >= LONG_GAP_S:
            figure.add_hline(
                y=place - 0.5,
                line={"color": "#777777", "width": 1, "dash": "dot"},
                annotation_text=f"pause of {duration(gap)}",
                annotation_position="top right",
            )
    figure.add_vline(x=0, line={"color": INK, "width": 1})
    known = [0.0, *(row[column] for row in rows if row[column] is not None)]
    room = 0.12 * (max(known) - min(known)) or 1.0  # for the numbers beside the bars
    figure.update_xaxes(range=[min(known) - room, max(known) + room])
    return named_lines(figure, [_label(row, gap) for row, gap in zip(rows, gaps, strict=True)])


def gaps_s(moments: Sequence[datetime]) -> list[float | None]:
    """Seconds since the event before; None for the first."""
    later = [(after - before).total_seconds() for before, after in pairwise(moments)]
    return [None, *later] if moments else []


def duration(seconds: float) -> str:
    """12 s, 3 min 20 s, 1 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _label(row: "dict[str, object]", gap: float | None) -> str:
    since = f" +{duration(gap)}" if gap is not None else ""
    store = f" · {safe(row['store_name'], 22)}" if row["store_name"] else ""  # type: ignore[arg-type]
    return f"{row['event_at']:%H:%M:%S}{since}  {safe(row['event_type'], 26)}{store}"  # type: ignore[arg-type]
