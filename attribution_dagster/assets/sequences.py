"""Sequence tensors per variant: what a model may read of each session."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import dagster as dg
import numpy as np
import pyarrow as pa

from attribution_dagster.assets.showing import TOP
from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.core.sequences.builder import build_sequences
from attribution_dagster.core.sequences.sequence_set import SequenceSet
from attribution_dagster.errors import MissingInputError
from attribution_dagster.graph import DatasetAssets
from attribution_dagster.reports.markdown import markdown_table
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.queries import Query, load_query

PUBLISHED_CATEGORIES = ("event_type", "store_id", "store_name", "primary_tag", "primary_category")
"""Category columns that every sequence carries, because the published tables show them."""
_CODE = code_version("assets/sequences.py", "core/sequences", "sql/features/sequence_events.sql")


def sequence_assets(assets: DatasetAssets, variant: str) -> list[dg.AssetsDefinition]:
    """The variant's asset `sequence_tensors`."""
    workspace, profile = assets.workspace, assets.workspace.profile
    asset = f"{variant}/sequence_tensors"
    leaks = profile.variants[variant].leaks

    @dg.asset(
        **assets.options(
            asset, deps=["sessions", "risk_set"], kinds={"numpy"}, group=f"step3_{variant}", code=_CODE, leaks=leaks
        )
    )
    def sequence_tensors(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """What the model reads: the sampled sessions as arrays, with the events before the conversion, and before the cut, that this variant may see."""
        return make(
            context,
            workspace,
            asset,
            reads=lambda key: [("sessions", key), ("risk_set", key)],
            settings=lambda _: [
                profile.variants[variant].model_dump(),
                profile.model.model_dump(),
                profile.roles.model_dump(),
            ],
            code=_CODE,
            exists=Step.artifact,
            build=lambda step: _build(step, variant),
        )

    return [sequence_tensors]


def open_sequences(workspace: Workspace, variant: str, window_key: str) -> SequenceSet:
    """The variant's sequences of a window, memory-mapped. MissingInputError if they have not been made."""
    asset = f"{variant}/sequence_tensors"
    record = workspace.artifacts.record(asset, window_key)
    folder = workspace.artifacts.folder(asset, window_key, record.version) if record else None
    if folder is None:
        raise MissingInputError(f"{asset} of window {window_key} is missing: materialise it first")
    return SequenceSet.open(folder)


def _build(step: Step, variant: str) -> Report:
    workspace, profile = step.workspace, step.workspace.profile

    def fill(folder: Path) -> None:
        _write(workspace, variant, step.window_key, folder)

    workspace.artifacts.create(step.asset, step.window_key, step.version, fill)
    folder = workspace.artifacts.folder(step.asset, step.window_key, step.version)
    assert folder is not None
    sequences = SequenceSet.open(folder)
    shown = {"top_rows": {"markdown": markdown_table(_first_events(sequences))}}
    return {**_counts(sequences, profile.model.max_events), **_emptied(sequences), **shown}


def sequences_cut(
    workspace: Workspace, variant: str, window_key: str, cut: Literal["none", "landmark"], landmark: int = 0
) -> SequenceSet:
    """The variant's sequences of a window with another cut than the risk set's, in memory.

    `none`: all that is before the conversion. `landmark`: what is seen up to the event outside the funnel of that number,
    of sessions that have as many.
    """
    with TemporaryDirectory() as scratch:
        _write(workspace, variant, window_key, Path(scratch) / cut, cut, landmark)
        sequences = SequenceSet.open(Path(scratch) / cut)
        return sequences.select(np.arange(sequences.n_sessions))


def _write(
    workspace: Workspace, variant: str, window_key: str, folder: Path, cut: str = "risk_set", landmark: int = 0
) -> None:
    profile = workspace.profile
    query, values = sequence_query(workspace, variant, window_key, cut, landmark)
    categories = tuple(dict.fromkeys((*PUBLISHED_CATEGORIES, *profile.model.categories)))
    build_sequences(workspace.warehouse.stream(query, values), categories, profile.model.numbers, folder)


def sequence_query(
    workspace: Workspace, variant: str, window_key: str, cut: str = "risk_set", landmark: int = 0
) -> tuple[Query, dict[str, object]]:
    """The query for what the variant may read of the window's sessions, and its parameters."""
    query = load_query("features/sequence_events")
    rule = workspace.profile.variants[variant].funnel
    return query, workspace.bound(query, window_key, funnel_rule=rule, cut=cut, landmark=landmark)


def _first_events(sequences: SequenceSet) -> pa.Table:
    """The first few events as a model reads them; sessions are numbered, because their ids say who it was."""
    session = np.repeat(np.arange(sequences.n_sessions), sequences.lengths)[:TOP]
    names = np.array([*sequences.dictionaries["event_type"], None], dtype=object)  # the last stands for code -1
    return pa.table(
        {
            "session": session + 1,
            "label": sequences.label[session],
            "event_type": pa.array(names[sequences.codes["event_type"][:TOP]], pa.string()),
            **{name: pa.array(values[:TOP], from_pandas=True) for name, values in sequences.numbers.items()},
        }
    )


def _emptied(sequences: SequenceSet) -> Report:
    """Sessions of which this variant sees nothing, by label: they get the base rate. One that stops at the funnel has some."""
    empty, converted = sequences.lengths == 0, sequences.label == 1
    return {
        "sessions_with_events": int((~empty).sum()),
        "emptied_converted": int((empty & converted).sum()),
        "emptied_not_converted": int((empty & ~converted).sum()),
    }


def _counts(sequences: SequenceSet, max_events: int) -> Report:
    """Counted from the arrays as written, for the check against SQL and for people."""
    lengths, converted = sequences.lengths, sequences.label == 1
    longer = lengths > max_events
    return {
        "python_sessions": sequences.n_sessions,
        "python_converted": int(converted.sum()),
        "python_case_events": int(lengths[converted].sum()),
        "events": sequences.n_events,
        "in_risk_set": int(sequences.in_risk_set.sum()),
        "mean_events": round(float(lengths.mean()), 2) if len(lengths) else 0.0,
        "longest": int(lengths.max(initial=0)),
        "truncated_converted": int((longer & converted).sum()),
        "truncated_not_converted": int((longer & ~converted).sum()),
    }
