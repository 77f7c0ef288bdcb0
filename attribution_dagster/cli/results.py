"""What the commands show of published windows."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
from rich.console import Group
from rich.table import Table
from rich.text import Text

from attribution_dagster.assets.published import export_folder, window_pictures, write_exports
from attribution_dagster.cli.tables import Rows
from attribution_dagster.errors import AttributionError, DataError
from attribution_dagster.graph import tables_of
from attribution_dagster.reports.labels import one_line, shorten, signed
from attribution_dagster.reports.panels import picture_name
from attribution_dagster.reports.summary import RunSummary, VariantSummary
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
        files={
            "tables and pictures": str(folder),
            "the picture": str(folder / picture_name()),
            "MLflow": _store(workspace),
            "Dagster": f"attribution ui --dataset {profile.name}, then http://127.0.0.1:3000",
        },
        duration_s=duration_s,
        **_events(workspace, window_key),
    )


def _events(workspace: Workspace, window_key: str) -> dict[str, Any]:
    """How many events the window has, and how many of them were rejected, by reason."""
    record = workspace.artifacts.record("events", window_key)
    report = record.report if record is not None else {}
    return {"events": report.get("events_in_window", 0), "rejected": report.get("rejected_by_reason", {})}


def _variant(workspace: Workspace, window_key: str, variant: str) -> VariantSummary:
    rows = _published(workspace, f"model_metrics_{variant}", window_key).to_pylist()
    metrics = {row["model"]: row for row in rows if row["population"] == "all"}
    return VariantSummary(
        variant=variant,
        leaks=workspace.profile.variants[variant].leaks,
        sessions=metrics["transformer"]["n_sessions"],
        converted=metrics["transformer"]["n_converted"],
        events=_published(workspace, f"transformer_event_attribution_{variant}", window_key),
        metrics=metrics,
        pairs=_published(workspace, f"transformer_pair_attribution_{variant}", window_key).to_pylist(),
    )


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


def explain_session(workspace: Workspace, variant: str, session_id: str) -> Group:
    """A session's timeline with the attribution of each event.

    Raises:
        AttributionError: unknown variant, or no published session of that id.
    """
    if variant not in workspace.profile.variants:
        raise AttributionError(
            f"{variant!r} is no variant of {workspace.profile.name}: {', '.join(workspace.profile.variants)}"
        )
    table = f"gradient_attribution_{variant}"
    query = parse_query(
        table,
        f"SELECT event_position, event_at, event_type, COALESCE(store_name, store_id) AS store_name, signed_attribution, "
        f"centred_attribution, gradient_attribution, "
        f"label, probability, logit, in_risk_set FROM {table}_history WHERE session_id = :session_id ORDER BY event_position",
    )
    rows = workspace.warehouse.fetch(query, {"session_id": session_id}, scope="published").to_pylist()
    if not rows:
        raise AttributionError(
            f"no published session of {workspace.profile.name} has the id {session_id!r}. Ids are in table {table}: "
            f'attribution sql "SELECT session_id, probability FROM {table} ORDER BY probability DESC" --dataset {workspace.profile.name}'
        )
    shown = Table(title=None, header_style="bold")
    for name, side in (
        ("#", "right"),
        ("at (UTC)", "left"),
        ("event", "left"),
        ("store", "left"),
        ("effect, logits", "right"),
        ("", "left"),
        ("share", "right"),
    ):
        shown.add_column(name, justify="right" if side == "right" else "left")
    largest = max((abs(r["centred_attribution"]) for r in rows if r["centred_attribution"] is not None), default=0.0)
    for row in rows:
        shown.add_row(
            str(row["event_position"]),
            f"{row['event_at']:%H:%M:%S}",
            Text(shorten(one_line(row["event_type"]), 30)),
            Text(shorten(one_line(row["store_name"]), 24)) if row["store_name"] else "",
            signed(row["centred_attribution"]) if row["centred_attribution"] is not None else "not read",
            _bar(row["centred_attribution"], largest),
            f"{row['gradient_attribution']:.1%}" if row["gradient_attribution"] is not None else "",
        )
    first = rows[0]
    outcome = "converted" if first["label"] == 1 else "did not convert"
    cut = (
        ""
        if not first["in_risk_set"] or first["label"] == 1
        else " Cut to the length of the converted session it is compared with."
    )
    return Group(
        Text(
            f"{one_line(session_id)}, from {first['event_at']:%Y-%m-%d}: {outcome}; predicted probability {first['probability']:.1%} ({variant}).{cut}",
            style="bold",
        ),
        shown,
        Text(
            "Effect: against an average event, on the model's logit; what the model does, not what would happen.",
            style="italic",
        ),
    )


def _bar(effect: float | None, largest: float) -> Text:
    if effect is None or largest == 0:
        return Text("")
    return Text("█" * max(1, round(10 * abs(effect) / largest)), style="blue" if effect > 0 else "dark_orange")


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
    made = {name for names in tables_of(workspace.profile.variants).values() for name in names}
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
