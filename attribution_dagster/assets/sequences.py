"""Sequence tensors per variant: what a model may read of each session."""

from pathlib import Path

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
from attribution_dagster.warehouse.queries import load_query, parse_query

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
    query = load_query("features/sequence_events")
    values = workspace.bound(query, step.window_key, funnel_rule=profile.variants[variant].funnel)
    categories = tuple(dict.fromkeys((*PUBLISHED_CATEGORIES, *profile.model.categories)))

    def fill(folder: Path) -> None:
        batches = workspace.warehouse.stream(query, values)
        build_sequences(batches, categories, profile.model.numbers, folder)

    workspace.artifacts.create(step.asset, step.window_key, step.version, fill)
    folder = workspace.artifacts.folder(step.asset, step.window_key, step.version)
    assert folder is not None
    sequences = SequenceSet.open(folder)
    shown = {"top_rows": {"markdown": markdown_table(_first_events(sequences))}}
    return {**_counts(sequences, profile.model.max_events), **_emptied(step, sequences), **shown}


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


def _emptied(step: Step, sequences: SequenceSet) -> Report:
    """Sessions of the risk set's table that this variant sees nothing of, by label; a variant that stops at the funnel has some."""
    by_label = parse_query(
        "risk set by label",
        "SELECT COUNT(*) AS n, COALESCE(SUM(label), 0) AS converted FROM risk_set WHERE window_start = :window_start",
    )
    row = step.workspace.fetch(by_label, step.window_key).to_pylist()[0]
    converted = int(row["converted"]) - int((sequences.label == 1).sum())
    return {
        "emptied_converted": converted,
        "emptied_not_converted": int(row["n"]) - sequences.n_sessions - converted,
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
