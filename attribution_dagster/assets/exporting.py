"""The files of a published window: its tables as CSV, its pictures, its pages and its report."""

from collections.abc import Mapping
from pathlib import Path

from attribution_dagster.assets.audited import tables
from attribution_dagster.assets.report import NO_FUNNEL, export_folder, picture
from attribution_dagster.reports.exports import READING, WindowExport
from attribution_dagster.reports.window_report import FILE_NAME
from attribution_dagster.resources.published_window import standings
from attribution_dagster.resources.window_chapters import window_html
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.queries import parse_query


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
