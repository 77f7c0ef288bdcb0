"""What each event type says of the outcome by itself: one dot each, the suspected ones named."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt

from attribution_dagster.reports.labels import plot_label
from attribution_dagster.reports.palette import ALARM, INK, UNCERTAIN
from attribution_dagster.reports.style import quiet, report_style

Row = Mapping[str, Any]
_SIZE, _DPI = (7.2, 4.2), 110


def suspicion_png(title: str, window_key: str, rows: Sequence[Row]) -> bytes:
    """A PNG: AUC alone against the conversion rate where the type occurs, with intervals; suspected types in red, named."""
    with report_style():
        figure, axes = plt.subplots(figsize=_SIZE, layout="constrained")
        try:
            _draw(axes, [row for row in rows if row["auc_alone"] is not None])
            axes.set_title(f"{plot_label(title, 40)}, {window_key}: what gives the conversion away", fontsize=11.5)
            with io.BytesIO() as png:
                figure.savefig(png, format="png", dpi=_DPI)
                return png.getvalue()
        finally:
            plt.close(figure)


def _draw(axes: plt.Axes, rows: Sequence[Row]) -> None:
    for number, row in enumerate(sorted(rows, key=lambda r: r["conversion_rate_present"] or 0.0)):
        suspected = row["is_suspected"]
        x, y = row["auc_alone"], row["conversion_rate_present"]
        below, above = max(y - row["rate_low"], 0.0), max(row["rate_high"] - y, 0.0)
        left, right = max(x - row["auc_low"], 0.0), max(row["auc_high"] - x, 0.0)
        axes.errorbar(
            x, y, [[below], [above]], [[left], [right]],
            fmt="o" if row["is_funnel"] else "s", color=ALARM if suspected else UNCERTAIN, elinewidth=0.9, markersize=5,
        )  # fmt: skip
        if suspected:
            axes.annotate(
                plot_label(row["event_type"]), (x, y), xytext=(-7, 6 if number % 2 else -12),
                textcoords="offset points", ha="right", color=ALARM,
            )  # fmt: skip
    axes.axvline(0.5, color=INK, linewidth=0.8, linestyle=":")
    axes.set(xlim=(0, 1.02), ylim=(-0.02, 1.05), xlabel="AUC of its number of occurrences alone")
    axes.set_ylabel("share that converts where it occurs")
    axes.text(0.01, 0.97, "red: suspected;  circle: on the funnel list", transform=axes.transAxes, va="top", fontsize=9)
    quiet(axes, grid="y")
