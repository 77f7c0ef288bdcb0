"""One function per panel: each draws rows of a published table on the axes it is given."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from attribution_dagster.reports.labels import is_signal, plot_label, signed
from attribution_dagster.reports.palette import ALARM, BRAKE, DRIVER, FAINT, INK, UNCERTAIN
from attribution_dagster.reports.style import BRAKE_TO_DRIVER, effect_colour, quiet

Row = Mapping[str, Any]
BINS = ("1-5", "6-10", "11-20", "21-50", "50+")
MAX_ROWS = 14
FUNNEL_MARK = "◆ "
KEY_ROOM = 32
HOLLOW: dict[str, Any] = {
    "marker": "o",
    "linestyle": "",
    "markersize": 8,
    "markerfacecolor": "none",
    "markeredgecolor": INK,
}


def top_rows(events: pa.Table, limit: int = MAX_ROWS, *, is_ranked: bool = True) -> list[Row]:
    """The types with the largest effects, the highest first; those with minimum support only, if any has it. Unranked, the first by name."""
    rows = [row for row in events.to_pylist() if row["mean_centred_effect"] is not None]
    supported = [row for row in rows if row["has_minimum_support"]] or rows
    if not is_ranked:
        return sorted(supported, key=lambda row: str(row["event_type"]))[:limit]
    largest = sorted(supported, key=lambda row: (-abs(row["mean_centred_effect"]), str(row["event_type"])))[:limit]
    return sorted(largest, key=lambda row: (-row["mean_centred_effect"], str(row["event_type"])))


def draw_event_types(axes: Axes, rows: Sequence[Row], all_types: int, *, is_retrained: bool, is_ranked: bool) -> None:
    """Effect and 95 % interval of each type, over other trainings or for this model; blue is above an average event, grey small or maybe chance."""
    shown = f"{len(rows)} largest" if is_ranked else f"first {len(rows)}"
    chosen = f": the {shown} of {all_types}" if len(rows) < all_types else ""
    axes.set_title(f"Effect of event types{chosen}", pad=KEY_ROOM)
    if not rows:
        return _say_nothing(axes)
    for y, row in enumerate(rows):
        _draw_interval(axes, row, y)
    _name_rows(axes, rows)
    axes.axvline(0, color=INK, linewidth=1)
    axes.set_xlim(*_room(rows, share=0.2))
    axes.set_xlabel(f"mean centred effect (logits), {_interval_of(is_retrained)}")
    quiet(axes, grid="x")
    handles = [
        _dot(DRIVER, "above an average event"),
        _dot(BRAKE, "below"),
        _dot(UNCERTAIN, "neutral: small, or q ≥ .05"),
    ]
    if any(row["is_funnel"] for row in rows):
        handles.append(Line2D([], [], marker="D", linestyle="", color=ALARM, markersize=5, label="funnel event"))
    _key(axes, handles)


def draw_both_sides(axes: Axes, rows: Sequence[Row]) -> None:
    """Relative attribution of the same types in converted and in other sessions, joined by a line."""
    axes.set_title("Weight in converted and in other sessions", pad=KEY_ROOM)
    sides = ("relative_not_converted", "relative_converted")
    known = [row[side] for row in rows for side in sides if row[side] is not None]
    if not known:
        return _say_nothing(axes)
    for y, row in enumerate(rows):
        other, converted = (row[side] for side in sides)
        if other is not None and converted is not None:
            axes.plot([other, converted], [y, y], color="#9A9A9A", linewidth=2, zorder=2)
        if other is not None:
            axes.plot(other, y, **HOLLOW, zorder=4)
        if converted is not None:
            axes.plot(converted, y, "o", markersize=7, color=INK, zorder=3)
    _name_rows(axes, rows)
    axes.axvline(1, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.set_xlim(0, max(1.15, max(known) * 1.08))
    axes.set_xlabel("mean relative attribution (1 = an average event of its session)")
    quiet(axes, grid="x")
    _key(axes, [_dot(INK, "converted"), Line2D([], [], **HOLLOW, label="not converted")])


def draw_positions(axes: Axes, rows: Sequence[Row], *, is_retrained: bool) -> None:
    """Effect and 95 % interval of each position bin, over other trainings or for this model; bins without occurrences stay empty."""
    axes.set_title("Effect by position in the session")
    known = {row["position_bin"]: row for row in rows if row["mean_centred_effect"] is not None}
    if not known:
        return _say_nothing(axes)
    for x, name in enumerate(BINS):
        if name in known:
            _draw_interval(axes, known[name], x, upright=True)
    axes.axhline(0, color=INK, linewidth=1)
    axes.set_xlim(-0.6, len(BINS) - 0.4)
    axes.set_ylim(*_room(list(known.values()), share=0.2))
    counts = [f"n = {known[name]['occurrences']:,}" if name in known else "no events" for name in BINS]
    axes.set_xticks(range(len(BINS)), [f"{name}\n{count}" for name, count in zip(BINS, counts, strict=True)])
    axes.set_xlabel("position of the event in its session (1 = first, 50+ = 51st on); n = events")
    axes.set_ylabel(f"mean centred effect (logits),\n{_interval_of(is_retrained)}")
    quiet(axes, grid="y")


def draw_heatmap(axes: Axes, rows: Sequence[Row], cells: Sequence[Row]) -> None:
    """Mean effect of each type in each position bin under this model: no cell is tested. A hatched one has no occurrences, or too few users."""
    axes.set_title("Effect of event types by position")
    known = {(c["event_type"], c["position_bin"]): c for c in cells if c["has_minimum_support"]}
    found = [[known.get((row["event_type"], name), {}) for name in BINS] for row in rows]
    grid = np.array([[cell.get("mean_centred_effect") for cell in line] for line in found], dtype=float)
    if not np.isfinite(grid).any():
        return _say_nothing(axes)
    reach = max(float(np.nanmax(np.abs(grid))), 1e-9)
    image = axes.imshow(grid, cmap=BRAKE_TO_DRIVER, vmin=-reach, vmax=reach, aspect="auto")
    for (y, x), value in np.ndenumerate(grid):
        if np.isfinite(value):
            colour = "white" if abs(value) > 0.62 * reach else INK
            axes.text(x, y, signed(value), ha="center", va="center", fontsize=10, color=colour)
        else:
            axes.add_patch(
                Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor="white", edgecolor=FAINT, hatch="////", linewidth=0)
            )
    _name_rows(axes, rows)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xticks(range(len(BINS)), BINS)
    axes.set_xlabel("position of the event in its session; of this one model, not tested; hatched: too few users")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    bar = axes.figure.colorbar(image, ax=axes, pad=0.015, aspect=30)
    bar.set_label("mean centred effect (logits)")
    bar.outline.set_visible(False)


def _interval_of(is_retrained: bool) -> str:
    return f"95 % interval {'over models trained on other users' if is_retrained else 'for this model'}"


def _draw_interval(axes: Axes, row: Row, at: int, *, upright: bool = False) -> None:
    """Whisker, dot and number of one effect, on row `at` or, upright, in column `at`."""
    effect, low, high = row["mean_centred_effect"], row["effect_low"], row["effect_high"]
    colour = effect_colour(row)
    ends = [effect if low is None else low, effect if high is None else high]
    line = ([at, at], ends) if upright else (ends, [at, at])
    axes.plot(*line, color=colour, linewidth=2.6, solid_capstyle="butt", zorder=2)
    axes.plot(*((at, effect) if upright else (effect, at)), "o", color=colour, markersize=6.5, zorder=3)
    up = effect >= 0
    edge = max(ends) if up else min(ends)
    style: dict[str, Any] = {"textcoords": "offset points", "color": colour, "weight": "bold"}
    if upright:
        axes.annotate(
            signed(effect), (at, edge), (0, 9 if up else -9), ha="center", va="bottom" if up else "top", **style
        )
    else:
        axes.annotate(
            signed(effect), (edge, at), (7 if up else -7, 0), ha="left" if up else "right", va="center", **style
        )


def _name_rows(axes: Axes, rows: Sequence[Row]) -> None:
    marks = [FUNNEL_MARK if row["is_funnel"] else "" for row in rows]
    axes.set_yticks(
        range(len(rows)), [mark + plot_label(row["event_type"]) for mark, row in zip(marks, rows, strict=True)]
    )
    for label, mark, row in zip(axes.get_yticklabels(), marks, rows, strict=True):
        if mark:
            label.set(color=ALARM, weight="bold")
        elif not is_signal(row):
            label.set(color=UNCERTAIN)
    axes.set_ylim(len(rows) - 0.4, -0.6)


def _room(rows: Sequence[Row], *, share: float) -> tuple[float, float]:
    """Limits that hold every interval, zero, and the numbers written beyond the intervals."""
    ends = [
        row[name]
        for row in rows
        for name in ("effect_low", "effect_high", "mean_centred_effect")
        if row[name] is not None
    ]
    low, high = min(0.0, *ends), max(0.0, *ends)
    pad = share * max(high - low, 1e-6)
    return low - (pad if low < 0 else pad / 4), high + (pad if high > 0 else pad / 4)


def _dot(colour: str, label: str) -> Line2D:
    return Line2D([], [], marker="o", linestyle="", color=colour, markersize=8, label=label)


def _key(axes: Axes, handles: list[Line2D]) -> None:
    """The legend between title and axes, where it can't cover a point."""
    style: dict[str, Any] = {
        "frameon": False,
        "fontsize": 10.5,
        "handletextpad": 0.2,
        "columnspacing": 1.2,
        "borderaxespad": 0.1,
    }
    axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(-0.012, 1.0), ncols=len(handles), **style)


def _say_nothing(axes: Axes) -> None:
    axes.set_axis_off()
    axes.text(
        0.5,
        0.5,
        "Nothing to show: no event has an effect with enough support.",
        ha="center",
        va="center",
        color=UNCERTAIN,
    )
