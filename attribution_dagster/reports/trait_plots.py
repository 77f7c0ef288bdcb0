"""Pictures of traits: tokens on a plane, how many traits there are, and the traits on one page."""

import io
from collections import Counter
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
_PALETTE = (DRIVER, BRAKE, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", INK, "#8C564B", "#BCBD22", "#6A3D9A")
_LABELLED = 16
_PAGE_TRAITS, _PAGE_ITEMS, _PAGE_CUSTOMERS = 8, 4, 3


def map_png(
    vectors: "ItemVectors", places: npt.NDArray[np.float64], title: str = "tokens by item2vec", *, simulated: bool
) -> bytes:
    """A PNG of the most frequent tokens on a plane, coloured by the categories that most of them have, the most frequent named."""
    shown = vectors.categories[: len(places)]
    frequent = Counter(c for c in shown if c is not None).most_common(len(_PALETTE))
    names = sorted(name for name, _ in frequent)
    with report_style():
        figure = Figure(figsize=(9.6, 6.4), layout="constrained")
        axes = figure.subplots()
        _title(figure, f"Map of items: {title}", simulated)
        size = 6 + 40 * np.sqrt(vectors.counts[: len(places)] / vectors.counts.max())
        for colour, name in [*zip(_PALETTE, names, strict=False), (UNCERTAIN, None)]:
            chosen = np.array([c == name if name is not None else c not in names for c in shown])
            label = plot_label(name) if name is not None else "other"
            if chosen.any():
                axes.scatter(*places[chosen].T, s=size[chosen], color=colour, alpha=0.6, linewidth=0, label=label)
        for row in _apart(places)[:_LABELLED]:
            text = plot_label(f"{vectors.actions[row]} {vectors.items[row]}", 28)
            axes.annotate(text, places[row], fontsize=8, xytext=(4, 4), textcoords="offset points")
        axes.set_xlabel("the direction in which tokens differ most")
        axes.set_ylabel("the second")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=8.5, loc="upper left", bbox_to_anchor=(1, 1), title="category")
        return _png(figure)


def _apart(places: npt.NDArray[np.float64]) -> list[int]:
    """Rows whose labels would not lie on one another, the first first: a label takes a sixth of the width and a thirtieth of the height."""
    extent = np.ptp(places, axis=0)
    scaled = places / np.where(extent > 0, extent, 1) * (6, 30)
    kept: list[int] = []
    for row, place in enumerate(scaled):
        if all(abs(place - scaled[other]).max() >= 1 for other in kept):
            kept.append(row)
    return kept


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
            axes.axhline(0, color=INK, linewidth=0.9)
            axes.errorbar(x, y, yerr=error, color=DRIVER, marker="o", capsize=3)
            chosen = next(row for row in own if row["is_chosen_number"])
            axes.plot([chosen["traits"]], [chosen["value"]], "o", color=BRAKE, markersize=9, zorder=3)
            axes.set_title(f"from {option}: {chosen['traits']}{', the default' if chosen['is_default'] else ''}")
            axes.set_xlabel("number of traits; bars: ± one standard error")
            axes.set_ylabel("held-out share explained")
            axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=1))
            axes.set_xticks(x)
            quiet(axes, grid="y")
        return _png(figure)


def traits_png(
    title: str, profiles: Sequence[Row], items: Sequence[Row], examples: Sequence[Row], *, simulated: bool
) -> bytes:
    """A PNG of one page: the largest traits with size, stability, lifts of conversion and spend, what stands out in each, and who has most of it."""
    shown = sorted(profiles, key=lambda row: -row["size_share"])[:_PAGE_TRAITS]
    panels = [p for p in _LIFTS if any(row[p[1]] is not None for row in shown)]
    with report_style():
        figure = Figure(figsize=(10.4 + 1.9 * len(panels), 1.7 + 0.85 * len(shown)), layout="constrained")
        more = f", the largest {len(shown)} of {len(profiles)}" if len(profiles) > len(shown) else ""
        _title(figure, f"Customer traits: {title}{more}", simulated)
        widths = (1.7, *[1.9] * len(panels), 4.6)
        sizes, *lifts, words = figure.subplots(1, len(widths), sharey=True, width_ratios=widths)
        y = np.arange(len(shown))[::-1]
        sizes.barh(y, [row["size_share"] for row in shown], color=DRIVER, height=0.5)
        sizes.set_yticks(y, [_named(row) for row in shown], fontsize=9)
        sizes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        _heading(sizes, "share of all weights")
        quiet(sizes, grid="x")
        for axes, (heading, *columns, unit) in zip(lifts, panels, strict=True):
            _intervals(axes, y, [tuple(row[c] for c in columns) for row in shown], unit)
            _heading(axes, heading)
        words.axis("off")
        _heading(words, "stands out, times everyone; who has most of it")
        for place, row in zip(y, shown, strict=True):
            words.annotate(_said(row, items, examples), (0, place), va="center", fontsize=8.5, linespacing=1.35)
        words.set_ylim(-0.6, len(shown) - 0.4)
        return _png(figure)


_LIFTS = (
    ("conversion lift, points", "conversion_lift", "conversion_lift_low", "conversion_lift_high", 100.0),
    ("spend lift, $ a customer", "spend_lift_usd", "spend_lift_low_usd", "spend_lift_high_usd", 1.0),
)
"""Heading of a panel, its three columns, and what a figure is multiplied with."""


def _heading(axes: Axes, text: str) -> None:
    axes.set_title(text, fontsize=10.5, loc="left")


def _named(row: Row) -> str:
    stable = "" if row["stability"] is None else f", stability {row['stability']:.2f}"
    return f"{plot_label(row['suggested_name'], 26)}\n{row['customers']:,} customers{stable}"


def _intervals(axes: Axes, y: npt.NDArray[np.int64], values: Sequence[tuple[float | None, ...]], unit: float) -> None:
    """Lifts with their 95 % intervals, coloured where these lie on one side of 0."""
    axes.axvline(0, color=INK, linewidth=0.9)
    axes.set_xlabel("against all, 95 %", fontsize=9)
    quiet(axes, grid="x")
    for place, (lift, low, high) in zip(y, values, strict=True):
        if lift is None or low is None or high is None:
            continue
        colour = DRIVER if low > 0 else BRAKE if high < 0 else UNCERTAIN
        axes.plot([unit * low, unit * high], [place, place], color=colour, linewidth=2)
        axes.plot([unit * lift], [place], "o", color=colour)


def _said(row: Row, items: Sequence[Row], examples: Sequence[Row]) -> str:
    own = [item for item in items if item["trait"] == row["trait"]]
    who = sorted((e for e in examples if e["trait"] == row["trait"]), key=lambda e: e["example_rank"])
    lines = []
    for kind in ("category", "product"):
        best = sorted((item for item in own if item["kind"] == kind), key=lambda item: item["item_rank"])[:_PAGE_ITEMS]
        lines.append(
            ", ".join(f"{plot_label(each['item_id'], 20)} {each['over_representation']:.1f}×" for each in best)
        )
    lines.append(", ".join(plot_label(each["user_id"], 20) for each in who[:_PAGE_CUSTOMERS]))
    return "\n".join(line for line in lines if line) or "nothing"


def _title(figure: Figure, title: str, simulated: bool) -> None:
    warning = f"{SIMULATED}: " if simulated else ""
    figure.suptitle(f"{warning}{plot_label(title, 110)}", x=0.01, ha="left", fontsize=13, weight="bold")


def _png(figure: Figure) -> bytes:
    target = io.BytesIO()
    figure.savefig(target, format="png", dpi=110, metadata={"Software": None})
    return target.getvalue()
