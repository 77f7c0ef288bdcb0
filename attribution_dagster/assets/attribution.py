"""Attribution of every event of the window, and the tables that sum it up."""

from collections.abc import Iterator

import dagster as dg
import pyarrow as pa

from attribution_dagster.assets.method_comparison import default_method
from attribution_dagster.assets.sequences import open_sequences
from attribution_dagster.assets.showing import columns_from, top_rows
from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.assets.tracking import explaining_model, log_window
from attribution_dagster.assets.training import open_model
from attribution_dagster.graph import AGGREGATES, DatasetAssets
from attribution_dagster.reports.caveats import LEAKAGE_SENTENCE, MODEL_NOT_CAUSE
from attribution_dagster.warehouse.queries import load_query

MINIMUM_SUPPORT_USERS = 30
"""Users that must have had an event type, position, store or category before it is ranked."""
NAMES = {
    "event_type_attribution": ("event_type",),
    "position_attribution": ("position_bin",),
    "store_attribution": ("store_id", "store_name"),
    "category_attribution": ("primary_category", "primary_tag"),
    "event_position_attribution": ("event_type", "position_bin"),
}
"""Columns that name what an aggregate ranks."""
EFFECT = ("mean_centred_effect", "effect_low", "effect_high", "users")
QUESTIONS = {
    "event_type_attribution": "Which event types drive conversion, and which hold it back?",
    "position_attribution": "Do events matter more early in a session, or late?",
    "store_attribution": "At which stores do events drive conversion, and at which do they hold it back?",
    "category_attribution": "Which categories and tags drive conversion, and which hold it back?",
    "event_position_attribution": "Which event types matter early in a session, and which late?",
}
"""What a newcomer would ask of an aggregate."""
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
            group=f"step3_{variant}",
            code=_CODE_EVENTS,
            leaks=leaks,
        )
    )
    def event_attribution(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """How much each event of every sampled session moved the prediction, by the dataset's method: as a share, signed, centred and relative."""
        return make(
            context,
            workspace,
            asset,
            reads=lambda key: [(f"{variant}/sequence_tensors", key), (f"{variant}/trained_model", key)],
            settings=lambda _: profile.attribution.method,
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
    sequences, method = open_sequences(workspace, variant, step.window_key), default_method(workspace)
    start = workspace.window(step.window_key).start

    def stamped() -> Iterator[pa.RecordBatch]:
        for batch in attribute_sessions(model, sequences, method, progress=workspace.progress.advance):
            window = pa.array([start] * batch.num_rows, type=pa.timestamp("us"))
            yield pa.RecordBatch.from_arrays([window, *batch.columns], names=["window_start", *batch.schema.names])

    table = f"gradient_attribution_{variant}"
    rows = workspace.warehouse.load(table, step.window_key, step.version, stamped())
    trained = workspace.artifacts.record(f"{variant}/trained_model", step.window_key)
    explained_by = {name: trained.report[name] for name in ("model", "mlflow_run_id")} if trained else {}
    report: dict[str, object] = {
        "rows": rows,
        "sessions": sequences.n_sessions,
        "method": method,
        "caution": MODEL_NOT_CAUSE,
    }
    columns = ("event_position", "n_events", "event_type", "label", "gradient_attribution", "centred_attribution")
    top = top_rows(step, table, columns, "label DESC, session_id, event_position")
    return report | explained_by | top | _warning(step, variant)


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
            reads=lambda key: [(f"{variant}/event_attribution", key)],
            settings=lambda _: [profile.roles.model_dump(), MINIMUM_SUPPORT_USERS],
            code=code,
            exists=lambda step: step.table(f"{table}_{variant}"),
            build=build,
        )

    def build(step: Step) -> Report:
        written, names = f"{table}_{variant}", NAMES[name]
        rows = step.build_table(written, query, minimum_support=MINIMUM_SUPPORT_USERS)
        order = ", ".join(f"{column} ASC NULLS LAST" for column in ("driver_rank", *names))
        top = top_rows(step, written, ("driver_rank", *names, *EFFECT), order, distinct=True)
        ranked = workspace.slice_of(written, step.window_key).sort_by("driver_rank").drop_columns(["window_start"])
        logged = log_window(step, variant, explaining_model(step, variant)["mlflow_run_id"], tables={name: ranked})
        return {"rows": rows, "mlflow": logged} | top | columns_from(step, query) | _warning(step, variant)

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
