"""What ads added to the purchases of a window, by the journey model: had they not been shown."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg

from attribution_dagster.assets.journey_model import MAIN, MEMBER, open_journey_models, write_rows
from attribution_dagster.assets.journeys import journey_values, journeys_spec, open_journeys
from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.graph import DatasetAssets
from attribution_dagster.reports.markdown import markdown_table
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.queries import load_query

if TYPE_CHECKING:
    from attribution_dagster.core.journeys.lstm import JourneyModel

ASSET = "ad_counterfactuals"
TABLES = ("ad_counterfactuals", "ad_event_counterfactuals", "ad_responses")
CAUTION = (
    "Purchases that the model would not expect without the ads, at equal logged intent. It is a cause only as far as that intent is all there "
    "is: compare ad_increments."
)
_CODE = code_version("assets/ad_counterfactuals.py", "core/journeys", "sql/journeys")


def counterfactual_assets(assets: DatasetAssets) -> list[dg.AssetsDefinition]:
    """The asset `ad_counterfactuals`."""
    workspace, profile = assets.workspace, assets.workspace.profile
    deps = ["events", "ad_journeys", "journey_model"]

    @dg.asset(**assets.options(ASSET, deps=deps, kinds={"pytorch"}, group="step3_journeys", code=_CODE))
    def ad_counterfactuals(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Purchases that each campaign and each impression added, by journeys with and without them; campaigns' credit adds up to the increment over no ads."""
        return make(
            context,
            workspace,
            ASSET,
            reads=lambda key: [(name, key) for name in deps],
            settings=lambda _: journeys_spec(profile).model_dump(),
            code=_CODE,
            exists=lambda step: step.table(*TABLES),
            build=_build,
        )

    return [ad_counterfactuals]


def ensemble(workspace: Workspace, key: str) -> "list[JourneyModel]":
    """The window's adjusted model, then its members."""
    models = open_journey_models(workspace, key)
    return [models[MAIN], *(model for name, model in models.items() if name.startswith(MEMBER))]


def _build(step: Step) -> Report:
    import torch

    from attribution_dagster.core.journeys.tables import counterfactuals

    workspace, key = step.workspace, step.window_key
    torch.set_num_threads(workspace.settings.threads)
    control = journeys_spec(workspace.profile).negative_control
    found = counterfactuals(ensemble(workspace, key), open_journeys(workspace, key), _spent(workspace, key), control)
    rows = {
        "ad_counterfactuals": found.campaigns,
        "ad_event_counterfactuals": found.impressions,
        "ad_responses": found.responses,
    }
    written = write_rows(step, rows)
    columns = ("campaign_id", "purchases_added", "effect_low", "effect_high", "cost_usd", "cost_per_purchase_usd")
    total = found.campaigns[0]
    return {
        "rows": len(found.campaigns),
        "purchases_added": total["purchases_added"],
        "credited": sum(row["purchases_added"] for row in found.campaigns[1:]),
        "counterfactuals_per_second": round(found.per_second),
        "campaigns": {"markdown": markdown_table(written["ad_counterfactuals"], columns, rows=len(found.campaigns))},
        "responses": {"markdown": markdown_table(written["ad_responses"].drop_columns(["window_start"]), rows=30)},
        "caution": CAUTION,
    }


def _spent(workspace: Workspace, key: str) -> Mapping[str, Mapping[str, Any]]:
    """Impressions and cost of the window, by campaign."""
    query, values = load_query("journeys/ad_campaign_totals"), journey_values(workspace, key)
    wanted = {name: value for name, value in values.items() if name in query.parameters}
    return {row["campaign_id"]: row for row in workspace.fetch(query, key, **wanted).to_pylist()}
