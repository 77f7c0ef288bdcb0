"""What the commands show of published windows."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
from rich.console import Group
from rich.markdown import Markdown
from rich.text import Text

from attribution_dagster.assets.exporting import unranked, window_pictures, write_exports
from attribution_dagster.assets.report import export_folder
from attribution_dagster.cli.customers import trait_sentences
from attribution_dagster.cli.tables import Rows
from attribution_dagster.errors import AttributionError, DataError
from attribution_dagster.graph import written_tables
from attribution_dagster.reports.labels import one_line
from attribution_dagster.reports.panels import picture_name
from attribution_dagster.reports.summary import RunSummary, VariantSummary
from attribution_dagster.resources.published_window import standings
from attribution_dagster.resources.workspace import WHOLE, Workspace
from attribution_dagster.warehouse.queries import Query, is_select, parse_query


def summarise(workspace: Workspace, window_key: str, *, duration_s: float | None) -> RunSummary:
    """What a person reads at the end: every figure comes from the published tables."""
    profile = workspace.profile
    folder = Path(export_folder(workspace, window_key))
    return RunSummary(
        dataset_title=profile.title,
        window_key=window_key,
        simulated=profile.simulated,
        variants=[_variant(workspace, window_key, name) for name in profile.variants],
        planted=_planted(workspace),
        suspected=_suspected(workspace, window_key),
        findings=_findings(workspace, window_key),
        traits=trait_sentences(workspace, window_key),
        files={
            "tables and pictures": str(folder),
            "the picture": str(folder / picture_name()),
            "findings": str(folder / "findings.html"),
            "MLflow": _store(workspace),
            "Dagster": f"attribution ui --dataset {profile.name}, then http://127.0.0.1:3000",
        },
        duration_s=duration_s,
        **_events(workspace, window_key),
    )


_PAGES = {"experiment": "recommendation.md", "sessions": "session_conversion.md"}


def page_of_run(workspace: Workspace, window_key: str) -> Markdown:
    """What a person reads at the end of the run of a dataset without events: the page that was published, and where the files are."""
    folder = Path(export_folder(workspace, window_key))
    text = (folder / _PAGES[workspace.profile.kind]).read_text(encoding="utf-8")
    return Markdown(f"{text}\n\nTables, pictures and this page: {folder}")


def _events(workspace: Workspace, window_key: str) -> dict[str, Any]:
    """How many events the window has, and how many of them were rejected, by reason."""
    record = workspace.artifacts.record("events", window_key)
    report = record.report if record is not None else {}
    return {"events": report.get("events_in_window", 0), "rejected": report.get("rejected_by_reason", {})}


def _variant(workspace: Workspace, window_key: str, variant: str) -> VariantSummary:
    rows = _published(workspace, f"model_metrics_{variant}", window_key).to_pylist()
    populations: dict[str, dict[str, dict[str, float | None]]] = {}
    for row in rows:
        populations.setdefault(row["population"], {})[row["model"]] = row
    metrics = populations.pop("all")
    populations.pop("unseen", None)
    manifest = workspace.warehouse.manifest(window_key)
    standing = standings(manifest).get(variant) if manifest is not None else None
    return VariantSummary(
        variant=variant,
        leaks=workspace.profile.variants[variant].leaks,
        sessions=metrics["transformer"]["n_sessions"],
        converted=metrics["transformer"]["n_converted"],
        events=_published(workspace, f"transformer_event_attribution_{variant}", window_key),
        metrics=metrics,
        pairs=_published(workspace, f"transformer_pair_attribution_{variant}", window_key).to_pylist(),
        spread={
            row["name"]: row
            for row in _published(workspace, f"attribution_spread_{variant}", window_key).to_pylist()
            if row["granularity"] == "event_type"
        },
        elsewhere=populations,
        state=standing.state if standing else "",
        reasons=standing.reasons if standing else (),
        is_ranked=variant not in unranked(workspace, window_key),
    )


def _suspected(workspace: Workspace, window_key: str) -> Mapping[str, bool]:
    """Event types that announce the conversion -> whether the dataset's funnel list has them."""
    rows = _published(workspace, "suspected_leakage", window_key).to_pylist()
    return {row["event_type"]: row["is_funnel"] for row in rows if row["is_suspected"]}


