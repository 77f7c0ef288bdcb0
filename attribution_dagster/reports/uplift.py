"""Pictures of an uplift score and of a policy: what targeting the best-scored share brings, and what it costs."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from attribution_dagster.core.uplift.curves import ranked
from attribution_dagster.core.uplift.metrics import average_effect, resampled_weights
from attribution_dagster.reports.caveats import SIMULATED
from attribution_dagster.reports.labels import plot_label
from attribution_dagster.reports.palette import BRAKE, DRIVER, INK, UNCERTAIN
from attribution_dagster.reports.style import quiet, report_style

LEARNER_COLOURS = (DRIVER, BRAKE, "#009E73", "#CC79A7", "#E69F00")
LEARNER_NAMES = {"t": "T-learner", "s": "S-learner", "x": "X-learner", "dr": "DR-learner"}
_SHARES = np.linspace(0, 1, 101)
Row = Mapping[str, Any]


def gain_curves(
    title: str,
    scores: Mapping[str, npt.NDArray[np.float64]],
    treated: npt.NDArray[np.int64],
    y: npt.NDArray[np.int64],
    *,
    simulated: bool,
    replicates: int = 100,
) -> bytes:
    """A PNG of the incremental outcomes per 1,000 units by targeted share, a line per learner, the band of random scores in grey."""
    with report_style():
        figure = Figure(figsize=(8.4, 5.2), layout="constrained")
        axes = figure.subplots()
        _title(figure, title, simulated)
        low, high = _random_band(treated, y, replicates)
        axes.fill_between(_SHARES, 1000 * low, 1000 * high, color=UNCERTAIN, alpha=0.25, linewidth=0)
        end = 1000 * average_effect(treated, y)
        axes.plot([0, 1], [0, end], color=UNCERTAIN, linestyle="--", label="random score (band: 95 % of them)")
        for colour, (name, score) in zip(LEARNER_COLOURS, scores.items(), strict=False):
            steps = ranked(score, treated, y).steps()
            axes.plot(
                _SHARES,
                1000 * np.interp(_SHARES, steps.share, steps.gain),
                color=colour,
                linewidth=1.8,
                label=LEARNER_NAMES.get(name, name),
            )
        axes.set_xlabel("share of the units that is targeted, highest uplift first")
        axes.set_ylabel("incremental outcomes per 1,000 units")
        axes.xaxis.set_major_formatter(PercentFormatter(1))
        axes.legend(frameon=False, loc="upper left")
        quiet(axes, grid="y")
        return _png(figure)


def policy_curves(title: str, rows: Sequence[Row], *, recommended: float, simulated: bool) -> bytes:
    """A PNG of profit, and of revenue and cost, by targeted share with 95 % intervals; a line at the recommended share."""
    share = [row["targeted_share"] for row in rows]
    with report_style():
        figure = Figure(figsize=(10.4, 4.8), layout="constrained")
        _title(figure, title, simulated)
        left, right = figure.subplots(1, 2)
        _band(left, share, rows, "profit_usd", DRIVER, "profit")
        left.axhline(0, color=INK, linewidth=0.9)
        _band(right, share, rows, "revenue_usd", "#009E73", "incremental revenue")
        _band(right, share, rows, "cost_usd", BRAKE, "cost")
        for axes in (left, right):
            axes.axvline(recommended, color=INK, linestyle=":", linewidth=1.2)
            axes.set_xlabel("share of the units that is targeted")
            axes.xaxis.set_major_formatter(PercentFormatter(1))
            axes.yaxis.set_major_formatter(FuncFormatter(_dollars))
            axes.set_xlim(0, 1)
            axes.legend(frameon=False, loc="best")
            quiet(axes, grid="y")
        left.set_title("Profit, 95 % interval")
        right.set_title("Revenue and cost")
        said = f"dotted: recommended, {recommended:.0%}" if recommended else "dotted at 0: nobody is targeted"
        left.annotate(said, (0.02, 0.02), xycoords="axes fraction", color=UNCERTAIN)
        return _png(figure)


def _random_band(
    treated: npt.NDArray[np.int64], y: npt.NDArray[np.int64], replicates: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Where 95 % of the curves of random scores run, on resampled units."""
    generator = np.random.default_rng(0)
    curves = []
    for _ in range(replicates):
        steps = ranked(generator.random(len(y)), treated, y).steps(resampled_weights(treated, generator))
        curves.append(np.interp(_SHARES, steps.share, steps.gain))
    low, high = np.percentile(curves, [2.5, 97.5], axis=0)
    return low, high


def _band(axes: Axes, share: Sequence[float], rows: Sequence[Row], name: str, colour: str, label: str) -> None:
    axes.plot(share, [row[name] for row in rows], color=colour, linewidth=1.8, label=label)
    low, high = ([row[f"{name}_{end}"] for row in rows] for end in ("low", "high"))
    axes.fill_between(share, low, high, color=colour, alpha=0.18, linewidth=0)


def _title(figure: Figure, title: str, simulated: bool) -> None:
    warning = f"{SIMULATED}: " if simulated else ""
    figure.suptitle(f"{warning}{plot_label(title, 110)}", x=0.01, ha="left", fontsize=13, weight="bold")


def _dollars(value: float, _: int | None = None) -> str:
    sign = "−" if value < 0 else ""
    size = abs(value)
    return f"{sign}${size / 1000:,.0f}k" if size >= 100_000 else f"{sign}${size:,.0f}"


def _png(figure: Figure) -> bytes:
    target = io.BytesIO()
    figure.savefig(target, format="png", dpi=110, metadata={"Software": None})
    return target.getvalue()
