"""Figures of ad journeys: what ads added by estimator and campaign, responses, bounds, credit; and of customer traits."""

from typing import TYPE_CHECKING

from attribution_dagster.reports.figures.attribution import MOST
from attribution_dagster.reports.figures.frame import FADED, PATTERNS, SERIES, Rows, empty_figure, safe
from attribution_dagster.reports.figures.intervals import Mark, forest
from attribution_dagster.reports.palette import INK

if TYPE_CHECKING:
    import plotly.graph_objects as go


ADDED = "purchases added (95 % interval)"
ALL = "(all ads)"
LISTED = 3
"""Items of a kind that the figure lists of each trait."""


def increments(rows: Rows) -> "go.Figure":
    """Purchases that all ads together added, by estimator."""
    chosen = [row for row in rows if row["campaign_id"] == ALL]
    marks = [_added(row, row["estimator"], note=safe(row["trusts"], 90)) for row in chosen]
    return forest(marks, f"{ADDED}, all ads")


def campaigns(rows: Rows) -> "go.Figure":
    """Purchases that each campaign added; negative controls are marked."""
    return forest([_added(row, row["campaign_id"]) for row in rows if row["campaign_id"] != ALL], ADDED)


def responses(rows: Rows) -> "go.Figure":
    """Effect of an impression by what it was and where it stood."""
    marks = [
        Mark(
            name=safe(f"{row['dimension']}: {row['value']}"),
            value=row["mean_effect"],
            low=row["effect_low"],
            high=row["effect_high"],
            note=f"{row['impressions']:,} impressions",
        )
        for row in rows
    ]
    return forest(marks, "change of the probability of a purchase by an impression (95 % interval)", format_=".2%")


def sensitivity(rows: Rows) -> "go.Figure":
    """Fewest and most purchases added under each tilt."""
    tilts = [row["tilt"] for row in rows]
    figure = empty_figure(
        "tilt: odds ratio of being shown ads, buyers against others alike", "purchases added", height=360
    )
    figure.add_scatter(
        x=[*tilts, *reversed(tilts)],
        y=[*(row["highest"] for row in rows), *(row["lowest"] for row in reversed(rows))],
        fill="toself",
        fillcolor=FADED,
        line={"color": SERIES[0]},
        name="possible",
    )
    figure.add_hline(y=0, line={"color": INK, "width": 1})
    return figure


def credit(rows: Rows) -> "go.Figure":
    """What rules of credit give each campaign, beside what it added."""
    names = list(dict.fromkeys(row["campaign_id"] for row in rows if row["purchases"]))
    figure = empty_figure("campaign", "purchases", height=400)
    for number, rule in enumerate(dict.fromkeys(row["rule"] for row in rows)):
        given = {row["campaign_id"]: row["purchases"] for row in rows if row["rule"] == rule}
        figure.add_bar(
            x=[safe(n) for n in names],
            y=[given.get(n) for n in names],
            name=safe(rule),
            marker={"color": SERIES[number % len(SERIES)], "pattern": {"shape": PATTERNS[number % len(PATTERNS)]}},
        )
    added = {row["campaign_id"]: row["purchases_added"] for row in rows}
    figure.add_scatter(
        x=[safe(name) for name in names],
        y=[added[name] for name in names],
        mode="markers",
        name="added (adjusted model)",
        marker={"color": INK, "symbol": "line-ew-open", "size": 26, "line": {"width": 3}},
    )
    return figure


def predicts(rows: Rows) -> "go.Figure":
    """AUC of each predictor of a purchase."""
    return forest(
        [Mark(name=safe(row["model"]), value=row["auc"]) for row in rows], "AUC (.5 is chance)", reference=0.5
    )


def traits(rows: Rows) -> "go.Figure":
    """Conversion of each trait against all customers."""
    marks = [
        Mark(
            name=safe(f"{row['trait']}: {row['suggested_name']}"),
            value=row["conversion_lift"],
            low=row["conversion_lift_low"],
            high=row["conversion_lift_high"],
            note=f"{row['customers']:,} customers, {row['size_share']:.1%} of all weights",
        )
        for row in rows
    ]
    return forest(
        marks, "conversion rate minus that of all customers (percentage points, 95 % interval)", format_=".1%"
    )


def trait_items(rows: Rows) -> "go.Figure":
    """What stands out most in each trait, the largest traits first: three products and three categories of each."""
    shown = [row for row in rows if row["kind"] != "token" and row["item_rank"] <= LISTED][:MOST]
    marks = [
        Mark(
            name=safe(f"{row['item_id']} ({row['kind']})"),
            value=row["over_representation"],
            series=safe(f"{row['trait']}: {row['suggested_name']}"),
            note=f"{row['share_in_trait']:.2%} of the trait's events, {row['share_in_all']:.2%} of all",
        )
        for row in shown
    ]
    return forest(marks, "share of events in the trait / in all customers (1: as everybody)", reference=1.0)


def _added(row: "dict[str, object]", name: object, note: str = "") -> Mark:
    return Mark(
        name=safe(str(name)),
        value=row["purchases_added"],  # type: ignore[arg-type]
        low=row["effect_low"],  # type: ignore[arg-type]
        high=row["effect_high"],  # type: ignore[arg-type]
        series="known to do nothing" if row["is_negative_control"] else "",
        note=note,
    )