def _findings(workspace: Workspace, window_key: str) -> list[str]:
    """The sentences of the window's findings in order of rank, and the experiment's size; unranked ones by name."""
    if not workspace.profile.claiming:
        return []
    query = parse_query(
        "findings",
        "SELECT sentence, sessions_per_arm FROM findings_history WHERE window_start = :window_start "
        "ORDER BY finding_rank ASC NULLS LAST, variant, event_type",
    )
    rows = workspace.warehouse.fetch(
        query, {"window_start": workspace.window(window_key).start}, scope="published"
    ).to_pylist()
    size = " Its test takes {:,} sessions per arm."
    return [row["sentence"] + (size.format(row["sessions_per_arm"]) if row["sessions_per_arm"] else "") for row in rows]


def _published(workspace: Workspace, table: str, window_key: str) -> pa.Table:
    query = parse_query(table, f"SELECT * FROM {table}_history WHERE window_start = :window_start")
    return workspace.warehouse.fetch(query, {"window_start": workspace.window(window_key).start}, scope="published")


def _store(workspace: Workspace) -> str:
    uri = workspace.settings.mlflow_tracking_uri
    return f"mlflow ui --backend-store-uri {uri}" if uri.startswith("sqlite") else uri


def _planted(workspace: Workspace) -> Mapping[str, float] | None:
    """Mean planted effect by event type, where the events were simulated and their truth lies beside them."""
    record = workspace.artifacts.record("source", WHOLE)
    if record is None or not workspace.profile.simulated:
        return None
    truth = Path(record.report["first_file"]["path"]).parent.parent / "truth" / "event_types.csv"
    if not truth.exists():
        return None
    with truth.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    return {row["event_type"]: float(row["mean_effect_logits"]) for row in rows if row["is_funnel"].lower() != "true"}


def query_table(workspace: Workspace, text: str, limit: int, *, work: bool = False) -> Group:
    """The first rows of a query over the published tables, or over the work area's.

    Raises:
        AttributionError: the text is not one SELECT, or nothing is published, or the engine refuses it.
    """
    query = parse_query("the query", text)
    if not workspace.warehouse.published_windows():
        raise AttributionError(
            f"nothing of {workspace.profile.name} is published yet: attribution run --dataset {workspace.profile.name}"
        )
    if not is_select(query):
        raise AttributionError("only SELECT is answered here: the tables are made by the assets")
    if not work:
        _refuse_unpublished(workspace, query)
    result = workspace.warehouse.fetch(query, {}, scope="work" if work else "published")
    shown = Rows(
        headings=[one_line(name) for name in result.column_names],
        rows=[[_cell(value) for value in row.values()] for row in result.slice(0, limit).to_pylist()],
    )
    more = f"{result.num_rows} rows" + (f", the first {limit} shown" if result.num_rows > limit else "")
    return Group(shown, Text(more, style="dim"))


def _refuse_unpublished(workspace: Workspace, query: Query) -> None:
    """Raises AttributionError if a table exists in the work area only: an empty answer would be a wrong one."""
    manifest = workspace.warehouse.manifest(workspace.warehouse.published_windows()[-1])
    known = set(manifest.tables) if manifest else set()
    made = {name for names in written_tables(workspace.profile).values() for name in names}
    unpublished = sorted(name for name in query.tables if name in made - known)
    if unpublished:
        raise AttributionError(
            f"{', '.join(unpublished)} is not published; it is a table of the work area, all windows in one: add --work"
        )


def _cell(value: object) -> str:
    if value is None:
        return "NULL"
    return f"{value:.6g}" if isinstance(value, float) else one_line(str(value))


def export_window(workspace: Workspace, window: str | None, out: Path | None) -> list[str]:
    """Paths of the files written from a published window.

    Raises:
        DataError: the window is not published.
    """
    known = workspace.warehouse.published_windows()
    key = window if window is not None else (known[-1] if known else None)
    if key is None or key not in known:
        raise DataError(
            f"window {key} of {workspace.profile.name} is not published; published are {', '.join(known) or 'none'}. "
            f"Make it with attribution run --dataset {workspace.profile.name}"
        )
    return write_exports(workspace, key, window_pictures(workspace, key), str(out) if out else None)
