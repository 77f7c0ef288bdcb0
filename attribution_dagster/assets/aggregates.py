"""What is said of groups of attributed events: one asset computes it for all of them, an asset each publishes its part."""

import dagster as dg

from attribution_dagster.assets.showing import columns_from, leakage_warning, top_rows
from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.assets.tracking import explaining_model, log_window
from attribution_dagster.core.signals import signal_bounds
from attribution_dagster.graph import AGGREGATES, DatasetAssets
from attribution_dagster.warehouse.queries import load_query

STATISTICS = "attribution_statistics"
NAMES = {
    "event_type_attribution": ("event_type",),
    "position_attribution": ("position_bin",),
    "store_attribution": ("store_id", "store_name"),
    "category_attribution": ("primary_category", "primary_tag"),
    "event_position_attribution": ("event_type", "position_bin"),
}
"""Columns that name what an aggregate ranks."""
EFFECT = ("mean_centred_effect", "effect_low", "effect_high", "q_value", "users")
QUESTIONS = {
    "event_type_attribution": "Which event types drive conversion, and which hold it back?",
    "position_attribution": "Do events matter more early in a session, or late?",
    "store_attribution": "At which stores do events drive conversion, and at which do they hold it back?",
    "category_attribution": "Which categories and tags drive conversion, and which hold it back?",
    "event_position_attribution": "Which event types matter early in a session, and which late?",
}
"""What a newcomer would ask of an aggregate."""


def aggregate_assets(assets: DatasetAssets, variant: str) -> list[dg.AssetsDefinition]:
    """The variant's asset `attribution_statistics` and one for each aggregate."""
    return [_statistics(assets, variant), *(_aggregate(assets, variant, name) for name in AGGREGATES)]


def _statistics(assets: DatasetAssets, variant: str) -> dg.AssetsDefinition:
    workspace, profile = assets.workspace, assets.workspace.profile
    asset, table = f"{variant}/{STATISTICS}", f"{STATISTICS}_{variant}"
    query = load_query(f"marts/{STATISTICS}", variant)
    code = code_version(f"sql/marts/{STATISTICS}.sql")

    @dg.asset(
        **assets.options(
            asset,
            deps=[f"{variant}/event_attribution"],
            kinds={"sql"},
            group=f"step3_{variant}",
            code=code,
            description=f"How sure are we of each effect? {_sentence(query.text)}",
            leaks=profile.variants[variant].leaks,
        )
    )
    def statistics(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        return make(
            context,
            workspace,
            asset,
            reads=lambda key: [(f"{variant}/event_attribution", key)],
            settings=lambda _: signal_bounds(),
            code=code,
            exists=lambda step: step.table(table),
            build=build,
        )

    def build(step: Step) -> Report:
        rows = step.build_table(table, query, **signal_bounds())
        columns = ("granularity", "name_1", "name_2", "mean_centred_effect", "standard_error", "q_value")
        top = top_rows(step, table, columns, "q_value ASC NULLS LAST, p_value, granularity, name_1, name_2")
        return {"rows": rows} | top | columns_from(step, query) | leakage_warning(step.workspace.profile, variant)

    return statistics


def _aggregate(assets: DatasetAssets, variant: str, name: str) -> dg.AssetsDefinition:
    workspace, profile = assets.workspace, assets.workspace.profile
    asset, table = f"{variant}/{name}", AGGREGATES[name]
    query = load_query(f"marts/{table}", variant)
    code = code_version(f"sql/marts/{table}.sql")

    @dg.asset(
        **assets.options(
            asset,
            deps=[f"{variant}/{STATISTICS}"],
            kinds={"sql"},
            group=f"step3_{variant}",
            code=code,
            description=f"{QUESTIONS[name]} {_sentence(query.text)}",
            leaks=profile.variants[variant].leaks,
        )
    )
    def aggregate(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        return make(
            context,
            workspace,
            asset,
            reads=lambda key: [(f"{variant}/{STATISTICS}", key)],
            settings=lambda _: profile.roles.model_dump(),
            code=code,
            exists=lambda step: step.table(f"{table}_{variant}"),
            build=build,
        )

    def build(step: Step) -> Report:
        written, names = f"{table}_{variant}", NAMES[name]
        rows = step.build_table(written, query)
        order = ", ".join(f"{column} ASC NULLS LAST" for column in ("driver_rank", *names))
        top = top_rows(step, written, ("driver_rank", *names, *EFFECT), order, distinct=True)
        ranked = workspace.slice_of(written, step.window_key).sort_by("driver_rank").drop_columns(["window_start"])
        logged = log_window(step, variant, explaining_model(step, variant)["mlflow_run_id"], tables={name: ranked})
        return (
            {"rows": rows, "mlflow": logged}
            | top
            | columns_from(step, query)
            | leakage_warning(step.workspace.profile, variant)
        )

    return aggregate


def _sentence(sql: str) -> str:
    """The comment at the head of a SQL file: what the table is, and its grain."""
    lines = []
    for line in sql.splitlines():
        if not line.startswith("--"):
            break
        lines.append(line.removeprefix("--").strip())
    return " ".join(lines)
