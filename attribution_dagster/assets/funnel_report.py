"""The funnel with what abandonment costs, under assumptions that stand beside the amounts."""

from typing import Any

import dagster as dg

from attribution_dagster.assets.conversion_model import write_rows
from attribution_dagster.assets.showing import columns_from
from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.core.conversion.abandonment import lost_revenue
from attribution_dagster.datasets.result_specs import ConversionSpec
from attribution_dagster.graph import DatasetAssets
from attribution_dagster.reports.markdown import markdown_table
from attribution_dagster.warehouse.queries import load_query

TABLE = "funnel_report"
_CODE = code_version("assets/funnel_report.py", "core/conversion/abandonment.py", "sql/sessions/funnel_abandonment.sql")
_COMPUTED = {
    "order_value_usd": (),
    "recoverable_share": (),
    "lost_revenue_usd": ("abandoned",),
    "lost_revenue_low_usd": ("abandoned_share_low", "sessions"),
    "lost_revenue_high_usd": ("abandoned_share_high", "sessions"),
}
"""Column that is computed here -> columns of the statement that it is computed from."""
_SHOWN = (
    "stage",
    "sessions",
    "abandoned",
    "drop_off",
    "lost_revenue_low_usd",
    "lost_revenue_usd",
    "lost_revenue_high_usd",
)


def funnel_report_assets(assets: DatasetAssets) -> list[dg.AssetsDefinition]:
    """The asset `funnel_report`."""
    workspace, reads = assets.workspace, ["session_funnels", "funnel_metrics"]
    spec = workspace.profile.conversion

    @dg.asset(**assets.options(TABLE, deps=reads, kinds={"sql"}, group="step3_conversion", code=_CODE))
    def funnel_report(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """How many sessions are abandoned after each stage, where most are lost, and what that costs if a stated share could be won back."""
        return make(
            context,
            workspace,
            TABLE,
            reads=lambda key: [(name, key) for name in reads],
            settings=lambda _: [spec.order_value_usd, spec.recoverable_share],
            code=_CODE,
            exists=lambda step: step.table(TABLE),
            build=_build,
        )

    return [funnel_report]


def _build(step: Step) -> Report:
    workspace = step.workspace
    query = load_query("sessions/funnel_abandonment")
    stages = workspace.fetch(query, step.window_key).to_pylist()
    rows = write_rows(step, TABLE, [_row(stage, workspace.profile.conversion) for stage in stages])
    table = workspace.slice_of(TABLE, step.window_key)
    return {
        "rows": rows,
        "funnel": {"markdown": markdown_table(table.sort_by("stage_order"), _SHOWN)},
        "assumptions": workspace.profile.conversion.model_dump(include={"order_value_usd", "recoverable_share"}),
    } | columns_from(step, query, added=_COMPUTED)


def _row(stage: dict[str, Any], spec: ConversionSpec) -> dict[str, Any]:
    lost = lost_revenue(
        stage["sessions"],
        stage["abandoned"],
        (stage["abandoned_share_low"], stage["abandoned_share_high"]),
        order_value_usd=spec.order_value_usd,
        recoverable_share=spec.recoverable_share,
    )
    return {
        **stage,
        "order_value_usd": spec.order_value_usd,
        "recoverable_share": spec.recoverable_share[1],
        "lost_revenue_usd": lost.expected_usd,
        "lost_revenue_low_usd": lost.low_usd,
        "lost_revenue_high_usd": lost.high_usd,
    }
