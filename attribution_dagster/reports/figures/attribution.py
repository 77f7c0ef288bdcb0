"""Figures of the attribution: event types, places, stores, the heatmap, both variants, windows, methods, predictors."""

from typing import TYPE_CHECKING

from attribution_dagster.reports.figures.frame import (
    SIGNAL_COLOURS,
    Row,
    Rows,
    empty_figure,
    height_of,
    named_lines,
    safe,
    signal,
)
from attribution_dagster.reports.figures.intervals import Mark, forest, over_windows
from attribution_dagster.reports.palette import BRAKE, DRIVER, INK

if TYPE_CHECKING:
    import plotly.graph_objects as go


EFFECT = "mean effect of an occurrence against an average event (logits, 95 % interval)"
MOST = 24
"""Lines that a figure shows; the table below it has them all."""
_DIVERGING = [[0.0, BRAKE], [0.5, "#F7F7F7"], [1.0, DRIVER]]


def event_types(rows: Rows) -> "go.Figure":
    """Effect of each event type, the largest first; those with support only, if any has it."""
    return forest(_effects(_supported(rows), "event_type"), EFFECT, colours=SIGNAL_COLOURS)


def positions(rows: Rows) -> "go.Figure":
    """Effect of an event by its place, in the order of places."""
    return forest(_effects(rows, "position_bin"), EFFECT, colours=SIGNAL_COLOURS)


def stores(rows: Rows) -> "go.Figure":
    """Effect of an event at each store of the page."""
    named = [{**row, "store": row["store_name"] or row["store_id"]} for row in rows]
    ordered = sorted(_supported(named), key=lambda row: -row["mean_centred_effect"])
    return forest(_effects(ordered, "store"), EFFECT, colours=SIGNAL_COLOURS)


def heatmap(rows: Rows) -> "go.Figure":
    """Effect by event type and place; cells without enough users are left empty."""
    known = [row for row in rows if row["has_minimum_support"] and row["mean_centred_effect"] is not None]
    bins = [name for _, name in sorted({(row["bin_order"], row["position_bin"]) for row in rows})]
    reach = {row["event_type"]: 0.0 for row in known}
    for row in known:
        reach[row["event_type"]] = max(reach[row["event_type"]], abs(row["mean_centred_effect"]))
    types = sorted(reach, key=lambda name: (-reach[name], str(name)))[:MOST]
    cells = {(row["event_type"], row["position_bin"]): row for row in known}
    found = [[cells.get((name, place)) for place in bins] for name in types]
    largest = max(reach.values(), default=1.0) or 1.0
    figure = empty_figure("place in the session (from 1)", height=height_of(len(types)) + 10)
    figure.add_heatmap(
        z=[[cell and cell["mean_centred_effect"] for cell in line] for line in found],
        x=bins,
        y=list(range(len(types))),
        text=[[f"{cell['mean_centred_effect']:+.2f}" if cell else "" for cell in line] for line in found],
        texttemplate="%{text}",
        colorscale=_DIVERGING,
        zmin=-largest,
        zmax=largest,
        xgap=2,
        ygap=2,
        colorbar={"title": {"text": "logits"}, "thickness": 12},
        hovertext=[[_cell(cell) for cell in line] for line in found],
        hoverinfo="text",
    )
    figure.update_xaxes(type="category", showgrid=False)
    return named_lines(figure, [safe(name) for name in types])


def variants(rows: Rows) -> "go.Figure":
    """Effect without and with the funnel, joined by a line; funnel events have the second only."""
    chosen = [row for row in rows if row["has_minimum_support"] or row["is_funnel"]][:MOST]
    figure = empty_figure(
        "mean effect of an occurrence against an average event (logits)", height=height_of(len(chosen))
    )
    for place, row in enumerate(chosen):
        pair = [row["no_funnel_effect"], row["with_funnel_effect"]]
        if None not in pair:
            figure.add_scatter(
                x=pair, y=[place, place], mode="lines", line={"color": "#999999"}, hoverinfo="skip", showlegend=False
            )
    sides = (
        ("no_funnel_effect", "without the funnel", DRIVER, "circle"),
        ("with_funnel_effect", "with the funnel: DATA LEAKAGE", BRAKE, "diamond"),
    )
    for column, name, colour, symbol in sides:
        figure.add_scatter(
            x=[row[column] for row in chosen],
            y=list(range(len(chosen))),
            mode="markers",
            name=name,
            marker={"color": colour, "symbol": symbol, "size": 10},
            hovertext=[_both(row) for row in chosen],
            hoverinfo="text",
        )
    figure.add_vline(x=0, line={"color": INK, "width": 1})
    return named_lines(figure, [safe(row["event_type"]) + (" ◆" if row["is_funnel"] else "") for row in chosen])


