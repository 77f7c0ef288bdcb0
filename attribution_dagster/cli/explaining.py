"""One published session, event by event, by the published method or by any other."""

import math
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from attribution_dagster.assets.method_comparison import check_method
from attribution_dagster.errors import AttributionError
from attribution_dagster.reports.labels import one_line, shorten, signed
from attribution_dagster.resources.explained_session import (
    EFFECTS,
    Rows,
    explained_by,
    published_folders,
    published_sequence,
)
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.queries import parse_query

if TYPE_CHECKING:
    from attribution_dagster.core.models.transformer import AttributionModel
    from attribution_dagster.core.sequences.sequence_set import SequenceSet


def explain_session(
    workspace: Workspace, variant: str, session_id: str, method: str | None = None, picture: Path | None = None
) -> Group:
    """A session's timeline with the attribution of each event; as published, or computed now by the method named.

    `picture`, if given, gets the same as a PNG, with the attention beside it.

    Raises:
        AttributionError: unknown variant or method, or no published session of that id.
        MissingInputError: another method is named, or a picture, and the sequences or the model that the window was published with are gone.
    """
    if not workspace.profile.variants:
        raise AttributionError(_explains_no_events(workspace))
    if variant not in workspace.profile.variants:
        raise AttributionError(
            f"{variant!r} is no variant of {workspace.profile.name}: {', '.join(workspace.profile.variants)}"
        )
    if method is not None:
        check_method(method)
    rows, beside, residual = _published(workspace, variant, session_id), [], None
    if picture is not None:
        _draw(workspace, variant, session_id, rows, picture)
    if method is not None:
        model, session = _published_with(workspace, variant, session_id, rows)
        rows, residual = explained_by(model, session, method, rows)
        beside = [_heads(model, session, rows)] if method == "attention_mean" else []
    first = rows[0]
    outcome = "converted" if first["label"] == 1 else "did not convert"
    is_cut = first["in_risk_set"] and first["label"] != 1
    cut = " Cut to the length of the converted session it is compared with." if is_cut else ""
    return Group(
        Text(
            f"{one_line(session_id)}, from {first['event_at']:%Y-%m-%d}: {outcome}; predicted probability {first['probability']:.1%} ({variant}).{cut}",
            style="bold",
        ),
        _timeline(rows, method),
        *beside,
        Text(_caution(method, residual), style="italic"),
    )


_INSTEAD = {
    "experiment": "scores units, not events: attribution sql "
    '"SELECT session_id, uplift, quadrant, action FROM uplift_scores ORDER BY uplift DESC LIMIT 20" --dataset {name}',
    "sessions": "has no events: attribution reasons SESSION_ID --dataset {name} says why a session is thought to convert",
    "events": "has no variants, so no events of sessions are explained: attribution journey JOURNEY_ID --dataset {name}",
}


def _explains_no_events(workspace: Workspace) -> str:
    """What to ask of a dataset whose sessions have no attribution."""
    profile = workspace.profile
    return f"dataset {profile.name} ({profile.kind}) {_INSTEAD[profile.kind].format(name=profile.name)}"


def _published(workspace: Workspace, variant: str, session_id: str) -> Rows:
    table = f"gradient_attribution_{variant}"
    query = parse_query(
        table,
        f"SELECT window_start, event_position, event_at, event_type, COALESCE(store_name, store_id) AS store_name, "
        f"{', '.join(EFFECTS)}, label, probability, logit, in_risk_set "
        f"FROM {table}_history WHERE session_id = :session_id ORDER BY event_position",
    )
    rows: Rows = workspace.warehouse.fetch(query, {"session_id": session_id}, scope="published").to_pylist()
    if not rows:
        raise AttributionError(
            f"no published session of {workspace.profile.name} has the id {session_id!r}. Ids are in table {table}: "
            f'attribution sql "SELECT session_id, probability FROM {table} ORDER BY probability DESC" --dataset {workspace.profile.name}'
        )
    return rows


def _published_with(
    workspace: Workspace, variant: str, session_id: str, rows: Rows
) -> "tuple[AttributionModel, SequenceSet]":
    """The model that the session was published with, and its sequence."""
    from attribution_dagster.core.models.storage import load_model

    starts = {workspace.window(key).start: key for key in workspace.warehouse.published_windows()}
    key = starts[rows[0]["window_start"]]
    model, sequences = published_folders(workspace, variant, key)
    return load_model(model), published_sequence(workspace, sequences, key, session_id, len(rows))


def _draw(workspace: Workspace, variant: str, session_id: str, rows: Rows, picture: Path) -> None:
    from attribution_dagster.reports.session_picture import session_png

    model, session = _published_with(workspace, variant, session_id, rows)
    looked, _ = explained_by(model, session, "attention_mean", rows)
    title = f"{session_id}: predicted probability {rows[0]['probability']:.1%} ({variant})"
    picture.write_bytes(session_png(rows, [row["gradient_attribution"] for row in looked], title))


def _heads(model: "AttributionModel", session: "SequenceSet", rows: Rows) -> Table:
    """Where each head of each layer looks from CLS, in percent; what is missing of 100 it leaves on CLS itself."""
    from attribution_dagster.core.attribution.attention import attention_by_head

    (weights,) = attention_by_head(model, session)
    shown = Table(title="attention from CLS by layer and head, %", header_style="bold", padding=(0, 0, 0, 1))
    shown.add_column("#", justify="right")
    shown.add_column("event")
    for layer, head in product(*map(range, weights.shape[1:])):
        shown.add_column(f"{layer + 1}.{head + 1}", justify="right")
    for row, by_head in zip(rows, weights.reshape(len(rows), -1), strict=True):
        cells = ["" if math.isnan(weight) else f"{100 * weight:.0f}" for weight in by_head]
        shown.add_row(str(row["event_position"]), Text(shorten(one_line(row["event_type"]), 22)), *cells)
    return shown


def _timeline(rows: Rows, method: str | None) -> Table:
    shown = Table(title=None, header_style="bold")
    for name, side in (("#", "right"), ("at (UTC)", "left"), ("event", "left"), ("store", "left")):
        shown.add_column(name, justify="right" if side == "right" else "left")
    shown.add_column(f"{method or 'effect'}, {'no unit' if _has_no_unit(method) else 'logits'}", justify="right")
    shown.add_column("")
    shown.add_column("share", justify="right")
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
    return shown


def _has_no_unit(method: str | None) -> bool:
    if method is None:
        return False
    from attribution_dagster.core.attribution.registry import WITHOUT_UNIT

    return method in WITHOUT_UNIT


def _caution(method: str | None, residual: float | None) -> str:
    if _has_no_unit(method):
        return f"{method} has neither sign nor unit that the logit knows: a diagnostic or a control, not an effect."
    missed = "" if residual is None else f" The sum misses {residual:.4f} logits of the way from the baseline."
    return (
        f"Effect: against an average event, on the model's logit; what the model does, not what would happen.{missed}"
    )


def _bar(effect: float | None, largest: float) -> Text:
    if effect is None or largest == 0:
        return Text("")
    return Text("█" * max(1, round(10 * abs(effect) / largest)), style="blue" if effect > 0 else "dark_orange")
