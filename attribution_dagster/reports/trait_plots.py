"""Pictures of traits: tokens on a plane, how many traits there are, and the traits on one page."""

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from attribution_dagster.reports.caveats import SIMULATED
from attribution_dagster.reports.labels import plot_label
from attribution_dagster.reports.palette import BRAKE, DRIVER, INK, UNCERTAIN
from attribution_dagster.reports.style import quiet, report_style

if TYPE_CHECKING:
    from attribution_dagster.core.traits.vectors import ItemVectors

Row = Mapping[str, Any]
_PALETTE = (DRIVER, BRAKE, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", INK)
_LABELLED = 12
_PAGE_TRAITS, _PAGE_ITEMS = 8, 4


def map_png(vectors: "ItemVectors", places: npt.NDArray[np.float64], title: str = "Tokens by item2vec") -> bytes:
    """A PNG of the most frequent tokens on a plane, coloured by category where there are few, the most frequent named."""
    shown = vectors.categories[: len(places)]
    names = [c for c in dict.fromkeys(shown) if c is not None][: len(_PALETTE)]
    with report_style():
        figure = Figure(figsize=(8.4, 6.4), layout="constrained")
        axes = figure.subplots()
        figure.suptitle(plot_label(title, 90), x=0.01, ha="left", fontsize=13, weight="bold")
        size = 6 + 40 * np.sqrt(vectors.counts[: len(places)] / vectors.counts.max())
        for colour, name in [(UNCERTAIN, None), *zip(_PALETTE, names, strict=False)]:
            chosen = np.array([c == name if name is not None else c not in names for c in shown])
            label = plot_label(name) if name is not None else "other"
            if chosen.any():
                axes.scatter(*places[chosen].T, s=size[chosen], color=colour, alpha=0.6, linewidth=0, label=label)
        for row in range(min(_LABELLED, len(places))):
            text = plot_label(f"{vectors.actions[row]} {vectors.items[row]}", 28)
            axes.annotate(text, places[row], fontsize=7.5, xytext=(3, 3), textcoords="offset points")
        axes.set_xlabel("first direction in which they differ most")
        axes.set_ylabel("second")
        axes.legend(frameon=False, fontsize=8, loc="best")
        return _png(figure)


def numbers_png(title: str, rows: Sequence[Row], *, simulated: bool) -> bytes:
    """A PNG of held-out reconstruction by the number of traits, a panel per option, with a standard error and the number chosen."""
    rebuilt = [row for row in rows if row["metric"] == "reconstruction"]
    options = list(dict.fromkeys(row["option"] for row in rebuilt))
    with report_style():
        figure = Figure(figsize=(9.0, 4.2), layout="constrained")
        _title(figure, f"How many traits: {title}", simulated)
        for axes, option in zip(figure.subplots(1, len(options), squeeze=False)[0], options, strict=True):
            own = sorted((row for row in rebuilt if row["option"] == option), key=lambda row: row["traits"])
            x, y = [row["traits"] for row in own], [row["value"] for row in own]
            error = [row["standard_error"] or 0.0 for row in own]
            axes.errorbar(x, y, yerr=error, color=DRIVER, marker="o", capsize=3)
            for row in own:
                if row["is_chosen_number"]:
                    said = "the default" if row["is_default"] else "chosen"
                    axes.annotate(
                        f"{row['traits']}, {said}",
                        (row["traits"], row["value"]),
                        xytext=(6, 8),
                        textcoords="offset points",
                    )
            axes.set_title(f"from {option}")
            axes.set_xlabel("number of traits")
            axes.set_ylabel("held-out share explained")
            axes.set_xticks(x)
            quiet(axes, grid="y")
        return _png(figure)


def traits_png(title: str, profiles: Sequence[Row], items: Sequence[Row], *, simulated: bool) -> bytes:
    """A PNG of one page: the largest traits with size, conversion lift and its interval, and what stands out in each."""
    shown = sorted(profiles, key=lambda row: -row["size_share"])[:_PAGE_TRAITS]
    with report_style():
        figure = Figure(figsize=(12.0, 1.6 + 0.95 * len(shown)), layout="constrained")
        more = f", the largest {len(shown)} of {len(profiles)}" if len(profiles) > len(shown) else ""
        _title(figure, f"Customer traits: {title}{more}", simulated)
        sizes, lifts, words = figure.subplots(1, 3, sharey=True, width_ratios=(2.2, 2.2, 4))
        y = np.arange(len(shown))[::-1]
        sizes.barh(y, [row["size_share"] for row in shown], color=DRIVER, height=0.55)
        sizes.set_yticks(y, [plot_label(row["suggested_name"], 24) for row in shown])
        sizes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        sizes.set_title("share of customers")
        _intervals(lifts, y, shown)
        words.axis("off")
        words.set_title("stands out, times everyone")
        for place, row in zip(y, shown, strict=True):
            words.annotate(_said(row, items), (0, place), va="center", fontsize=8.5)
        words.set_ylim(-0.7, len(shown) - 0.3)
        quiet(sizes, grid="x")
        quiet(lifts, grid="x")
        return _png(figure)


def _intervals(axes: Axes, y: npt.NDArray[np.int64], rows: Sequence[Row]) -> None:
    axes.axvline(0, color=INK, linewidth=0.9)
    axes.set_title("conversion lift, 95 %")
    axes.set_xlabel("percentage points")
    for place, row in zip(y, rows, strict=True):
        lift, low, high = (row[f"conversion_lift{end}"] for end in ("", "_low", "_high"))
        if lift is None or low is None or high is None:
            continue
        colour = DRIVER if low > 0 else BRAKE if high < 0 else UNCERTAIN
        axes.plot([100 * low, 100 * high], [place, place], color=colour, linewidth=2)
        axes.plot([100 * lift], [place], "o", color=colour)


def _said(row: Row, items: Sequence[Row]) -> str:
    own = [item for item in items if item["trait"] == row["trait"]]
    lines = []
    for kind in ("category", "product"):
        best = sorted((item for item in own if item["kind"] == kind), key=lambda item: item["item_rank"])[:_PAGE_ITEMS]
        lines.append(
            ", ".join(f"{plot_label(each['item_id'], 20)} {each['over_representation']:.1f}×" for each in best)
        )
    return "\n".join(line for line in lines if line) or "nothing"


def _title(figure: Figure, title: str, simulated: bool) -> None:
    warning = f"{SIMULATED}: " if simulated else ""
    figure.suptitle(f"{warning}{plot_label(title, 110)}", x=0.01, ha="left", fontsize=13, weight="bold")


def _png(figure: Figure) -> bytes:
    target = io.BytesIO()
    figure.savefig(target, format="png", dpi=110, metadata={"Software": None})
    return target.getvalue()
