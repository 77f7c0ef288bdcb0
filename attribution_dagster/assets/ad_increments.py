"""How many purchases ads caused, by estimators that trust different things, and what unlogged intent could do to them."""

from typing import Any

import dagster as dg
import pyarrow as pa

from attribution_dagster.assets.ad_counterfactuals import ensemble
from attribution_dagster.assets.journey_model import WITHOUT_INTENT, open_journey_models, write_rows
from attribution_dagster.assets.journeys import (
    history_assets,
    history_keys,
    journey_values,
    journeys_spec,
    open_journeys,
    windows_of_history,
)
from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.graph import DatasetAssets
from attribution_dagster.reports.markdown import markdown_table
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.queries import load_query

ASSET = "ad_increments"
TABLES = ("ad_increments", "ad_sensitivity")
_CODE = code_version("assets/ad_increments.py", "core/journeys", "sql/journeys")


def increment_assets(assets: DatasetAssets) -> list[dg.AssetsDefinition]:
    """The asset `ad_increments`."""
    workspace, profile = assets.workspace, assets.workspace.profile
    past = history_assets(profile)
    mapping = dg.TimeWindowPartitionMapping(
        start_offset=-windows_of_history(profile), allow_nonexistent_upstream_partitions=True
    )
    deps = [
        *(dg.AssetDep(assets.key(name), partition_mapping=mapping) for name in past),
        "ad_journeys",
        "journey_model",
    ]

    @dg.asset(**assets.options(ASSET, deps=deps, kinds={"scikitlearn"}, group="step3_journeys", code=_CODE))
    def ad_increments(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Purchases that ads caused: naive, adjusted for logged intent, doubly robust, and by lost auctions; with bounds for intent that nobody logged."""
        return make(
            context,
            workspace,
            ASSET,
            reads=lambda key: [
                *((name, k) for name in past for k in history_keys(workspace, key)),
                ("ad_journeys", key),
                ("journey_model", key),
            ],
            settings=lambda _: journeys_spec(profile).model_dump(),
            code=_CODE,
            exists=lambda step: step.table(*TABLES),
            build=_build,
        )

    return [ad_increments]


def _build(step: Step) -> Report:
    from attribution_dagster.core.journeys.estimates import TRUSTS, design_estimates, model_estimates
    from attribution_dagster.core.journeys.tables import ALL_ADS

    workspace, key = step.workspace, step.window_key
    journeys, (auctions, days_ratio) = open_journeys(workspace, key), _auctions(workspace, key)
    blind = open_journey_models(workspace, key)[WITHOUT_INTENT]
    found = [
        *design_estimates(journeys, auctions, days_ratio),
        *model_estimates("naive_model", [blind], journeys),
        *model_estimates("adjusted_model", ensemble(workspace, key), journeys),
    ]
    control = journeys_spec(workspace.profile).negative_control
    order = list(TRUSTS)
    rows = [
        {
            "campaign_id": row.campaign or ALL_ADS,
            "estimator": row.estimator,
            "purchases_added": row.estimate.value,
            "standard_error": row.estimate.error,
            "effect_low": row.estimate.low,
            "effect_high": row.estimate.high,
            "is_negative_control": row.campaign is not None and row.campaign == control,
            "trusts": TRUSTS[row.estimator],
        }
        for row in sorted(found, key=lambda row: (row.campaign or "", order.index(row.estimator)))
    ]
    written = write_rows(step, {"ad_increments": rows, "ad_sensitivity": _sensitivity(journeys)})
    shown = ("campaign_id", "estimator", "purchases_added", "effect_low", "effect_high")
    total = {f"added_{r['estimator']}": r["purchases_added"] for r in rows if r["campaign_id"] == ALL_ADS}
    return {
        "rows": len(rows),
        **total,
        "estimates": {"markdown": markdown_table(written["ad_increments"], shown, rows=len(rows))},
        "sensitivity": {"markdown": markdown_table(written["ad_sensitivity"].drop_columns(["window_start"]))},
    }


def _auctions(workspace: Workspace, key: str) -> tuple[pa.Table | None, float]:
    """Auctions with what was bought after them, and days of journeys over days of auctions; None where there is no log of auctions."""
    values, window = journey_values(workspace, key), workspace.window(key)
    if not journeys_spec(workspace.profile).auctions:
        return None, 1.0
    query = load_query("journeys/ad_auction_outcomes")
    start, end = max(values["history_start"], workspace.windows()[0].start), values["auctions_end"]  # type: ignore[type-var]
    wanted = {name: value for name, value in values.items() if name in query.parameters}
    ratio = (window.end - window.start) / (end - start)  # type: ignore[operator]
    return workspace.fetch(query, key, **wanted), ratio


def _sensitivity(journeys: Any) -> list[dict[str, Any]]:
    import numpy as np

    from attribution_dagster.core.journeys.causal import sensitivity

    known = journeys.context[:, 1] > 0
    exposed = (journeys.sequences.lengths > 0)[known]
    if not exposed.any() or exposed.all():
        return []
    found = sensitivity(journeys.label[known], exposed, journeys.context[known][:, [0, 2]].astype(np.float64))
    return [
        {"tilt": tilt, "lowest": low, "highest": high, "explained_away_at": found.explained_away}
        for tilt, low, high in found.bounds
    ]
