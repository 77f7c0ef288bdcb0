"""Figures of sessions that convert, or don't: the funnel, what abandonment costs, segments, deciles, drivers."""

from typing import TYPE_CHECKING

from attribution_dagster.reports.figures.frame import (
    BAR_WIDTH,
    SERIES,
    Rows,
    empty_figure,
    height_of,
    named_lines,
    safe,
)
from attribution_dagster.reports.figures.intervals import Mark, error_bars, forest, over_windows
from attribution_dagster.reports.palette import BRAKE, DRIVER

if TYPE_CHECKING:
    import plotly.graph_objects as go


RATE = ".0%"


def funnel(rows: Rows) -> "go.Figure":
    """Sessions at each stage; the stage before which most are lost in another colour."""
    figure = empty_figure("sessions", height=height_of(len(rows)) + 60)
    for name, colour, largest in (("sessions", DRIVER, False), ("largest loss before this stage", BRAKE, True)):
        chosen = [(place, row) for place, row in enumerate(rows) if bool(row["is_largest_drop"]) is largest]
        figure.add_bar(
            x=[row["sessions"] for _, row in chosen],
            y=[place for place, _ in chosen],
            orientation="h",
            width=BAR_WIDTH,
            name=name,
            marker={"color": colour, "pattern": {"shape": "/" if largest else ""}},
            text=[_stage(row) for _, row in chosen],
            textposition="auto",
            insidetextanchor="start",
            hoverinfo="text",
            hovertext=[_stage(row) for _, row in chosen],
        )
    return named_lines(figure, [safe(row["stage"]) for row in rows])


def _stage(row: "dict[str, object]") -> str:
    lost = f", {row['drop_off']:.1%} of the stage before lost" if row["drop_off"] is not None else ""
    return f"{row['sessions']:,} ({row['rate']:.1%} of all{lost})"


def abandonment(rows: Rows) -> "go.Figure":
    """Revenue lost by stage, as a range under the stated assumptions."""
    marks = [
        Mark(
            name=safe(r["stage"]),
            value=r["lost_revenue_usd"],
            low=r["lost_revenue_low_usd"],
            high=r["lost_revenue_high_usd"],
        )
        for r in rows
    ]
    return forest(
        marks,
        "revenue lost to abandonment under the assumptions (US dollars, 95 % interval and range of the assumption)",
        format_="$~s",
    )


def funnel_over_windows(rows: Rows) -> "go.Figure":
    """Share of sessions that touch each stage, over windows."""
    return over_windows(rows, name="stage", value="rate", unit="share of all sessions", format_=RATE)


def segments(rows: Rows) -> "go.Figure":
    """Rate at which the sessions of each segment converted."""
    marks = [
        Mark(
            name=safe(row["risk_segment"]),
            value=row["conversion_rate"],
            low=row["conversion_rate_low"],
            high=row["conversion_rate_high"],
            note=f"{row['sessions']:,} sessions, {row['converted']:,} converted, predicted {row['mean_probability']:.1%}",
        )
        for row in rows
    ]
    return forest(
        marks, "share of the segment's sessions that converted (95 % interval)", reference=None, format_=".1%"
    )


def deciles(rows: Rows) -> "go.Figure":
    """Observed rate of each decile with its interval, beside the mean prediction."""
    figure = empty_figure("decile of predicted probability (1 the highest)", "share that converts", height=380)
    marks = [
        Mark(
            name=str(r["decile"]),
            value=r["conversion_rate"],
            low=r["conversion_rate_low"],
            high=r["conversion_rate_high"],
        )
        for r in rows
    ]
    figure.add_bar(
        x=[row["decile"] for row in rows],
        y=[mark.value for mark in marks],
        name="observed (95 % interval)",
        marker={"color": SERIES[5]},
        error_y=error_bars(marks, "#333333", thickness=1.5),
    )
    figure.add_scatter(
        x=[row["decile"] for row in rows],
        y=[row["mean_probability"] for row in rows],
        mode="markers",
        name="predicted",
        marker={"color": BRAKE, "symbol": "diamond", "size": 11},
    )
    figure.update_yaxes(tickformat=".0%")
    figure.update_xaxes(dtick=1)
    return figure


def drivers(rows: Rows) -> "go.Figure":
    """The features that move predictions most, of the feature set that predictions come from."""
    chosen = [row for row in rows if row["feature_set"] == "full"][:15]
    figure = empty_figure("mean absolute SHAP value (log-odds)", height=height_of(len(chosen)))
    for name, colour, raises in (
        ("high values raise the prediction", DRIVER, True),
        ("lower it, or it is mixed", BRAKE, False),
    ):
        part = [(place, row) for place, row in enumerate(chosen) if ((row["direction"] or 0) > 0) is raises]
        figure.add_bar(
            x=[row["mean_abs_effect"] for _, row in part],
            y=[place for place, _ in part],
            orientation="h",
            width=BAR_WIDTH,
            name=name,
            marker={"color": colour, "pattern": {"shape": "" if raises else "/"}},
        )
    return named_lines(figure, [safe(row["feature"]) for row in chosen])
