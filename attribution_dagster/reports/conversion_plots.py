"""Pictures of models of conversion: curves, calibration and deciles; SHAP values of all sessions, and of one."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from attribution_dagster.reports.palette import BRAKE, DRIVER, INK, UNCERTAIN
from attribution_dagster.reports.style import BRAKE_TO_DRIVER, quiet, report_style
from attribution_dagster.reports.training_plots import png, reliability

SHOWN = 15
"""Features in a picture, those with the largest effects."""
COLOURS = (DRIVER, BRAKE, "#009E73", UNCERTAIN)
_Floats = npt.NDArray[np.float64]


def evaluation_plot(probabilities: Mapping[str, _Floats], labels: npt.ArrayLike, title: str) -> bytes:
    """A PNG of four panels: ROC, precision and recall, calibration, conversion by decile; a line per model."""
    from matplotlib.figure import Figure

    truth = np.asarray(labels, dtype=np.float64)
    with report_style():
        figure = Figure(figsize=(10, 8.6), layout="constrained")
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
        (roc, recall), (calibration, deciles) = figure.subplots(2, 2)
        for colour, (name, values) in zip(COLOURS, probabilities.items(), strict=False):
            found, passed = _cumulative(values, truth)
            style = {"color": colour, "label": name, "linewidth": 1.6}
            roc.plot(passed / max(passed[-1], 1), found / max(found[-1], 1), **style)
            recall.plot(found / max(found[-1], 1), found / (found + passed), **style)
            predicted, observed = reliability(values, truth)
            calibration.plot(predicted, observed, marker="o", markersize=4, **style)
            deciles.plot(range(1, len(observed) + 1), observed[::-1], marker="o", markersize=4, **style)
        top = 1.05 * max(calibration.get_xlim()[1], calibration.get_ylim()[1])
        roc.plot([0, 1], [0, 1], color=UNCERTAIN, linestyle=":")
        recall.axhline(truth.mean(), color=UNCERTAIN, linestyle=":")
        recall.annotate(f"prevalence {truth.mean():.3f}", (1, truth.mean()), va="bottom", ha="right", fontsize=9)
        deciles.axhline(truth.mean(), color=UNCERTAIN, linestyle=":")
        calibration.plot([0, top], [0, top], color=UNCERTAIN, linestyle=":")
        roc.set(title="ROC", xlabel="share of the others", ylabel="share of the converted", ylim=(0, 1.01))
        recall.set(title="Precision and recall", xlabel="recall", ylabel="precision", ylim=(0, 1.01))
        calibration.set(title="Calibration, tenths of the sessions", xlabel="predicted", ylabel="observed")
        deciles.set(title="Conversion by decile, 1 the highest", xlabel="decile", ylabel="observed rate")
        deciles.set_xticks(range(1, 11))
        for axes in (roc, recall, calibration, deciles):
            quiet(axes, grid="y")
        roc.legend(frameon=False, loc="lower right")
        return png(figure)


def shap_plot(names: Sequence[str], features: _Floats, effects: _Floats, title: str) -> bytes:
    """A PNG: the features that move predictions most, a dot per session at its effect, coloured by the rank of its value.

    features, effects: (N, K); missing values are grey.
    """
    from matplotlib.figure import Figure
    from scipy.stats import rankdata

    order = np.argsort(-np.abs(effects).mean(axis=0), kind="stable")[:SHOWN]
    with report_style():
        figure = Figure(figsize=(9, 0.42 * len(order) + 1.6), layout="constrained")
        axes = figure.add_subplot()
        axes.axvline(0, color=UNCERTAIN, linewidth=0.8)
        for row, column in enumerate(order[::-1].tolist()):
            value, effect = features[:, column], effects[:, column]
            known = ~np.isnan(value)
            height = row + _spread(effect)
            axes.scatter(effect[~known], height[~known], s=5, color="#B5B5B5", linewidths=0)
            shade = rankdata(value[known]) / max(known.sum(), 1)
            axes.scatter(effect[known], height[known], s=5, c=shade, cmap=BRAKE_TO_DRIVER, vmin=0, vmax=1, linewidths=0)
        axes.set_yticks(range(len(order)), [names[column] for column in order[::-1]])
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
        axes.set(xlabel="effect on the log-odds; blue: high value, orange: low, grey: missing")
        quiet(axes, grid="x")
        return png(figure)


def waterfall_plot(reasons: Sequence[tuple[str, float]], base: float, title: str) -> bytes:
    """A PNG: from the model's base to one session's log-odds, the parts with the largest effects first, the rest as one."""
    from matplotlib.figure import Figure

    shown = [*reasons[:SHOWN], *([("all others", sum(e for _, e in reasons[SHOWN:]))] if len(reasons) > SHOWN else [])]
    ends = base + np.cumsum([0.0, *(effect for _, effect in shown)])
    with report_style():
        figure = Figure(figsize=(9, 0.4 * len(shown) + 1.6), layout="constrained")
        axes = figure.add_subplot()
        for row, ((_, effect), start) in enumerate(zip(shown, ends, strict=False)):
            axes.barh(-row, effect, left=start, color=DRIVER if effect > 0 else BRAKE, height=0.7)
            axes.annotate(
                f"{effect:+.2f}", (max(start, start + effect), -row), (4, 0), textcoords="offset points", va="center"
            )
        axes.axvline(base, color=UNCERTAIN, linestyle=":", linewidth=0.9)
        axes.axvline(ends[-1], color=INK, linewidth=0.9)
        axes.set_yticks([-row for row in range(len(shown))], [name for name, _ in shown])
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
        axes.set(xlabel=f"log-odds: base {base:.2f}, this session {ends[-1]:.2f}")
        axes.margins(x=0.12)
        quiet(axes, grid="x")
        return png(figure)


def _cumulative(values: _Floats, truth: _Floats) -> tuple[_Floats, _Floats]:
    """Converted and other sessions at or above each probability, falling; equal ones together."""
    order = np.argsort(-values, kind="stable")
    last = np.append(np.diff(values[order]) != 0, True)
    return np.cumsum(truth[order])[last], np.cumsum(1 - truth[order])[last]


def _spread(effect: _Floats) -> _Floats:
    """Heights that part dots of nearly the same effect, within 0.4 of their row."""
    bins = np.digitize(effect, np.linspace(effect.min(), effect.max() + 1e-12, 60))
    order = np.lexsort((np.arange(len(effect)), bins))
    place = np.empty(len(effect))
    counts = np.bincount(bins)
    starts = np.cumsum(counts) - counts
    place[order] = np.arange(len(effect)) - starts[bins[order]]
    side = np.where(place % 2 == 0, 1, -1) * np.ceil(place / 2)
    return 0.8 * side / max(counts.max(), 2)
