"""Figures for deciding whom to contact: groups by predicted uplift, quadrants, profit by share."""

from typing import TYPE_CHECKING

from attribution_dagster.reports.figures.frame import FADED, SERIES, Rows, empty_figure, safe
from attribution_dagster.reports.figures.intervals import Mark, forest
from attribution_dagster.reports.palette import BRAKE, DRIVER, INK

if TYPE_CHECKING:
    import plotly.graph_objects as go


POINTS = "change of the rate by the treatment (percentage points, 95 % interval)"
DOLLARS = "$~s"


def groups(rows: Rows) -> "go.Figure":
    """Effect measured in each tenth by predicted uplift, and what was predicted."""
    figure = forest(
        [
            Mark(
                name=f"tenth {row['score_group']}",
                value=row["group_effect"],
                low=row["group_effect_low"],
                high=row["group_effect_high"],
                series="measured in the experiment",
                note=f"{row['units']:,} units",
            )
            for row in rows
        ],
        POINTS,
        colours={"measured in the experiment": DRIVER},
        format_=".1%",
    )
    figure.add_scatter(
        x=[row["mean_uplift"] for row in rows],
        y=list(range(len(rows))),
        mode="markers",
        name="predicted",
        marker={"color": BRAKE, "symbol": "diamond-open", "size": 11, "line": {"width": 2}},
    )
    return figure


def quadrants(rows: Rows) -> "go.Figure":
    """Mean predicted uplift of the units of each quadrant."""
    marks = [
        Mark(
            name=f"{safe(row['quadrant'])} ({row['units']:,})",
            value=row["mean_uplift"],
            low=row["mean_uplift_low"],
            high=row["mean_uplift_high"],
            note=safe(row["action"], 60),
        )
        for row in rows
    ]
    return forest(marks, "mean of the units' predicted uplift, and of the ends of their intervals", format_=".1%")


def learners(rows: Rows) -> "go.Figure":
    """Qini of each learner over that of a random score."""
    marks = [
        Mark(
            name=safe(row["learner"]) + (" (used)" if row["is_used"] else ""),
            value=row["over_random"],
            low=row["over_random_low"],
            high=row["over_random_high"],
        )
        for row in rows
        if row["metric"] == "qini"
    ]
    return forest(marks, "Qini minus a random score's, out of sample (outcomes per treated unit, 95 % interval)")


def effects(rows: Rows) -> "go.Figure":
    """Effect of each arm on each outcome that is a rate."""
    marks = [
        Mark(
            name=safe(f"{r['outcome']}: {r['arm']}", 48), value=r["effect"], low=r["effect_low"], high=r["effect_high"]
        )
        for r in rows
        if not r["outcome"].endswith("_usd")
    ]
    return forest(marks, POINTS, format_=".1%")


def policy(rows: Rows, chosen: float | None = None) -> "go.Figure":
    """Profit by targeted share with its interval; the recommended share, and one that was chosen, as upright lines."""
    shares = [row["targeted_share"] for row in rows]
    figure = empty_figure(
        "share of the population that is contacted, the best scored first", "profit (US dollars)", height=400
    )
    figure.add_scatter(
        x=[*shares, *reversed(shares)],
        y=[*(row["profit_usd_high"] for row in rows), *(row["profit_usd_low"] for row in reversed(rows))],
        fill="toself",
        fillcolor=FADED,
        line={"width": 0},
        hoverinfo="skip",
        name="95 % interval",
    )
    figure.add_scatter(
        x=shares,
        y=[row["profit_usd"] for row in rows],
        mode="lines+markers",
        name="profit",
        line={"color": SERIES[0], "width": 2},
        hovertext=[
            f"contact {row['targeted_share']:.0%}<br>profit ${row['profit_usd']:,.0f} "
            f"(${row['profit_usd_low']:,.0f} to ${row['profit_usd_high']:,.0f})"
            for row in rows
        ],
        hoverinfo="text",
    )
    best = next((row["targeted_share"] for row in rows if row["is_recommended"]), None)
    if best is not None:
        figure.add_vline(x=best, line={"color": BRAKE, "width": 2, "dash": "dash"}, annotation_text="recommended")
    if chosen is not None:
        figure.add_vline(
            x=chosen,
            line={"color": INK, "width": 1.5, "dash": "dot"},
            annotation_text="chosen",
            annotation_position="bottom right",
        )
    figure.add_hline(y=0, line={"color": INK, "width": 1})
    figure.update_xaxes(tickformat=".0%")
    figure.update_yaxes(tickformat=DOLLARS)
    return figure
