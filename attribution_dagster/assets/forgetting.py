"""Takes a user out of everything that is stored of a dataset, and says what has to be made again.

What was removed changes the digests of the hours in which the user was active. So the next run, which begins with `source`, makes
again exactly the windows that held the user, with the models that learnt from them, and finds all others current.
"""

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from attribution_dagster.assets.exporting import window_pictures, write_exports
from attribution_dagster.assets.report import export_folder
from attribution_dagster.checks.pages import rewrite_pages
from attribution_dagster.core.sequences.sequence_set import SequenceSet
from attribution_dagster.errors import ConfigurationError
from attribution_dagster.reports.exports import MARK
from attribution_dagster.resources.database_source import forget_in_copy
from attribution_dagster.resources.workspace import WHOLE, Workspace
from attribution_dagster.warehouse.forgetting import Forgettable, write_without

_UNREACHED = (
    "the file or table the events come from: take the user out there too; until then the suppression list keeps the user out",
    "weights learnt from the user, in MLflow, until the models named here are trained again and their old runs are deleted",
    "folders that `attribution export --out` and `attribution views --out` wrote, copies, backups, other datasets that read the same events",
    "rows that Dagster's log quotes: of failed checks, and of the source in errors; delete those runs in Dagster; errors in messages that were sent",
)


@dataclass(frozen=True, kw_only=True)
class ForgottenUser:
    """What was removed, by table or artifact; and what still counts the user until the next run makes it again."""

    removed: Mapping[str, int]
    windows: tuple[str, ...]
    models: tuple[str, ...]
    published: tuple[str, ...]
    out_of_reach: tuple[str, ...]


def forget_user(workspace: Workspace, user_id: str) -> ForgottenUser:
    """What was removed and what has to be made again. Said twice, the second time finds nothing left to remove.

    Raises:
        ConfigurationError: the id is empty.
    """
    if not user_id.strip():
        raise ConfigurationError("the user's id is empty: give it as it stands in the events")
    with workspace.locks.forgetting(lambda _: workspace.progress.start("waits for runs that are under way")):
        return _forget(workspace, user_id)


def _forget(workspace: Workspace, user_id: str) -> ForgottenUser:
    workspace.artifacts.clear_scratch()
    user = Forgettable(user_id=user_id)
    in_tables = workspace.warehouse.forget(user_id)
    forget_in_copy(workspace.profile, workspace.settings, workspace.warehouse.suppression())
    in_tensors, windows = _forget_in_tensors(workspace, user_id)
    in_simulation = sum(write_without(path, path, user) or 0 for path in _simulated_files(workspace))
    _write_exports_again(workspace)
    in_verdicts = workspace.artifacts.forget_rows(user.is_named_in)
    rewrite_pages(workspace)  # all of them: a page may be older than the verdicts, and quote what these no longer do
    others = {
        "sequence tensors, sessions": in_tensors,
        "simulated files, rows": in_simulation,
        "verdicts of checks, quoted rows": in_verdicts,
    }
    affected = {key for key in (*in_tables.windows, *windows) if key in {w.key for w in workspace.windows()}}
    return ForgottenUser(
        removed={**in_tables.rows, **{name: n for name, n in others.items() if n}},
        windows=tuple(sorted(affected)),
        models=tuple(_learnt_from(workspace, affected)),
        published=tuple(key for key in workspace.warehouse.published_windows() if _rests_on(workspace, key, affected)),
        out_of_reach=_UNREACHED,
    )


def _forget_in_tensors(workspace: Workspace, user_id: str) -> tuple[int, set[str]]:
    """Sessions taken out of stored sequences, and the windows these were in."""
    store, removed, windows = workspace.artifacts, 0, set()
    for asset, key, version in store.stored("sequence_tensors"):
        folder = store.folder(asset, key, version)
        assert folder is not None  # it was listed just now
        sequences = SequenceSet.open(folder)
        others = [i for i, owner in enumerate(sequences.user_id.to_pylist()) if owner != user_id]
        if len(others) < sequences.n_sessions:
            removed += sequences.n_sessions - len(others)
            windows.add(key)
            store.replace(asset, key, version, sequences.select(others).save)
    return removed, windows


def _simulated_files(workspace: Workspace) -> Iterable[Path]:
    """The Parquet files of the dataset's simulated world."""
    return (workspace.settings.home / "simulated").glob(f"{workspace.profile.name}-*/**/*.parquet")


def _write_exports_again(workspace: Workspace) -> None:
    """Exports of published windows are written again from their tables; those of no published window are deleted."""
    published = workspace.warehouse.published_windows()
    folder = Path(export_folder(workspace, WHOLE)).parent
    for each in folder.iterdir() if folder.is_dir() else ():
        if each.name in published:
            write_exports(workspace, each.name, window_pictures(workspace, each.name))
        elif (each / MARK).is_file():
            shutil.rmtree(each)


def _learnt_from(workspace: Workspace, windows: set[str]) -> Iterable[str]:
    """Names of the models that were trained on one of these windows: registered ones, replaced ones too, and of journeys those in use."""
    known = {window.key for window in workspace.explainable()}
    for variant in workspace.profile.models:
        for version in workspace.registry.versions(variant):
            if version.trained_for in known and windows.intersection(workspace.look_back(version.trained_for)):
                yield version.name
    for key in sorted(known):
        record = workspace.artifacts.record("journey_model", key)
        if record is not None and windows.intersection(workspace.look_back(record.report["trained_for_window"])):
            yield f"{workspace.profile.name}: journey_model of window {key}"


def _rests_on(workspace: Workspace, key: str, windows: set[str]) -> bool:
    """Whether what is published of a window was made from one of these, by itself or through its models."""
    models = [
        "journey_model",
        "customer_traits",
        *(f"{variant}/trained_model" for variant in workspace.profile.variants),
    ]
    records = (workspace.artifacts.record(model, key) for model in models)
    read = {name.rpartition("@")[2] for record in records if record is not None for name in record.inputs}
    return bool(windows & (read | {key}))
