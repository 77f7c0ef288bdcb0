"""What a person looks at: a picture per variant, and the comparison that shows how much the funnel gives away."""

import base64
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa

from attribution_dagster.assets.changes import CODE, build_changes
from attribution_dagster.assets.model_card import standing_of
from attribution_dagster.assets.showing import leakage_warning, top_rows
from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.assets.tracking import explaining_model, log_window
from attribution_dagster.core.signals import retrained
from attribution_dagster.graph import AGGREGATES, DatasetAssets
from attribution_dagster.reports.caveats import LEAKAGE_SENTENCE, MODEL_NOT_CAUSE
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.queries import load_query

_PANELS = ("event_type_attribution", "position_attribution", "event_position_attribution")
_CODE_REPORT = code_version("assets/report.py", "core/signals.py", "reports")
_CODE_LEAKAGE = code_version(*CODE, "sql/marts/leakage_comparison.sql")
INLINE_WIDTH = 1040
"""Pixels of the picture in the UI; the file beside the exports has them all."""
NO_FUNNEL, WITH_FUNNEL = "no_funnel", "with_funnel"


def report_assets(assets: DatasetAssets, variant: str) -> list[dg.AssetsDefinition]:
    """The variant's asset `attribution_report`."""
    workspace, profile = assets.workspace, assets.workspace.profile
    asset = f"{variant}/attribution_report"
    reads = [f"{variant}/{name}" for name in (*_PANELS, "trained_model", "attribution_trust", "model_card")]

    @dg.asset(
        **assets.options(
            asset,
            deps=reads,
            kinds={"matplotlib"},
            group=f"step3_{variant}",
            code=_CODE_REPORT,
            leaks=profile.variants[variant].leaks,
        )
    )
    def attribution_report(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """One picture of the window: the strongest event types, positions, converted against other sessions, and event types by position."""
        return make(
            context,
            workspace,
            asset,
            reads=lambda key: [(name, key) for name in reads],
            settings=lambda key: [
                profile.title,
                profile.simulated,
                profile.variants[variant].model_dump(),
                export_folder(workspace, key),
            ],
            code=_CODE_REPORT,
            exists=Step.artifact,
            build=lambda step: _draw(step, variant),
        )

    return [attribution_report]


def leakage_assets(assets: DatasetAssets) -> list[dg.AssetsDefinition]:
    """The asset `leakage_comparison`, where the dataset has both variants it compares."""
    workspace, profile = assets.workspace, assets.workspace.profile
    if not {NO_FUNNEL, WITH_FUNNEL} <= set(profile.variants):
        return []
    of_variant = ("event_attribution", "event_type_attribution")
    reads = ["suspected_leakage", *(f"{variant}/{name}" for variant in (NO_FUNNEL, WITH_FUNNEL) for name in of_variant)]

    @dg.asset(
        **assets.options(
            "leakage_comparison", deps=reads, kinds={"sql"}, group="step4_results", code=_CODE_LEAKAGE, leaks=True
        )
    )
    def leakage_comparison(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """How each event type's lift changes when the model may see the funnel: what the funnel gives away."""
        return make(
            context,
            workspace,
            "leakage_comparison",
            reads=lambda key: [(name, key) for name in reads],
            settings=lambda _: None,
            code=_CODE_LEAKAGE,
            exists=lambda step: step.table("leakage_comparison"),
            build=_compare,
        )

    return [leakage_comparison]


def picture(step_folder: Path) -> Path:
    """The one picture in a report's folder."""
    return next(step_folder.glob("*.png"))


def export_folder(workspace: Workspace, window_key: str) -> str:
    """Where the window's files are written when it is published."""
    return str(workspace.settings.exports / workspace.profile.name / window_key)


def _draw(step: Step, variant: str) -> Report:
    from attribution_dagster.reports.panels import PanelHeader, PanelTables, save_panels

    workspace, profile, key = step.workspace, step.workspace.profile, step.window_key
    events, positions, grid = (workspace.slice_of(f"{AGGREGATES[name]}_{variant}", key) for name in _PANELS)
    spread = workspace.slice_of(f"attribution_spread_{variant}", key).to_pylist()
    events, types_again = _retrained(events, spread, "event_type", "event_type")
    positions, positions_again = _retrained(positions, spread, "position", "position_bin")
    metrics = transformer_metrics(step, variant)
    header = PanelHeader(
        dataset_title=profile.title,
        window_key=key,
        variant=variant,
        sessions=metrics["n_sessions"],
        converted=metrics["n_converted"],
        auc=metrics["auc"],
        auc_low=metrics["auc_low"],
        auc_high=metrics["auc_high"],
        simulated=profile.simulated,
        leaks=profile.variants[variant].leaks,
        # What sees the funnel is ranked to show what the funnel gives away, and says so.
        is_ranked=standing_of(workspace, variant, key).ranks or profile.variants[variant].leaks,
    )
    again = frozenset(name for name, known in (("events", types_again), ("positions", positions_again)) if known)
    tables = PanelTables(events=events, positions=positions, event_positions=grid, retrained=again)
    workspace.artifacts.create(step.asset, key, step.version, lambda folder: save_panels(folder, tables, header))
    folder = workspace.artifacts.folder(step.asset, key, step.version)
    assert folder is not None
    png = picture(folder).read_bytes()
    model = explaining_model(step, variant)
    warning = leakage_warning(profile, variant)
    return {
        "panels": {"markdown": f"![The four panels](data:image/png;base64,{inline_picture(picture(folder))})"},
        "file": {"path": str(picture(folder))},
        "exports": {"path": export_folder(workspace, key)},
        "model": model["model"],
        "mlflow": log_window(step, variant, model["mlflow_run_id"], pictures={picture(folder).name: png}),
        "caution": MODEL_NOT_CAUSE,
        **warning,
    }


def _retrained(
    table: pa.Table, spread: Sequence[Mapping[str, Any]], granularity: str, name: str
) -> tuple[pa.Table, bool]:
    """The aggregate's rows with intervals over models trained on other users, and whether there are any."""
    known = {row["name"]: row for row in spread if row["granularity"] == granularity}
    rows = retrained(table.to_pylist(), known, by=name)
    if not any(row["is_retrained"] for row in rows):
        return table, False
    return pa.Table.from_pylist(rows).select(table.schema.names).cast(table.schema), True


def inline_picture(path: Path) -> str:
    """The picture in base64, no wider than the UI's dialog on a laptop."""
    from PIL import Image

    with Image.open(path) as image, BytesIO() as smaller:
        image.thumbnail((INLINE_WIDTH, image.height), Image.Resampling.LANCZOS)
        image.save(smaller, "PNG", optimize=True)
        return base64.b64encode(smaller.getvalue()).decode()


def transformer_metrics(step: Step, variant: str) -> dict[str, object]:
    """The model's own row of metrics over all sessions of the window's risk set."""
    rows = step.workspace.slice_of(f"model_metrics_{variant}", step.window_key).to_pylist()
    return next(row for row in rows if row["model"] == "transformer" and row["population"] == "all")


def _compare(step: Step) -> Report:
    query = load_query("marts/leakage_comparison")
    built = build_changes(step, "leakage_comparison", query)
    ranks, effects = ("no_funnel_rank", "with_funnel_rank"), ("no_funnel_effect", "with_funnel_effect")
    columns = ("event_type", "is_funnel", *ranks, *effects, "q_value")
    top = top_rows(step, "leakage_comparison", columns, "with_funnel_rank ASC NULLS LAST, event_type")
    return built | top | {"DATA LEAKAGE": LEAKAGE_SENTENCE}
