"""The ROI projection: what contacting the best-scored share brings under economics of one's own, as ranges."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import streamlit as st

from attribution_dagster.core.decision.roi import Economics, Point, Rates, project
from attribution_dagster.dashboard import source
from attribution_dagster.dashboard.screens import sectioned
from attribution_dagster.dashboard.screens.sectioned import chosen_title
from attribution_dagster.dashboard.showing import column_config, download_rows, show_cautions, table_of
from attribution_dagster.datasets.experiment import ExperimentProfile
from attribution_dagster.reports.figures.decision import policy
from attribution_dagster.reports.sections import PAGES
from attribution_dagster.resources.published_window import PublishedWindow

SECTION = PAGES["roi"].sections[0]
PROJECTION = "Under your economics"
_FIGURES = ("uplift", "incremental_conversions", "revenue_usd", "cost_usd", "profit_usd", "roi")


def render(window: PublishedWindow, variant: str | None) -> None:
    """Draw the page."""
    profile = window.workspace.profile
    if not isinstance(profile, ExperimentProfile) or chosen_title([PROJECTION, SECTION.title]) == SECTION.title:
        sectioned.render(PAGES["roi"], window, variant)
        return
    show_cautions(window, variant)
    st.subheader(PROJECTION, anchor="projection")
    if "roi_rates" in window.tables:
        _projection(window, profile)
    else:
        st.info(
            f"Sliders need the table roi_rates: materialise `{profile.name}/roi_simulation` and `{profile.name}/published` again.",
            icon=":material/construction:",
        )


def rates_of(rows: pa.Table) -> Rates:
    """The published rates as the projection takes them."""
    shares = sorted(set(rows["targeted_share"].to_pylist()))
    columns = [rows[name].to_numpy(zero_copy_only=False) for name in ("treated_rate", "control_rate")]
    by_replicate = np.stack(columns, axis=-1).astype(float).reshape(-1, len(shares), 2)
    return Rates(shares=shares, measured=by_replicate[0], drawn=by_replicate[1:])


def _projection(window: PublishedWindow, profile: ExperimentProfile) -> None:
    rates = rates_of(source.fetch(window, "policy_rates", None))
    published = source.fetch(window, "policy", None).to_pylist()
    economics, share, population = _sliders(profile, rates, published)
    points, recommended = project(rates, economics, population)
    chosen = next(point for point in points if point.targeted_share == share)
    _metrics(chosen, recommended)
    rows = [row_of(point, recommended) for point in points]
    st.plotly_chart(
        policy(rows, chosen=share),
        theme=None,
        key="figure_projection",
        alt="Profit by share; the table below has the numbers",
    )
    st.caption(
        "95 % intervals over resampled units of the experiment, as in the published table: ranges, not promises. Costs and values are taken as known."
    )
    table = pa.Table.from_pylist(rows)
    st.dataframe(
        table_of(table, SECTION.columns),
        hide_index=True,
        key="table_projection",
        column_config=column_config(SECTION.columns),
        alt="The projection",
    )
    download_rows(window, "projection", table, "roi_simulation")


def _sliders(
    profile: ExperimentProfile, rates: Rates, published: Sequence[Mapping[str, Any]]
) -> tuple[Economics, float, int]:
    """What the sliders say, from the URL at first, else the profile's; the share that is looked at, at first the recommended one; units to decide on."""
    known = profile.decision
    recommended = next((row["targeted_share"] for row in published if row["is_recommended"]), rates.shares[0])
    first, second, third = st.columns(3)
    cost = _dollars(first, "Cost of a contact, $", "cost", known.contact_cost_usd, usual=20, step=0.25)
    incentive = _dollars(first, "Incentive, $, if redeemed", "incentive", known.incentive_usd, usual=20, step=0.25)
    value = _dollars(second, "Value of an order, $", "value", known.order_value_usd, usual=200, step=1.0)
    redeeming = second.slider(
        "Share of those who convert that redeem it",
        0.0,
        1.0,
        known.redeeming_share,
        0.05,
        key="redeeming",
        bind="query-params",
    )
    share = third.select_slider(
        "Targeted share",
        list(rates.shares),
        recommended,
        format_func="{:.0%}".format,
        key="share",
        bind="query-params",
    )
    decided = third.number_input(
        "Units to decide on",
        1,
        1_000_000_000,
        round(published[-1]["targeted_units"]),
        key="population",
        bind="query-params",
    )
    economics = Economics(
        contact_cost_usd=cost, incentive_usd=incentive, redeeming_share=redeeming, order_value_usd=value
    )
    return economics, share, int(decided)


def _dollars(column: Any, label: str, key: str, known: float, *, usual: float, step: float) -> float:
    """What a slider says, the profile's figure at first; it ends at the usual, or at twice the profile's if that is more."""
    end = float(max(usual, np.ceil(2 * known)))
    return float(column.slider(label, 0.0, end, known, step, key=key, bind="query-params"))


def _metrics(point: Point, recommended: float) -> None:
    shown = st.columns(4)
    for column, (label, estimate, unit) in zip(
        shown,
        (
            ("Conversions added", point.incremental_conversions, ""),
            ("Revenue", point.revenue_usd, "$"),
            ("Cost", point.cost_usd, "$"),
            ("Profit", point.profit_usd, "$"),
        ),
        strict=True,
    ):
        low, high, value = (_amount(each, unit) for each in (estimate.low, estimate.high, estimate.value))
        column.metric(f"{label}, 95 % range", f"{low} to {high}", help=f"Measured: {value}")
    if recommended:
        st.success(
            f"Contact the best-scored {recommended:.0%}: there the lower end of the profit is highest.",
            icon=":material/target:",
        )
    else:
        st.warning("Contact nobody: at no share does the lower end of the profit lie above 0.", icon=":material/block:")


def _amount(value: float, unit: str) -> str:
    sign = "−" if value < 0 else ""
    size = abs(value)
    return f"{sign}{unit}{size:,.0f}" if size < 1e5 else f"{sign}{unit}{size / 1e3:,.0f}k"


def row_of(point: Point, recommended: float) -> Mapping[str, Any]:
    """The point as a row of roi_simulation."""
    estimates = {name: getattr(point, name) for name in _FIGURES}
    ends = {f"{name}_{end}": getattr(each, end) for name, each in estimates.items() for end in ("low", "high")}
    return {
        "targeted_share": point.targeted_share,
        "targeted_units": point.targeted_units,
        **{name: each.value for name, each in estimates.items()},
        **ends,
        "is_recommended": point.targeted_share == recommended,
    }
