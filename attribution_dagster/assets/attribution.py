"""Attribution of every event of the window."""

from functools import partial

import dagster as dg

from attribution_dagster.assets.method_comparison import default_method
from attribution_dagster.assets.sequences import open_sequences, sequence_query
from attribution_dagster.assets.showing import leakage_warning, top_rows
from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.assets.training import model_folder, open_model
from attribution_dagster.core.sequences.sequence_set import SequenceSet
from attribution_dagster.graph import DatasetAssets
from attribution_dagster.reports.caveats import MODEL_NOT_CAUSE
from attribution_dagster.warehouse.protocol import Mapper

_CODE_EVENTS = code_version("assets/attribution.py", "core/attribution", "core/models", "core/sequences")


def attribution_assets(assets: DatasetAssets, variant: str) -> list[dg.AssetsDefinition]:
    """The variant's asset `event_attribution`."""
    return [_event_attribution(assets, variant)]


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
    workspace, table = step.workspace, f"gradient_attribution_{variant}"
    method, sequences = default_method(workspace), open_sequences(workspace, variant, step.window_key)
    if isinstance(workspace.warehouse, Mapper):
        rows = _attribute_there(step, variant, workspace.warehouse, method)
    else:
        rows = _attribute_here(step, variant, sequences, method)
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
    return report | explained_by | top | leakage_warning(step.workspace.profile, variant)


def _attribute_here(step: Step, variant: str, sequences: SequenceSet, method: str) -> int:
    """Explains the window's sequences in this process; the number of rows written."""
    import torch

    from attribution_dagster.core.attribution.sessions import attribute_sessions
    from attribution_dagster.core.attribution.streams import stamped

    workspace = step.workspace
    torch.set_num_threads(workspace.settings.threads)
    model, start = open_model(workspace, variant, step.window_key), workspace.window(step.window_key).start
    found = attribute_sessions(model, sequences, method, progress=workspace.progress.advance)
    table = f"gradient_attribution_{variant}"
    return workspace.warehouse.load(table, step.window_key, step.version, stamped(found, start))


def _attribute_there(step: Step, variant: str, warehouse: Mapper, method: str) -> int:
    """Explains the window's sequences where the warehouse has them; the number of rows written."""
    from attribution_dagster.core.attribution.sessions import EVENTS_PER_CHUNK
    from attribution_dagster.core.attribution.streams import attribute_elsewhere
    from attribution_dagster.core.models.storage import model_bytes

    workspace, key = step.workspace, step.window_key
    query, values = sequence_query(workspace, variant, key)
    function = partial(attribute_elsewhere, method=method, window_start=workspace.window(key).start)
    model = model_bytes(model_folder(workspace, variant, key))
    table = f"gradient_attribution_{variant}"
    return warehouse.map_sessions(table, key, step.version, query, values, function, model, EVENTS_PER_CHUNK)
