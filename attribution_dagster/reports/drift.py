"""The picture of a variant over time: effects of the event types that matter most, and how well the models predict."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from attribution_dagster.reports.caveats import EFFECT_UNIT, LEAKAGE_SENTENCE, MODEL_NOT_CAUSE
from attribution_dagster.reports.labels import plot_label
from attribution_dagster.reports.palette import ALARM, INK, UNCERTAIN
from attribution_dagster.reports.style import quiet, report_style

SHOWN_TYPES = 8
# Okabe and Ito's palette, black and yellow left out: lines are also told apart by their markers and end labels.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#444444", "#8C564B")
_MARKERS = "osD^vPX*"
Rows = Sequence[Mapping[str, Any]]


def drift_png(title: str, effects: Rows, metrics: Rows, *, leaks: bool) -> bytes:
    """The picture as the bytes of a PNG file, 1400 x 620 pixels.

    effects: rows of `window_key`, `event_type`, `mean_centred_effect`, `effect_low`, `effect_high`. metrics: rows of
    `window_key`, `auc`, `auc_low`, `auc_high`. NULLs leave a gap; a single window is drawn as points.
    """
    with report_style():
        figure = Figure(figsize=(14.0, 6.2), dpi=100, facecolor="white")
        FigureCanvasAgg(figure)
        figure.set_layout_engine("constrained", rect=(0.008, 0.075, 0.984, 0.845))
        left, right = figure.subplots(1, 2, width_ratios=(2, 1))
        windows = sorted({row["window_key"] for row in (*effects, *metrics)})
        _effects(left, effects, windows)
        _auc(right, metrics, windows)
        figure.text(
            0.012, 0.975, plot_label(f"Attribution over time: {title}", 110), fontsize=16, weight="bold", va="top"
        )
        if leaks:
            figure.text(0.988, 0.972, plot_label(LEAKAGE_SENTENCE, 80), fontsize=10, color=ALARM, ha="right", va="top")
        figure.text(0.012, 0.012, f"Effect: {EFFECT_UNIT}. Bars: 95 %.\n{MODEL_NOT_CAUSE}", fontsize=9, color="#444444")
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _effects(axes: Axes, rows: Rows, windows: Sequence[str]) -> None:
    axes.set_title("Effect of the event types that matter most in the latest window")
    known = [row for row in rows if row["mean_centred_effect"] is not None]
    latest = [row for row in known if row["window_key"] == windows[-1]] if windows else []
    largest = sorted(latest, key=lambda row: -abs(row["mean_centred_effect"]))[:SHOWN_TYPES]
    chosen = [row["event_type"] for row in sorted(largest, key=lambda row: -row["mean_centred_effect"])]
    for number, name in enumerate(chosen):
        mine = sorted((row for row in known if row["event_type"] == name), key=lambda row: row["window_key"])
        _line(axes, mine, windows, "mean_centred_effect", "effect", _COLOURS[number], _MARKERS[number])
        axes.plot([], [], color=_COLOURS[number], marker=_MARKERS[number], label=plot_label(name, 26))
    axes.axhline(0.0, color=INK, linewidth=0.8)
    axes.set_ylabel("logits, against an average event")
    _windows(axes, windows)
    if chosen:
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=9.5)


def _auc(axes: Axes, rows: Rows, windows: Sequence[str]) -> None:
    axes.set_title("AUC on the window")
    _line(axes, [row for row in rows if row["auc"] is not None], windows, "auc", "auc", _COLOURS[0], "o")
    axes.axhline(0.5, color=UNCERTAIN, linewidth=0.8, linestyle="--")
    axes.set_ylabel("AUC; .5 is chance")
    _windows(axes, windows)


def _line(axes: Axes, rows: Rows, windows: Sequence[str], value: str, bound: str, colour: str, marker: str) -> None:
    place = {key: number for number, key in enumerate(windows)}
    at, values = [place[row["window_key"]] for row in rows], [row[value] for row in rows]
    axes.plot(at, values, color=colour, marker=marker, linewidth=1.6, markersize=5)
    for x, row in zip(at, rows, strict=True):
        low, high = row[f"{bound}_low"], row[f"{bound}_high"]
        if low is not None and high is not None:
            axes.plot([x, x], [low, high], color=colour, linewidth=1.0, alpha=0.7)


def _windows(axes: Axes, windows: Sequence[str]) -> None:
    quiet(axes, grid="y")
    step = max(1, -(-len(windows) // 8))
    shown = list(range(len(windows)))[::-1][::step][::-1]
    axes.set_xticks(shown, [windows[number] for number in shown], rotation=30, ha="right")
    axes.set_xlim(-0.5, max(len(windows) - 0.5, 0.5))
