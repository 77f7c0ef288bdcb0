"""Why a model of conversion gives one session its probability: every part of its log-odds, for any predicted session."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from attribution_dagster.assets.conversion_features import FEATURE_SETS
from attribution_dagster.assets.conversion_model import load_sample, open_models
from attribution_dagster.assets.session_table_results import open_session_models
from attribution_dagster.errors import AttributionError, MissingInputError
from attribution_dagster.reports.caveats import MODEL_NOT_CAUSE
from attribution_dagster.reports.labels import one_line, signed
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.queries import parse_query

if TYPE_CHECKING:
    from attribution_dagster.core.conversion.fitting import ModelSet
    from attribution_dagster.core.conversion.sample import Sample

SHOWN = 15
"""Features in the table, those that move the session's log-odds most."""
_MADE_FROM = {"events": ("session_features", "conversion_model"), "sessions": ("session_table", "conversion_model")}


def session_reasons(workspace: Workspace, session_id: str, feature_set: str, picture: Path | None = None) -> Group:
    """What moves the session's log-odds from the model's base, largest first; `picture`, if given, gets the waterfall.

    Raises:
        AttributionError: no such feature set, or no published prediction of that session with it.
        MissingInputError: what the window was published from has been made anew since.
    """
    if feature_set not in FEATURE_SETS:
        raise AttributionError(f"{feature_set!r} is no feature set: {', '.join(FEATURE_SETS)}")
    models, sample = _opened(workspace, _published_window(workspace, session_id), feature_set)
    chosen = sample.session == session_id
    if models is None or not chosen.any():
        raise AttributionError(f"session {session_id!r} has no prediction from feature set {feature_set}")
    model, session = models.best, sample.select(chosen)
    parts, probability = model.contributions(session.features)[0], float(model.probability(session.features)[0])
    found = sorted(zip(sample.names, session.features[0], parts[:-1], strict=True), key=lambda each: -abs(each[2]))
    base = float(parts[-1])
    if picture is not None:
        _draw(picture, found, base, f"{one_line(session_id)}: {probability:.1%} ({model.name}, {feature_set})")
    said = f"{one_line(session_id)}: predicted probability {probability:.1%} ({model.name}, feature set {feature_set})"
    return Group(Text(said, style="bold"), _table(found, base), Text(MODEL_NOT_CAUSE, style="italic"))


def _opened(workspace: Workspace, key: str, feature_set: str) -> "tuple[ModelSet | None, Sample]":
    """The models of that feature set, None where there are none, and the sessions that they predict."""
    if workspace.profile.kind == "sessions":
        models, later = open_session_models(workspace, key)
        return (models if feature_set == "full" else None), later
    return open_models(workspace, key).get(feature_set), load_sample(workspace, [key], feature_set)


def _published_window(workspace: Workspace, session_id: str) -> str:
    if workspace.profile.kind not in _MADE_FROM:
        raise AttributionError(
            f"dataset {workspace.profile.name} is of kind {workspace.profile.kind} and predicts no conversion of sessions"
        )
    query = parse_query(
        "prediction", "SELECT window_start FROM conversion_predictions_history WHERE session_id = :session_id"
    )
    found = workspace.warehouse.fetch(query, {"session_id": session_id}, scope="published").to_pylist()
    if not found:
        raise AttributionError(
            f"no published prediction of {workspace.profile.name} is of session {session_id!r}. Ids are in table conversion_predictions: "
            f'attribution sql "SELECT session_id FROM conversion_predictions" --dataset {workspace.profile.name}'
        )
    starts = {workspace.window(key).start: key for key in workspace.warehouse.published_windows()}
    key = starts[found[0]["window_start"]]
    manifest = workspace.warehouse.manifest(key)
    inputs: Any = manifest.evidence["inputs"] if manifest is not None else {}
    for asset in _MADE_FROM[workspace.profile.kind]:
        record = workspace.artifacts.record(asset, key)
        if record is None or inputs.get(f"{asset}@{key}") != record.version:
            raise MissingInputError(
                f"{asset} of window {key} is not the one it was published with: run the window again"
            )
    return key


def _table(found: list[tuple[str, float, float]], base: float) -> Table:
    shown = Table(title=None, header_style="bold")
    for name in ("feature", "value", "effect, log-odds"):
        shown.add_column(name, justify="left" if name == "feature" else "right")
    shown.add_row("(base)", "", signed(base))
    for name, value, effect in found[:SHOWN]:
        shown.add_row(name, "missing" if value != value else f"{value:.4g}", signed(effect))
    shown.add_row("(all others)", "", signed(sum(effect for _, _, effect in found[SHOWN:])))
    shown.add_row("(this session)", "", signed(base + sum(effect for _, _, effect in found)))
    return shown


def _draw(picture: Path, found: list[tuple[str, float, float]], base: float, title: str) -> None:
    from attribution_dagster.reports.conversion_plots import waterfall_plot

    said = [(f"{name} = {'missing' if value != value else f'{value:.4g}'}", effect) for name, value, effect in found]
    picture.write_bytes(waterfall_plot(said, base, title))
