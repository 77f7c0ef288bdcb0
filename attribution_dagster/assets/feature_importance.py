"""What ad events move the journey model, by what they were: through the same registry of methods as the transformer's."""

import dagster as dg
import numpy as np

from attribution_dagster.assets.journey_model import MAIN, open_journey_models, write_rows
from attribution_dagster.assets.journeys import open_journeys
from attribution_dagster.assets.showing import top_rows
from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.graph import DatasetAssets

ASSET = "feature_importance"
JOURNEYS = 5_000
"""Journeys with ads that are explained at most, the first by id."""
_CODE = code_version("assets/feature_importance.py", "core/journeys", "core/attribution")


def importance_assets(assets: DatasetAssets) -> list[dg.AssetsDefinition]:
    """The asset `feature_importance`."""
    workspace, deps = assets.workspace, ["ad_journeys", "journey_model"]

    @dg.asset(**assets.options(ASSET, deps=deps, kinds={"pytorch"}, group="step3_journeys", code=_CODE))
    def feature_importance(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """What an ad event adds to the journey model's logit, by type, campaign, ad type, gap and position: gradient x input, and occlusion."""
        return make(
            context,
            workspace,
            ASSET,
            reads=lambda key: [(name, key) for name in deps],
            settings=lambda _: JOURNEYS,
            code=_CODE,
            exists=lambda step: step.table("feature_importance"),
            build=_build,
        )

    return [feature_importance]


def _build(step: Step) -> Report:
    from attribution_dagster.core.journeys.importance import feature_importance

    journeys = open_journeys(step.workspace, step.window_key)
    explained = journeys.select(np.flatnonzero(journeys.sequences.lengths)[:JOURNEYS])
    model = open_journey_models(step.workspace, step.window_key)[MAIN]
    rows = feature_importance(model, explained)
    write_rows(step, {"feature_importance": rows})
    columns = ("feature", "value", "method", "mean_effect", "standard_error", "occurrences")
    shown = top_rows(step, "feature_importance", columns, "method, feature, mean_effect DESC")
    return {"rows": len(rows), "journeys": explained.sequences.n_sessions, **shown}
