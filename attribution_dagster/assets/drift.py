"""What changed since the windows before: monitoring, made after a window is published, and in nobody's way."""

import base64
from pathlib import Path
from typing import Any

import dagster as dg

from attribution_dagster.assets.changes import CODE, build_changes
from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.graph import DatasetAssets
from attribution_dagster.reports.markdown import markdown_table
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.queries import load_query, parse_query

COMPARED_WINDOWS = 4
SHOWN_WINDOWS = 26
_CODE = code_version(*CODE, "assets/drift.py", "reports/drift.py", "sql/marts/attribution_drift.sql")


def drift_assets(assets: DatasetAssets, variant: str) -> list[dg.AssetsDefinition]:
    """The variant's asset `attribution_drift`."""
    workspace, profile = assets.workspace, assets.workspace.profile
    asset, table = f"{variant}/attribution_drift", f"attribution_drift_{variant}"
    before = dg.TimeWindowPartitionMapping(start_offset=-COMPARED_WINDOWS, allow_nonexistent_upstream_partitions=True)

    @dg.asset(
        **assets.options(
            asset,
            deps=[
                dg.AssetDep(assets.key(name), partition_mapping=before)
                for name in (f"{variant}/event_attribution", f"{variant}/trained_model", "published")
            ],
            kinds={"sql", "matplotlib"},
            group=f"step3_{variant}",
            code=_CODE,
            leaks=profile.variants[variant].leaks,
        )
    )
    def attribution_drift(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """How effects, lifts, the mix of events and the AUC differ from those of the explained windows before, with a picture over time."""
        return make(
            context,
            workspace,
            asset,
            reads=lambda key: [
                (f"{variant}/{name}", k)
                for k in compared(workspace, variant, key)
                for name in ("event_attribution", "trained_model")
            ],
            settings=lambda _: [profile.title, COMPARED_WINDOWS],
            code=_CODE,
            exists=lambda step: step.table(table) and step.artifact(),
            build=lambda step: _build(step, variant, table),
        )

    return [attribution_drift]


def compared(workspace: Workspace, variant: str, key: str) -> list[str]:
    """Keys of the window and of the explained ones among the four before it, oldest first."""
    keys = [w.key for w in workspace.explainable() if w.key <= key][-COMPARED_WINDOWS - 1 :]
    return [k for k in keys if k == key or workspace.artifacts.record(f"{variant}/event_attribution", k) is not None]


def _build(step: Step, variant: str, table: str) -> Report:
    workspace, key = step.workspace, step.window_key
    first = compared(workspace, variant, key)[0]
    query = load_query("marts/attribution_drift", variant)
    built = build_changes(step, table, query, compared_from=workspace.window(first).start)
    drift = (
        workspace.slice_of(table, key).sort_by([("effect_change_error", "descending")]).drop_columns(["window_start"])
    )
    workspace.artifacts.create(step.asset, key, step.version, lambda folder: _draw(step, variant, folder))
    folder = workspace.artifacts.folder(step.asset, key, step.version)
    assert folder is not None
    picture = next(folder.glob("*.png"))
    image = base64.b64encode(picture.read_bytes()).decode()
    return {
        **built,
        "compared_with": ", ".join(compared(workspace, variant, key)[:-1]) or "no window before it",
        "auc_change": _auc_change(step, variant, first),
        "file": {"path": str(picture)},
        "over_time": {"markdown": f"![Attribution over time](data:image/png;base64,{image})"},
        "drift": {"markdown": markdown_table(drift)},
    }


def _auc_change(step: Step, variant: str, first: str) -> float | None:
    """The window's AUC minus the mean of those before it, back to the first; None where either is unknown."""
    start, now = (step.workspace.window(key).start for key in (first, step.window_key))
    aucs = {r["window_start"]: r["auc"] for r in _own_metrics(step, variant) if r["auc"] is not None}
    before = [auc for at, auc in aucs.items() if start <= at < now]
    return aucs[now] - sum(before) / len(before) if before and now in aucs else None


def _own_metrics(step: Step, variant: str) -> list[dict[str, Any]]:
    """The model's own rows of metrics, over all sessions, of the latest windows."""
    rows = _history(step, f"model_metrics_{variant}")
    return [row for row in rows if row["model"] == "transformer" and row["population"] == "all"]


def _draw(step: Step, variant: str, folder: Path) -> None:
    from attribution_dagster.reports.drift import drift_png

    profile = step.workspace.profile
    effects = _history(step, f"transformer_event_attribution_{variant}")
    own = _own_metrics(step, variant)
    supported = [row for row in effects if row["has_minimum_support"]]
    picture = drift_png(f"{profile.title}, {variant}", supported, own, leaks=profile.variants[variant].leaks)
    (folder / f"attribution_drift_{variant}.png").write_bytes(picture)


def _history(step: Step, table: str) -> list[dict[str, Any]]:
    """The table's rows of the latest windows up to this one, each with its `window_key`."""
    workspace = step.workspace
    windows = [w for w in workspace.explainable() if w.key <= step.window_key][-SHOWN_WINDOWS:]
    keys = {w.start: w.key for w in windows}
    query = parse_query(
        table, f"SELECT * FROM {table} WHERE window_start >= :history_start AND window_start <= :window_start"
    )
    rows = workspace.fetch(query, step.window_key, history_start=windows[0].start).to_pylist()
    return [{**row, "window_key": keys[row["window_start"]]} for row in rows]
