"""Raw conversion rates behind the effects of event types."""

import dagster as dg

from attribution_dagster.assets.showing import columns_from, leakage_warning, top_rows
from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.core.signals import MINIMUM_SUPPORT_USERS
from attribution_dagster.graph import DatasetAssets
from attribution_dagster.warehouse.queries import load_query

_CODE = code_version("assets/rates.py", "sql/marts/event_count_rates.sql")
_SHOWN = (
    "event_type",
    "count_low",
    "count_high",
    "sessions",
    "conversion_rate",
    "rate_low",
    "rate_high",
    "expected_rate",
)


def rate_assets(assets: DatasetAssets, variant: str) -> list[dg.AssetsDefinition]:
    """The variant's asset `event_count_rates`."""
    workspace, profile = assets.workspace, assets.workspace.profile
    asset, table = f"{variant}/event_count_rates", f"event_count_rates_{variant}"
    reads = [f"{variant}/event_attribution", "risk_set"]
    query = load_query("marts/event_count_rates", variant)
    leaks = profile.variants[variant].leaks

    @dg.asset(
        **assets.options(asset, deps=reads, kinds={"sql"}, group=f"step3_{variant}", code=_CODE, leaks=leaks),
    )
    def event_count_rates(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """How often compared sessions convert, by how often each event type occurs in them: the raw rates to hold beside the model's effects."""
        return make(
            context,
            workspace,
            asset,
            reads=lambda key: [(name, key) for name in reads],
            settings=lambda _: MINIMUM_SUPPORT_USERS,
            code=_CODE,
            exists=lambda step: step.table(table),
            build=build,
        )

    def build(step: Step) -> Report:
        rows = step.build_table(table, query, minimum_support=MINIMUM_SUPPORT_USERS)
        top = top_rows(step, table, _SHOWN, "event_type ASC, decile ASC")
        return {"rows": rows} | top | columns_from(step, query) | leakage_warning(workspace.profile, variant)

    return [event_count_rates]
