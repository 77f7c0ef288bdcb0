"""How pictures look: one type face, a palette that colour-blind readers can tell apart, and quiet axes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from attribution_dagster.reports.labels import is_signal, plot_fonts
from attribution_dagster.reports.palette import BRAKE, DRIVER, FAINT, INK, UNCERTAIN

BRAKE_TO_DRIVER = LinearSegmentedColormap.from_list("brake_to_driver", [BRAKE, "#F7F7F7", DRIVER])


@contextmanager
def report_style() -> Iterator[None]:
    """Settings for one picture. Dollar signs are characters, not mathtext: names come from outside."""
    settings: dict[Any, Any] = {
        "font.family": list(plot_fonts()),
        "font.size": 10.5,
        "text.parse_math": False,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": "#777777",
        "axes.titlesize": 13,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlepad": 10,
        "axes.unicode_minus": True,
        "xtick.color": INK,
        "ytick.color": INK,
        "hatch.linewidth": 0.6,
    }
    with matplotlib.rc_context(settings):
        yield


def quiet(axes: Axes, *, grid: str) -> None:
    """Only the axis that is read keeps its line; a faint grid along `grid` ("x" or "y")."""
    axes.spines[["top", "right", "left" if grid == "x" else "bottom"]].set_visible(False)
    axes.tick_params(axis="both", length=0)
    axes.grid(axis="x" if grid == "x" else "y", color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)


def effect_colour(row: Mapping[str, Any]) -> str:
    """Driver or brake by the side of zero on which the effect lies; grey where the row's signal is neutral."""
    if not is_signal(row):
        return UNCERTAIN
    return DRIVER if row["mean_centred_effect"] > 0 else BRAKE
