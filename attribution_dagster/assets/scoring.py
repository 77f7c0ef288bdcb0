"""Scores of a window's new sessions, in batch: by the champion, which has not learnt from them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import dagster as dg
import pyarrow as pa

from attribution_dagster.assets.method_comparison import default_method
from attribution_dagster.assets.promotion import load_version
from attribution_dagster.assets.showing import leakage_warning, top_rows
from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.graph import DatasetAssets
from attribution_dagster.resources.model_registry import RegisteredVersion
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.queries import load_query, parse_query

if TYPE_CHECKING:
    from attribution_dagster.core.models.transformer import AttributionModel

_CODE = code_version(
    "assets/scoring.py",
    "core/scoring",
    "core/attribution",
    "core/models",
    "core/sequences",
    "sql/features/scored_events.sql",
)


def scoring_assets(assets: DatasetAssets, variant: str) -> list[dg.AssetsDefinition]:
    """The variant's asset `session_scores`."""
    workspace, profile = assets.workspace, assets.workspace.profile
    asset, table = f"{variant}/session_scores", f"session_scores_{variant}"
    reads = ["sessions", f"{variant}/champion"]

    @dg.asset(
        **assets.options(
            asset,
            deps=reads,
            kinds={"pytorch"},
            group=f"step3_{variant}",
            code=_CODE,
            leaks=profile.variants[variant].leaks,
        )
    )
    def session_scores(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Batch scoring: the champion's probability and top reasons for every session of the window, all users, as it stood after the gate."""
        return make(
            context,
            workspace,
            asset,
            reads=lambda key: [(name, key) for name in reads],
            settings=lambda key: [
                _champion(workspace, variant, key).get("champion"),
                profile.attribution.method,
                profile.variants[variant].model_dump(),
                profile.roles.model_dump(),
            ],
            code=_CODE,
            exists=lambda step: step.table(table),
            build=lambda step: _score(step, variant, table),
        )

    return [session_scores]


def _champion(workspace: Workspace, variant: str, key: str) -> Mapping[str, Any]:
    """What the gate reported of the window: the champion as it stood then."""
    record = workspace.artifacts.record(f"{variant}/champion", key)
    assert record is not None  # its version is an input
    return record.report


def _score(step: Step, variant: str, table: str) -> Report:
    workspace = step.workspace
    number = _champion(workspace, variant, step.window_key).get("champion_number")
    if number is None:
        return _nothing(step, table, "no model has passed the gate yet")
    champion = workspace.registry.version(variant, number)
    try:
        model = load_version(workspace, champion)
    except (ValueError, RuntimeError) as error:  # of another format, as the gate may find too
        return _nothing(step, table, f"{champion.name} can't be loaded ({str(error).splitlines()[0]})")
    with TemporaryDirectory(prefix="attribution-") as scratch:
        scored = _scored(step, variant, champion, model, Path(scratch))
        rows = workspace.warehouse.load(table, step.window_key, step.version, scored)
    columns = (
        "probability",
        "label",
        "n_read",
        "n_unknown",
        "reason_1",
        "reason_1_attribution",
        "reason_2",
        "reason_2_attribution",
    )
    warning = leakage_warning(workspace.profile, variant)
    shown = top_rows(step, table, columns, "probability DESC, session_id")
    said = {"scored_by": champion.name, "is_new": _is_new(step, champion), **_unknown(step, table)}
    return {"rows": rows, **said, **shown, **warning}


def _unknown(step: Step, table: str) -> Report:
    """How many events were read, and how many of them have a type that the champion has not learnt."""
    totals = "COALESCE(SUM(n_read), 0) AS events_read, COALESCE(SUM(n_unknown), 0) AS events_of_unknown_type"
    query = parse_query(f"events of {table}", f"SELECT {totals} FROM {table} WHERE window_start = :window_start")
    (row,) = step.workspace.fetch(query, step.window_key).to_pylist()
    return {name: int(count) for name, count in row.items()}


def _nothing(step: Step, table: str, reason: str) -> Report:
    step.workspace.warehouse.load(table, step.window_key, step.version, ())
    return {"rows": 0, "scored_by": f"nobody: {reason}"}


def _scored(
    step: Step, variant: str, champion: RegisteredVersion, model: "AttributionModel", scratch: Path
) -> Iterator[pa.RecordBatch]:
    """The rows of the table; sequences are made under `scratch` by the code that makes a training's."""
    import torch

    from attribution_dagster.core.scoring.batch import score_sessions
    from attribution_dagster.core.sequences.builder import build_sequences
    from attribution_dagster.core.sequences.sequence_set import SequenceSet

    workspace, key = step.workspace, step.window_key
    torch.set_num_threads(workspace.settings.threads)
    query = load_query("features/scored_events")
    values = workspace.bound(query, key, funnel_rule=workspace.profile.variants[variant].funnel)
    folder = scratch / "sequences"
    build_sequences(workspace.warehouse.stream(query, values), model.spec.categories, model.spec.numbers, folder)
    known = {"window_start": workspace.window(key).start, "model": champion.name, "is_new": _is_new(step, champion)}
    method = default_method(workspace)
    for batch in score_sessions(model, SequenceSet.open(folder), method, workspace.progress.advance):
        added = {name: pa.array([value] * batch.num_rows) for name, value in known.items()}
        yield pa.RecordBatch.from_pydict({**dict(zip(batch.schema.names, batch.columns, strict=True)), **added})


def _is_new(step: Step, champion: RegisteredVersion) -> bool:
    """Whether the champion was trained for this window or one before: on windows that were over by then."""
    return champion.trained_for <= step.window_key
