"""The picture of a trust report: deletion curves, event types with their spread over retrainings, and the tests' verdicts."""

import io
from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from attribution_dagster.reports.caveats import EFFECT_UNIT, LEAKAGE_SENTENCE, MODEL_NOT_CAUSE
from attribution_dagster.reports.labels import plot_label
from attribution_dagster.reports.palette import ALARM, BRAKE, DRIVER, INK, UNCERTAIN
from attribution_dagster.reports.style import quiet, report_style

SHOWN_TYPES = 16
_LINES = ("-.", ":", (0, (8, 2)), (0, (3, 1, 1, 1, 1, 1)))
"""A line style for each method beside the published one."""
_Floats = npt.NDArray[np.float64]
Rows = Sequence[Mapping[str, Any]]
_VERDICTS = {True: ("passed", DRIVER), False: ("failed", ALARM), None: ("too little to tell", UNCERTAIN)}


def trust_png(
    title: str,
    *,
    tests: Rows,
    effects: Rows,
    shares: Sequence[float],
    curves: Mapping[str, tuple[_Floats, _Floats]],
    at_random: _Floats | None,
    leaks: bool,
) -> bytes:
    """The picture as the bytes of a PNG file, 1600 x 680 pixels.

    tests, effects: rows of the tables attribution_trust and attribution_spread. curves: method -> mean logit at each share
    deleted, most and least relevant first; the first method is the published one.
    """
    with report_style():
        figure = Figure(figsize=(16.0, 6.8), dpi=100, facecolor="white")
        FigureCanvasAgg(figure)
        figure.set_layout_engine("constrained", rect=(0.008, 0.075, 0.984, 0.845))
        left, middle, right = figure.subplots(1, 3, width_ratios=(1.0, 0.9, 1.75))
        _curves(left, shares, curves, at_random)
        _effects(middle, [row for row in effects if row["granularity"] == "event_type"])
        _tests(right, tests)
        heading = plot_label(f"Can it be trusted? {title}", 110)
        figure.text(0.012, 0.975, heading, fontsize=16, weight="bold", va="top")
        if leaks:
            figure.text(0.988, 0.972, plot_label(LEAKAGE_SENTENCE, 80), fontsize=10, color=ALARM, ha="right", va="top")
        figure.text(0.012, 0.012, f"Effect: {EFFECT_UNIT}.\n{MODEL_NOT_CAUSE}", fontsize=9, color="#444444")
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _curves(
    axes: Axes, shares: Sequence[float], curves: Mapping[str, tuple[_Floats, _Floats]], at_random: _Floats | None
) -> None:
    axes.set_title("The logit as events are deleted")
    percent = [100 * share for share in shares]
    (_, (most, least)), *others = curves.items()
    axes.plot(percent, least, color=DRIVER, marker="s", linewidth=2.4, markersize=4, label="lowest attribution first")
    axes.plot(percent, most, color=BRAKE, marker="o", linewidth=2.4, markersize=4, label="highest attribution first")
    for (method, (most, least)), line in zip(others, cycle(_LINES), strict=False):
        axes.plot(percent, least, color=DRIVER, linewidth=1.1, linestyle=line)
        axes.plot(percent, most, color=BRAKE, linewidth=1.1, linestyle=line)
        axes.plot([], [], color=UNCERTAIN, linewidth=1.1, linestyle=line, label=f"both, by {plot_label(method, 36)}")
    if at_random is not None:
        axes.plot(percent, at_random, color=INK, linestyle="--", linewidth=1.2, label="random order")
    axes.set_xlabel("% of a session's events deleted")
    axes.set_ylabel("mean logit")
    quiet(axes, grid="y")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=1, frameon=False, fontsize=8.5)


def _effects(axes: Axes, rows: Rows) -> None:
    axes.set_title("Effects and retraining")
    largest = sorted(rows, key=lambda row: -abs(row["mean_centred_effect"]))[:SHOWN_TYPES]
    chosen = sorted(largest, key=lambda row: row["mean_centred_effect"])
    for place, row in enumerate(chosen):
        effect, low, high = row["mean_centred_effect"], row["retraining_low"], row["retraining_high"]
        colour = _colour(low, high)
        if low is not None:
            axes.plot([low, high], [place, place], color=colour, linewidth=2.0)
            axes.plot(row["halves_mean"], place, marker="|", color=INK, markersize=9)
        axes.plot(effect, place, marker="o", color=colour, markersize=6)
    axes.axvline(0.0, color=INK, linewidth=0.8)
    axes.set_yticks(range(len(chosen)), [plot_label(row["name"], 24) for row in chosen])
    axes.set_ylim(-0.7, max(len(chosen), 1) - 0.3)
    axes.set_xlabel("logits; bars: 95 % interval over models trained\non other users; tick: mean of models on halves")
    axes.xaxis.label.set_size(9)
    quiet(axes, grid="x")


def _colour(low: float | None, high: float | None) -> str:
    """Driver or brake by the side of zero on which the interval lies; grey when it includes zero or is unknown."""
    if low is None or high is None or low <= 0 <= high:
        return UNCERTAIN
    return DRIVER if low > 0 else BRAKE


def _tests(axes: Axes, rows: Rows) -> None:
    axes.set_title("Tests that have a bound")
    axes.set_axis_off()
    bounded = [row for row in rows if row["bound_low"] is not None or row["bound_high"] is not None]
    bounded = sorted(bounded, key=lambda row: not row["blocking"])
    step = 1.0 / (len(bounded) + 1)
    columns = (("test", 0.0), ("of", 0.32), ("value", 0.48), ("bound", 0.74), ("", 0.83))
    for text, x in columns:
        axes.text(x, 1.0, text, weight="bold", fontsize=10, va="top", transform=axes.transAxes)
    for number, row in enumerate(bounded, start=1):
        verdict, colour = _VERDICTS[row["passed"]]
        verdict = "warning" if row["passed"] is False and not row["blocking"] else verdict
        cells = (row["test"], row["granularity"], _value(row), _bound(row), verdict)
        for (_, x), text in zip(columns, cells, strict=True):
            shown = {"color": colour, "weight": "bold"} if x == columns[-1][1] else {"color": INK}
            axes.text(x, 1.0 - number * step, text, fontsize=9.5, va="top", transform=axes.transAxes, **shown)


def _value(row: Mapping[str, Any]) -> str:
    if row["value"] is None:
        return "–"
    return f"{row['value']:.2f}" + (
        "" if row["value_low"] is None else f" ({row['value_low']:.2f}, {row['value_high']:.2f})"
    )


def _bound(row: Mapping[str, Any]) -> str:
    return f"> {row['bound_low']:g}" if row["bound_low"] is not None else f"< {row['bound_high']:g}"
