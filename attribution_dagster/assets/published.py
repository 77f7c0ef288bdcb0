"""Write, audit, publish: the last asset of a window shows its tables to readers, all at once, or not at all."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import dagster as dg
import pyarrow as pa

from attribution_dagster.assets.model_card import standing_of
from attribution_dagster.assets.report import NO_FUNNEL, export_folder, picture
from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.checks.gate import verdicts
from attribution_dagster.checks.pages import write_window_page
from attribution_dagster.datasets.profile import Profile
from attribution_dagster.errors import DataError
from attribution_dagster.graph import (
    AFTER_PUBLICATION,
    AGGREGATES,
    INTERNAL,
    TRAIT_TABLES,
    WITHOUT_EVENTS,
    DatasetAssets,
    journey_tables,
    written_tables,
)
from attribution_dagster.reports.exports import READING, WindowExport
from attribution_dagster.reports.markdown import markdown_table
from attribution_dagster.reports.window_report import FILE_NAME
from attribution_dagster.resources.artifacts import Verdict
from attribution_dagster.resources.published_window import standings
from attribution_dagster.resources.retention import retire_and_report
from attribution_dagster.resources.window_chapters import window_html
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.protocol import Manifest
from attribution_dagster.warehouse.published_columns import VERSION as COLUMNS_VERSION
from attribution_dagster.warehouse.queries import parse_query

_CODE = code_version(
    "assets/published.py",
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


def tables(profile: Profile) -> list[str]:
    """The tables of a window that readers see: what the audited assets write, but for those that only other assets read."""
    written = written_tables(profile)
    hidden = {table.format(variant=variant) for table in INTERNAL for variant in profile.variants or ("",)}
    return [table for asset in audited(profile) for table in written.get(asset, ()) if table not in hidden]


def audited(profile: Profile) -> list[str]:
    """The assets a window is published from; their blocking checks must have passed."""
    if profile.kind in WITHOUT_EVENTS:
        return list(WITHOUT_EVENTS[profile.kind])
    made = ["sequence_tensors", "trained_model", "event_attribution", "attribution_statistics"]
    per_variant = [
        *made,
        *AGGREGATES,
        "event_count_rates",
        "method_comparison",
        "attribution_trust",
        "attribution_report",
        "model_card",
    ]
    shared = [
        "sessions",
        "session_funnels",
        "funnel_metrics",
        "session_features",
        "funnel_report",
        "conversion_model",
        "conversion_predictions",
        "conversion_report",
        "sampled_users",
        "suspected_leakage",
    ]
    return [
        *(shared if profile.variants else []),
        *(f"{variant}/{name}" for variant in profile.variants for name in per_variant),
        *_results(profile),
        *_of_journeys(profile),
        *_of_traits(profile),
    ]


def _results(profile: Profile) -> list[str]:
    """The assets over all variants that the dataset has, each with a table of its name."""
    leaked = ["leakage_comparison"] if {"no_funnel", "with_funnel"} <= set(profile.variants) else []
    return leaked + (["findings", "conversion_comparison"] if profile.claiming else [])


def _of_journeys(profile: Profile) -> list[str]:
    """The assets of ad journeys, if the dataset has any; its source and events are not published."""
    if profile.journeys is None:
        return []
    return [*(name for name in journey_tables(profile) if name not in ("source", "events")), "journey_report"]


def _of_traits(profile: Profile) -> list[str]:
    """The assets of customer traits that are published, if the dataset has any."""
    if profile.traits is None:
        return []
    return [*(name for name in TRAIT_TABLES if name not in AFTER_PUBLICATION), "trait_report"]


def write_exports(
    workspace: Workspace, window_key: str, pictures: dict[str, bytes], folder: str | None = None
) -> list[str]:
    """Paths of the window's CSV and PNG files, written from the published tables; an older folder is replaced whole."""
    profile = workspace.profile
    start = workspace.window(window_key).start
    queries = {
        table: parse_query(table, f"SELECT * FROM {table}_history WHERE window_start = :window_start")
        for table in tables(profile)
    }
    export = WindowExport(
        title=profile.title,
        window_key=window_key,
        tables={
            table: workspace.warehouse.stream(query, {"window_start": start}, scope="published")
            for table, query in queries.items()
        },
        pictures=pictures,
        leaking=[name for name, variant in profile.variants.items() if variant.leaks],
        unranked=unranked(workspace, window_key),
        simulated=profile.simulated,
        how_to_read=READING[profile.kind],
    )
    return [str(path) for path in export.write(Path(folder or export_folder(workspace, window_key)))]


def window_pictures(workspace: Workspace, window_key: str) -> dict[str, bytes]:
    """File name -> the published window's pictures by variant, the panels of `no_funnel` also without a suffix; its pages, and its report."""
    from attribution_dagster.reports.panels import picture_name

    found: dict[str, bytes] = {}
    for variant in workspace.profile.variants:
        for asset in (f"{variant}/attribution_report", f"{variant}/attribution_trust"):
            folder = _published_folder(workspace, asset, window_key)
            if folder is not None:
                found[picture(folder).name] = picture(folder).read_bytes()
    if picture_name(NO_FUNNEL) in found:
        found[picture_name()] = found[picture_name(NO_FUNNEL)]
    report = window_html(workspace, window_key)
    return found | _pages(workspace, window_key) | ({FILE_NAME: report.encode()} if report is not None else {})


def _pages(workspace: Workspace, window_key: str) -> dict[str, bytes]:
    """File name -> pages and pictures of the window: findings, model cards, models of conversion, curves and recommendation of an experiment."""
    found: dict[str, bytes] = {}
    cards = (f"{variant}/model_card" for variant in workspace.profile.variants)
    for asset in (
        "findings",
        "conversion_report",
        *cards,
        "uplift_model",
        "roi_simulation",
        "journey_report",
        "trait_report",
    ):
        folder = _published_folder(workspace, asset, window_key)
        for path in sorted(folder.iterdir()) if folder else ():
            found[path.name] = path.read_bytes()
    return found


def _published_folder(workspace: Workspace, asset: str, window_key: str) -> Path | None:
    """The artifact that the window was published with, whatever was made since."""
    manifest = workspace.warehouse.manifest(window_key)
    inputs: Mapping[str, str] = manifest.evidence["inputs"] if manifest is not None else {}  # type: ignore[assignment]
    version = inputs.get(f"{asset}@{window_key}")
    return workspace.artifacts.folder(asset, window_key, version) if version is not None else None


def unranked(workspace: Workspace, window_key: str) -> list[str]:
    """The published window's variants by which nobody may rank. One that sees the funnel ranks, to show what the funnel gives away."""
    variants, manifest = workspace.profile.variants, workspace.warehouse.manifest(window_key)
    assert manifest is not None
    return [name for name, said in standings(manifest).items() if not (said.ranks or variants[name].leaks)]


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
