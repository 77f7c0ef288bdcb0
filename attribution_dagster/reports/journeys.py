"""The picture of ad journeys: from no ads to what was seen, campaigns with their cost, responses, and naive against adjusted."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from attribution_dagster.reports.caveats import SIMULATED_SENTENCE
from attribution_dagster.reports.labels import plot_label
from attribution_dagster.reports.palette import BRAKE, DRIVER, FAINT, INK, UNCERTAIN
from attribution_dagster.reports.style import quiet, report_style

SHOWN_CAMPAIGNS = 10
Rows = Sequence[Mapping[str, Any]]
_READ_AS = {
    "naive_difference": "naive: exposed − others",
    "naive_model": "model without intent",
    "adjusted_model": "model, intent adjusted",
    "doubly_robust": "doubly robust",
    "lost_auctions": "lost auctions",
}
_POSITIONS = ("1st", "2nd", "3rd", "4th to 6th", "7th on")
_GAPS = ("under 12 h", "12 to 24 h", "24 to 48 h", "48 to 96 h", "96 h and more")


@dataclass(frozen=True, kw_only=True)
class JourneyPicture:
    """What is drawn. campaigns, responses, increments, sensitivity: rows of the published tables; observed: journeys with a purchase."""

    title: str
    window_key: str
    simulated: bool
    observed: int
    total: Mapping[str, Any]
    campaigns: Rows
    responses: Rows
    increments: Rows
    all_ads: str
    explained_away_at: float | None


def journeys_png(shown: JourneyPicture) -> bytes:
    """The picture as the bytes of a PNG file, 1500 x 1000 pixels."""
    with report_style():
        figure = Figure(figsize=(15.0, 10.0), dpi=100, facecolor="white")
        FigureCanvasAgg(figure)
        figure.set_layout_engine("constrained", rect=(0.008, 0.05, 0.984, 0.845), hspace=0.06, wspace=0.05)
        axes = figure.subplots(2, 2, width_ratios=(1.05, 1))
        _waterfall(axes[0, 0], shown)
        _table(axes[0, 1], shown)
        _responses(axes[1, 0], shown.responses)
        _estimates(axes[1, 1], shown)
        heading = plot_label(f"What ads added: {shown.title}, {shown.window_key}", 100)
        figure.text(0.012, 0.985, heading, fontsize=17, weight="bold", va="top")
        said = f"{SIMULATED_SENTENCE}\n" if shown.simulated else ""
        figure.text(0.012, 0.945, said + _caution(shown), fontsize=10, va="top", color="#444444")
        figure.text(
            0.012,
            0.012,
            "Bars: 95 %. Credit is the increment over no ads, by Shapley value: signed, adding up. Without ads: observed less added. *: does nothing.",
            fontsize=9,
            color="#444444",
        )
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _caution(shown: JourneyPicture) -> str:
    if shown.explained_away_at is None:
        return "Model effects, at equal logged intent."
    return (
        "Model effects, at equal logged intent. Unlogged intent that made would-be buyers "
        f"{shown.explained_away_at:.1f} times as likely (odds) to see ads would explain all of it."
    )


def _ranked(campaigns: Rows) -> list[Mapping[str, Any]]:
    largest = sorted(campaigns, key=lambda row: -abs(row["purchases_added"]))[:SHOWN_CAMPAIGNS]
    return sorted(largest, key=lambda row: -row["purchases_added"])


def _waterfall(axes: Axes, shown: JourneyPicture) -> None:
    """From the purchases expected without ads, campaign by campaign, to those expected with them; observed beside it."""
    axes.set_title("From no ads to what was seen: purchases")
    ranked, total = _ranked(shown.campaigns), shown.total["purchases_added"]
    rest = total - sum(row["purchases_added"] for row in ranked)
    steps = [(row["campaign_id"], row["purchases_added"]) for row in ranked]
    steps += [("other campaigns", rest)] if len(shown.campaigns) > len(ranked) else []
    level = shown.observed - total
    labels, tops = ["without ads"], [level]
    axes.bar(0, level, color=UNCERTAIN, width=0.65)
    for place, (name, added) in enumerate(steps, start=1):
        axes.bar(place, added, bottom=level, color=DRIVER if added >= 0 else BRAKE, width=0.65)
        axes.plot([place - 1 + 0.33, place - 0.33], [level, level], color=INK, linewidth=0.7)
        level += added
        labels.append(plot_label(name, 16))
        tops.append(max(level, level - added))
        axes.annotate(
            f"{added:+.0f}",
            (place, tops[-1]),
            ha="center",
            va="bottom",
            fontsize=10,
            xytext=(0, 2),
            textcoords="offset points",
        )
    axes.bar(len(labels), shown.observed, color=INK, width=0.65)
    axes.annotate(
        f"{shown.observed:,}",
        (len(labels), shown.observed),
        ha="center",
        va="bottom",
        fontsize=10,
        xytext=(0, 2),
        textcoords="offset points",
    )
    axes.annotate(
        f"{tops[0]:,.0f}",
        (0, tops[0]),
        ha="center",
        va="bottom",
        fontsize=10,
        xytext=(0, 2),
        textcoords="offset points",
    )
    axes.set_xticks(range(len(labels) + 1), [*labels, "observed"], rotation=30, ha="right")
    axes.set_ylim(0, max(*tops, shown.observed) * 1.12)
    axes.set_ylabel("journeys with a purchase")
    quiet(axes, grid="y")


def _table(axes: Axes, shown: JourneyPicture) -> None:
    """Campaigns with cost per added purchase."""
    axes.set_title("Campaigns: added purchases, cost of each")
    axes.set_axis_off()
    cells = [_cells(row, plot_label(row["campaign_id"], 20)) for row in [shown.total, *_ranked(shown.campaigns)]]
    heads = ["campaign", "impressions", "cost $", "added", "95 %", "$ each"]
    table = axes.table(
        cells,
        colLabels=heads,
        loc="upper left",
        cellLoc="right",
        edges="horizontal",
        colWidths=[0.23, 0.17, 0.11, 0.11, 0.24, 0.13],
    )
    table.auto_set_font_size(False)
    table.set_fontsize(10)
    table.scale(1.0, 1.75)
    for (row, column), cell in table.get_celld().items():
        cell.set_edgecolor(FAINT)
        cell.set_text_props(weight="bold" if row <= 1 else "normal", ha="left" if column == 0 else "right")


def _cells(row: Mapping[str, Any], name: str) -> list[str]:
    per = row["cost_per_purchase_usd"]
    control = " *" if row["is_negative_control"] else ""
    return [
        name + control,
        f"{row['impressions']:,}",
        f"{row['cost_usd']:,.0f}",
        f"{row['purchases_added']:+.0f}",
        f"{row['effect_low']:+.0f} to {row['effect_high']:+.0f}",
        # Where nothing may have been added, a price of it means nothing.
        f"{per:,.2f}" if per is not None and row["effect_low"] > 0 else "–",
    ]


def _responses(axes: Axes, rows: Rows) -> None:
    """Mean effect of an impression by its place in the journey, and by the gap to the day."""
    axes.set_title("Response to one impression, by its place and its gap")
    by = {(row["dimension"], row["value"]): row for row in rows}
    shown = [(g, v) for g, values in (("position", _POSITIONS), ("gap", _GAPS)) for v in values if (g, v) in by]
    for place, each in enumerate(shown):
        row, colour = by[each], DRIVER if each[0] == "position" else "#009E73"
        low, high = (row[end] if row[end] is not None else row["mean_effect"] for end in ("effect_low", "effect_high"))
        axes.bar(place, 100 * row["mean_effect"], color=colour, width=0.62)
        axes.plot([place, place], [100 * low, 100 * high], color=INK, linewidth=1.2)
    axes.set_xticks(range(len(shown)), [value for _, value in shown], rotation=30, ha="right")
    places = [place for place, (dimension, _) in enumerate(shown) if dimension == "position"]
    if places and len(places) < len(shown):
        axes.axvline(places[-1] + 0.5, color=FAINT, linewidth=1.2)
    axes.axhline(0.0, color=INK, linewidth=0.8)
    axes.set_ylabel("points of purchase probability")
    quiet(axes, grid="y")


def _estimates(axes: Axes, shown: JourneyPicture) -> None:
    """All ads' purchases by each estimator."""
    axes.set_title("Naive against adjusted: purchases that all ads added")
    rows = [row for row in shown.increments if row["campaign_id"] == shown.all_ads]
    places = np.arange(len(rows))[::-1]
    for place, row in zip(places, rows, strict=True):
        colour = BRAKE if row["estimator"].startswith("naive") else DRIVER
        axes.plot([row["effect_low"], row["effect_high"]], [place, place], color=colour, linewidth=2.2)
        axes.plot([row["purchases_added"]], [place], "o", color=colour, markersize=8)
        axes.annotate(
            f"{row['purchases_added']:,.0f}",
            (row["purchases_added"], place),
            ha="center",
            va="bottom",
            xytext=(0, 7),
            textcoords="offset points",
        )
    axes.set_yticks(places, [_READ_AS.get(row["estimator"], row["estimator"]) for row in rows])
    axes.set_ylim(-0.6, len(rows) - 0.2)
    axes.axvline(0.0, color=INK, linewidth=0.8)
    axes.set_xlabel("purchases in the window that would not have been without ads")
    quiet(axes, grid="x")
