"""Write, audit, publish: the last asset of a window shows its tables to readers, all at once, or not at all."""

from dataclasses import asdict
from pathlib import Path

import dagster as dg
import pyarrow as pa

from attribution_dagster.assets.audited import audited, tables
from attribution_dagster.assets.exporting import window_pictures, write_exports
from attribution_dagster.assets.model_card import standing_of
from attribution_dagster.assets.report import export_folder
from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.checks.gate import verdicts
from attribution_dagster.checks.pages import write_window_page
from attribution_dagster.errors import DataError
from attribution_dagster.graph import (
    DatasetAssets,
    written_tables,
)
from attribution_dagster.reports.markdown import markdown_table
from attribution_dagster.reports.window_report import FILE_NAME
from attribution_dagster.resources.artifacts import Verdict
from attribution_dagster.resources.retention import retire_and_report
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.protocol import Manifest
from attribution_dagster.warehouse.published_columns import VERSION as COLUMNS_VERSION

_CODE = code_version(
    "assets/published.py",
    "assets/audited.py",
    "assets/exporting.py",
    "reports/exports.py",
    "reports/facts.py",
    "reports/figures",
    "reports/sections",
    "reports/window_report.py",
    "reports/templates/window_report.html",
    "warehouse",
)


def published_assets(assets: DatasetAssets) -> list[dg.AssetsDefinition]:
    """The asset `published`."""
    workspace, profile = assets.workspace, assets.workspace.profile
    reads = audited(profile)

    @dg.asset(
        **assets.options("published", deps=reads, kinds={"table"}, group="step4_results", code=_CODE),
        freshness_policy=assets.freshness(),
    )
    def published(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """The window as readers see it: one manifest over all tables, swapped when every blocking check has passed on these very versions; then the exports."""
        return make(
            context,
            workspace,
            "published",
            reads=lambda key: [(name, key) for name in reads],
            settings=lambda _: [profile.title, profile.simulated, str(workspace.settings.exports)],
            code=_CODE,
            exists=lambda step: _is_published(step),
            build=_publish,
        )

    return [published]


def _is_published(step: Step) -> bool:
    manifest = step.workspace.warehouse.manifest(step.window_key)
    exported = Path(export_folder(step.workspace, step.window_key)).is_dir()
    return exported and manifest is not None and manifest.evidence.get("version") == step.version


def _publish(step: Step) -> Report:
    workspace, key = step.workspace, step.window_key
    versions, said = _audit(workspace, key)
    evidence = {
        "version": step.version,
        "dagster_run_id": step.run_id,
        "simulated": workspace.profile.simulated,
        "columns_version": COLUMNS_VERSION,
        "inputs": dict(step.inputs),
        "models": {variant: _model(workspace, variant, key) for variant in workspace.profile.variants},
        "explained_by": {variant: _explained_by(workspace, variant, key) for variant in workspace.profile.variants},
        "standings": {variant: asdict(standing_of(workspace, variant, key)) for variant in workspace.profile.variants},
        "checks": {name: verdict.summary for name, verdict in said.items()},
    }
    manifest = workspace.warehouse.publish(key, versions, evidence)
    files = write_exports(workspace, key, window_pictures(workspace, key))
    removed = retire_and_report(workspace)
    return {
        "tables": len(manifest.tables),
        "rows": sum(table.rows for table in manifest.tables.values()),
        "checks_passed": sum(1 for verdict in said.values() if verdict.passed),
        "checks_with_a_warning": sum(1 for verdict in said.values() if not verdict.passed),
        "all_checks": {"path": write_window_page(workspace, key)},
        "contents": {"markdown": markdown_table(_contents(manifest), rows=len(manifest.tables))},
        "report": {"path": str(Path(export_folder(workspace, key)) / FILE_NAME)},
        "exports": {"path": export_folder(workspace, key)},
        "files": len(files),
        **removed,
    }


def _contents(manifest: Manifest) -> pa.Table:
    """The published tables with their numbers of rows."""
    tables = manifest.tables
    return pa.table({"table": list(tables), "rows": [table.rows for table in tables.values()]})


def _model(workspace: Workspace, variant: str, key: str) -> str:
    """Name and version of the model that explains the window."""
    record = workspace.artifacts.record(f"{variant}/event_attribution", key)
    assert record is not None  # its version is an input
    return str(record.report["model"])


def _explained_by(workspace: Workspace, variant: str, key: str) -> dict[str, str]:
    """Where the sequences and the model lie that the window was explained with: what was trained since is another."""
    tensors, trained = (
        workspace.artifacts.record(f"{variant}/{name}", key) for name in ("sequence_tensors", "trained_model")
    )
    assert tensors is not None and trained is not None  # their versions are inputs
    model = {name: trained.report[name] for name in ("trained_for_window", "model_version")}
    return {"sequences_version": tensors.version, **model}


def _audit(workspace: Workspace, key: str) -> tuple[dict[str, str], dict[str, Verdict]]:
    """The version of each table that may be published, and what every check of the window said of these very versions.

    Raises:
        DataError: what is to be published does not fit together; or a blocking check failed, or has not been run on this version, here or
            on what the models were trained on. What was published before stays.
    """
    made = ancestry(workspace, key)
    said = verdicts(workspace, made, f"window {key} is not published")
    by_check = {f"{asset}: {name}": verdict for (asset, name, window), verdict in said.items() if window == key}
    written_by = {table: asset for asset, names in written_tables(workspace.profile).items() for table in names}
    return {table: made[written_by[table], key] for table in tables(workspace.profile)}, by_check


def ancestry(workspace: Workspace, key: str) -> dict[tuple[str, str], str]:
    """Version of everything that the window is published from, by asset and window, back to the source.

    Raises:
        DataError: something was made from a version of its input that has been replaced since.
    """
    made: dict[tuple[str, str], str] = {}
    open_ends = [(asset, key) for asset in audited(workspace.profile)]
    while open_ends:
        asset, window = open_ends.pop()
        if (asset, window) in made:
            continue
        record = workspace.artifacts.record(asset, window)
        if record is None:
            raise DataError(f"{asset} of window {window} has not been made: materialise it first")
        made[asset, window] = record.version
        for name, version in record.inputs.items():
            source, _, source_window = name.rpartition("@")
            now = workspace.artifacts.record(source, source_window)
            if now is None or now.version != version:
                raise DataError(
                    f"dataset {workspace.profile.name}, window {key} is not published, what was published before stays: {asset} of window "
                    f"{window} was made from another {source} of window {source_window} than there is now. Materialise {asset} again."
                )
            open_ends.append((source, source_window))
    return made