def _both(row: Row) -> str:
    """What the pointer shows of an event type in both variants."""
    without, with_ = (
        "–" if row[name] is None else f"{row[name]:+.3f}" for name in ("no_funnel_effect", "with_funnel_effect")
    )
    said = f"<b>{safe(row['event_type'])}</b><br>without the funnel {without} logits, with it {with_}"
    if row["effect_change"] is None or row["effect_change_low"] is None:
        return said
    low, high = row["effect_change_low"], row["effect_change_high"]
    return f"{said}<br>change {row['effect_change']:+.3f} (95 %: {low:+.3f} to {high:+.3f})"


def drift(rows: Rows) -> "go.Figure":
    """Effect over windows of the event types that are largest in the last of them."""
    last = max((row["window_date"] for row in rows), default=None)
    latest = [row for row in rows if row["window_date"] == last and row["has_minimum_support"]]
    ordered = sorted(latest, key=lambda row: -abs(row["mean_centred_effect"] or 0.0))
    names = [row["event_type"] for row in ordered]
    by_size = sorted(
        (row for row in rows if row["event_type"] in names), key=lambda row: names.index(row["event_type"])
    )
    return over_windows(
        by_size,
        name="event_type",
        value="mean_centred_effect",
        unit="effect (logits, 95 % interval)",
        ends=("effect_low", "effect_high"),
    )


def methods(rows: Rows) -> "go.Figure":
    """Rank correlation of every two methods within sessions."""
    chosen = [row for row in rows if row["granularity"] == "occurrence"]
    names = list(dict.fromkeys(row["method"] for row in chosen))
    cells = {(row["method"], row["other_method"]): row["rank_correlation"] for row in chosen}
    z = [[1.0 if one == other else cells.get((one, other)) for other in names] for one in names]
    figure = empty_figure("", height=height_of(len(names)) + 60)
    figure.add_heatmap(
        z=z,
        x=names,
        y=list(range(len(names))),
        text=[["" if value is None else f"{value:.2f}" for value in line] for line in z],
        texttemplate="%{text}",
        colorscale=_DIVERGING,
        zmin=-1,
        zmax=1,
        xgap=2,
        ygap=2,
        colorbar={"title": {"text": "Spearman"}, "thickness": 12},
        hoverinfo="x+z",
    )
    figure.update_xaxes(showgrid=False, tickangle=-30)
    return named_lines(figure, names)


def predicts(rows: Rows) -> "go.Figure":
    """AUC of each predictor on the compared sessions."""
    marks = [
        Mark(name=safe(row["model"]), value=row["auc"], low=row["auc_low"], high=row["auc_high"])
        for row in rows
        if row["population"] == "all"
    ]
    return forest(marks, "AUC on sessions that no model was trained on (95 % interval; .5 is chance)", reference=0.5)


def _supported(rows: Rows) -> Rows:
    known = [row for row in rows if row["mean_centred_effect"] is not None]
    return ([row for row in known if row["has_minimum_support"]] or known)[:MOST]


def _effects(rows: Rows, name: str) -> list[Mark]:
    return [
        Mark(
            name=safe(row[name]) + (" ◆" if row.get("is_funnel") else ""),
            value=row["mean_centred_effect"],
            low=row["effect_low"],
            high=row["effect_high"],
            wide_low=row.get("retraining_low"),
            wide_high=row.get("retraining_high"),
            series=signal(row),
            note=f"{row['occurrences']:,} occurrences, {row['users']:,} users",
        )
        for row in rows
    ]


def _cell(cell: "dict[str, object] | None") -> str:
    if cell is None:
        return "fewer users than the configured minimum"
    return (
        f"<b>{safe(cell['event_type'])}</b>, {cell['position_bin']}<br>{cell['mean_centred_effect']:+.3f} logits "  # type: ignore[arg-type]
        f"({cell['effect_low']} to {cell['effect_high']})<br>{cell['occurrences']:,} occurrences"
    )
