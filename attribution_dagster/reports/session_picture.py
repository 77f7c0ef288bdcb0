"""One session as a picture: its events in order, what each does to the prediction, and where the network looks."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes

from attribution_dagster.reports.labels import one_line, shorten
from attribution_dagster.reports.palette import BRAKE, DRIVER, FAINT, INK, UNCERTAIN
from attribution_dagster.reports.style import quiet, report_style
from attribution_dagster.reports.training_plots import png

SHOWN = 30
"""Events drawn, the last ones: more would not be readable."""
Rows = Sequence[Mapping[str, Any]]


def session_png(rows: Rows, attention: Sequence[float | None], title: str) -> bytes:
    """A PNG with a row per event: its effect in logits against an average event, its share, and its attention.

    rows: in order, with event_at, event_type, centred_attribution and gradient_attribution; attention: share of each event.
    An event before the last ones that the model reads has None.
    """
    from matplotlib.figure import Figure

    drawn, looked = rows[-SHOWN:], attention[-SHOWN:]
    shares = [row["gradient_attribution"] for row in drawn]
    with report_style():
        figure = Figure(figsize=(11, 0.3 * len(drawn) + 1.9), layout="constrained")
        effect, share, attended = figure.subplots(1, 3, sharey=True, width_ratios=(3, 1.2, 1.2))
        _effects(effect, drawn)
        for axes, values, name in ((share, shares, "share of all effects"), (attended, looked, "attention from CLS")):
            axes.barh(range(len(drawn)), [100 * (value or 0.0) for value in values], color=UNCERTAIN, height=0.7)
            axes.set(xlabel=f"{name}, %")
            quiet(axes, grid="x")
        effect.set_yticks(range(len(drawn)), _names(drawn))
        effect.invert_yaxis()
        figure.suptitle(one_line(title), x=0.01, ha="left", fontweight="bold", color=INK)
        return png(figure)


def _effects(axes: Axes, rows: Rows) -> None:
    values = [row["centred_attribution"] or 0.0 for row in rows]
    colours = [DRIVER if value > 0 else BRAKE for value in values]
    axes.barh(range(len(rows)), values, color=colours, height=0.7, edgecolor=FAINT)
    axes.axvline(0, color=INK, linewidth=0.9)
    axes.set(xlabel="effect against an average event, logits")
    quiet(axes, grid="x")


def _names(rows: Rows) -> list[str]:
    """Time since the event before, and what it was."""
    times: list[datetime] = [row["event_at"] for row in rows]
    gaps = [timedelta(0), *(later - earlier for earlier, later in pairwise(times))]
    return [
        f"{shorten(row['event_type'], 26)}  {f'+{gap.total_seconds():.0f} s':>7}"
        for row, gap in zip(rows, gaps, strict=True)
    ]
