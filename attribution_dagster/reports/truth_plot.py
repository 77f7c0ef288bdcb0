"""The picture of the truth benchmark: methods and baselines by worlds, for event types and for single occurrences."""

import io
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from attribution_dagster.core.benchmark.aims import figure_by_world
from attribution_dagster.core.benchmark.worlds import WorldResult
from attribution_dagster.reports.caveats import SIMULATED
from attribution_dagster.reports.palette import FAINT, INK
from attribution_dagster.reports.style import BRAKE_TO_DRIVER, report_style

LIGHT_TEXT_FROM = 0.75  # where the cell is too dark for dark figures


def draw_truth(results: Sequence[WorldResult]) -> bytes:
    """A PNG of two maps: rank correlation over event types, correlation of occurrences within a type."""
    maps = {
        "Which event types matter: rank correlation with the truth": figure_by_world(
            results, lambda found: found.rank_correlation
        ),
        "Which occurrence of a type mattered: correlation": figure_by_world(results, lambda found: found.within_type),
    }
    with report_style():
        names = list(next(iter(maps.values())))
        worlds = list(dict.fromkeys(result.world for result in results))
        figure = Figure(figsize=(5 + 1.5 * len(worlds), 2 + 0.36 * len(names)), layout="constrained")
        figure.suptitle(f"Planted truth recovered ({SIMULATED.lower()})", x=0.01, ha="left", fontsize=16, weight="bold")
        axes = figure.subplots(1, 2, sharey=True)
        for one, (title, values) in zip(axes, maps.items(), strict=True):
            _draw_map(one, values, worlds, title)
        for one in axes:
            one.axhline(len(results[0].methods) - 0.5, color=INK, linewidth=1.5)
        target = io.BytesIO()
        figure.savefig(target, format="png", dpi=100, metadata={"Software": None})
        return target.getvalue()


def _draw_map(axes: Axes, values: Mapping[str, Mapping[str, float | None]], worlds: Sequence[str], title: str) -> None:
    cells = np.array([[np.nan if by[w] is None else by[w] for w in worlds] for by in values.values()], dtype=float)
    axes.imshow(np.ma.masked_invalid(cells), cmap=BRAKE_TO_DRIVER, vmin=-1, vmax=1, aspect="auto")
    axes.set_facecolor(FAINT)
    axes.set_title(title)
    axes.set_xticks(range(len(worlds)), [world.replace("_", " ") for world in worlds], rotation=30, ha="right")
    axes.set_yticks(range(len(values)), [name.replace("_", " ") for name in values])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for (row, column), value in np.ndenumerate(cells):
        text = "" if np.isnan(value) else f"{value:.2f}".replace("-", "−")
        colour = "white" if abs(value) > LIGHT_TEXT_FROM else INK
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=9)
