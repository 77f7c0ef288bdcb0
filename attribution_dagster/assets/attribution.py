"""Attribution of every event of the window, and the tables that sum it up."""

from collections.abc import Iterator

import dagster as dg
import pyarrow as pa

from attribution_dagster.assets.sequences import open_sequences
from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.assets.tracking import explaining_model, log_window
from attribution_dagster.assets.training import open_model
from attribution_dagster.graph import DatasetAssets
from attribution_dagster.reports.caveats import LEAKAGE_SENTENCE, MODEL_NOT_CAUSE
from attribution_dagster.reports.markdown import markdown_table
from attribution_dagster.warehouse.queries import load_query

MINIMUM_SUPPORT_USERS = 30
"""Users that must have had an event type, position, store or category before it is ranked."""
AGGREGATES = {
    "event_type_attribution": "transformer_event_attribution",
    "position_attribution": "transformer_position_attribution",
    "store_attribution": "transformer_store_attribution",
    "category_attribution": "transformer_category_attribution",
    "event_position_attribution": "transformer_event_position_attribution",
}
"""Asset -> its table and SQL file."""
_CODE_EVENTS = code_version("assets/attribution.py", "core/attribution", "core/models", "core/sequences")


def attribution_assets(assets: DatasetAssets, variant: str) -> list[dg.AssetsDefinition]:
    """The variant's assets `event_attribution` and one for each aggregate."""
    return [_event_attribution(assets, variant), *(_aggregate(assets, variant, name) for name in AGGREGATES)]


def _event_attribution(assets: DatasetAssets, variant: str) -> dg.AssetsDefinition:
    workspace, profile = assets.workspace, assets.workspace.profile
    asset = f"{variant}/event_attribution"
    leaks = profile.variants[variant].leaks

    @dg.asset(
        **assets.options(
            asset,
            deps=[f"{variant}/sequence_tensors", f"{variant}/trained_model"],
            kinds={"pytorch"},
            group=f"3_{variant}",
            code=_CODE_EVENTS,
            leaks=leaks,
        )
    )
    def event_attribution(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Gradient x input of every event of every session of the window: share, signed, centred and relative, with label and probability."""
        key = context.partition_key
        return make(
            context,
            workspace,
            asset,
            reads=[(f"{variant}/sequence_tensors", key), (f"{variant}/trained_model", key)],
            settings=None,
            code=_CODE_EVENTS,
            exists=lambda step: step.table(f"gradient_attribution_{variant}"),
            build=lambda step: _attribute(step, variant),
        )

    return event_attribution


def _attribute(step: Step, variant: str) -> Report:
    import torch

    from attribution_dagster.core.attribution.sessions import attribute_sessions

    workspace = step.workspace
    torch.set_num_threads(workspace.settings.threads)
    model = open_model(workspace, variant, step.window_key)
    sequences = open_sequences(workspace, variant, step.window_key)
    start = workspace.window(step.window_key).start

    def stamped() -> Iterator[pa.RecordBatch]:
        for batch in attribute_sessions(model, sequences, progress=workspace.progress.advance):
            window = pa.array([start] * batch.num_rows, type=pa.timestamp("us"))
            yield pa.RecordBatch.from_arrays([window, *batch.columns], names=["window_start", *batch.schema.names])

    table = f"gradient_attribution_{variant}"
    rows = workspace.warehouse.load(table, step.window_key, step.version, stamped())
    trained = workspace.artifacts.record(f"{variant}/trained_model", step.window_key)
    explained_by = {name: trained.report[name] for name in ("model", "mlflow_run_id")} if trained else {}
    report: dict[str, object] = {"rows": rows, "sessions": sequences.n_sessions, "caution": MODEL_NOT_CAUSE}
    return report | explained_by | _warning(step, variant)


def _aggregate(assets: DatasetAssets, variant: str, name: str) -> dg.AssetsDefinition:
    workspace, profile = assets.workspace, assets.workspace.profile
    asset, table = f"{variant}/{name}", AGGREGATES[name]
    query = load_query(f"marts/{table}", variant)
    code = code_version(f"sql/marts/{table}.sql")

    @dg.asset(
        **assets.options(
            asset,
            deps=[f"{variant}/event_attribution"],
            kinds={"sql"},
            group=f"3_{variant}",
            code=code,
            description=_sentence(query.text),
            leaks=profile.variants[variant].leaks,
        )
    )
    def aggregate(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        return make(
            context,
            workspace,
            asset,
            reads=[(f"{variant}/event_attribution", context.partition_key)],
            settings=[profile.roles.model_dump(), MINIMUM_SUPPORT_USERS],
            code=code,
            exists=lambda step: step.table(f"{table}_{variant}"),
            build=build,
        )

    def build(step: Step) -> Report:
        rows = step.build_table(f"{table}_{variant}", query, minimum_support=MINIMUM_SUPPORT_USERS)
        ranked = workspace.slice_of(f"{table}_{variant}", step.window_key).sort_by("driver_rank")
        ranked = ranked.drop_columns(["window_start"])
        model = explaining_model(step, variant)
        logged = log_window(step, variant, model["mlflow_run_id"], tables={name: ranked})
        report = {"rows": rows, "ranked": {"markdown": markdown_table(ranked)}, "mlflow": logged}
        return report | _warning(step, variant)

    return aggregate


def _warning(step: Step, variant: str) -> Report:
    return {"DATA LEAKAGE": LEAKAGE_SENTENCE} if step.workspace.profile.variants[variant].leaks else {}


def _sentence(sql: str) -> str:
    """The comment at the head of a SQL file: what the table is, and its grain."""
    lines = []
    for line in sql.splitlines():
        if not line.startswith("--"):
            break
        lines.append(line.removeprefix("--").strip())
    return " ".join(lines)
