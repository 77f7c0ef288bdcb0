"""Scores of many sessions as a stream of Arrow batches in bounded memory: a row each, with what moved it most."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from attribution_dagster.core.attribution.registry import ATTRIBUTORS
from attribution_dagster.core.attribution.sessions import EVENTS_PER_CHUNK, Explained, explain_set, session_chunks
from attribution_dagster.core.models.transformer import AttributionModel
from attribution_dagster.core.scoring.scorer import unknown_types
from attribution_dagster.core.sequences.sequence_set import SequenceSet

N_REASONS = 3


def score_sessions(
    model: AttributionModel,
    sequences: SequenceSet,
    method: str = "gradient_x_input",
    progress: Callable[[str, float], None] | None = None,
) -> Iterator[pa.RecordBatch]:
    """Yield one row per session, in the order of the set: session_id, probability, user_id, label, logit, n_read, n_unknown, and reasons.

    reason_1 is the type of the event with the largest centred attribution, reason_1_attribution its signed one in
    logits; so on to N_REASONS. Raises ValueError when the set lacks a column that the model reads.
    """
    explain, done = ATTRIBUTORS[method](model), 0
    for rows in session_chunks(sequences.lengths, EVENTS_PER_CHUNK):
        if not len(rows):
            continue
        chunk = sequences.select(rows)
        yield _rows(model, chunk, explain_set(model, explain, chunk))
        done += len(rows)
        if progress is not None:
            progress(f"{done:,} of {sequences.n_sessions:,} sessions scored", done / max(sequences.n_sessions, 1))


def _rows(model: AttributionModel, chunk: SequenceSet, found: Explained) -> pa.RecordBatch:
    columns = {
        "session_id": chunk.session_id.cast(pa.string()),
        "probability": pa.array(model.calibration.probability(found.logit)),
        "user_id": chunk.user_id.cast(pa.string()),
        "label": pa.array(chunk.label, pa.int32()),
        "logit": pa.array(found.logit),
        "n_read": pa.array(found.data.lengths, pa.int32()),
        "n_unknown": pa.array(unknown_types(model, found.data), pa.int32()),
    }
    types = pa.array([*chunk.dictionaries["event_type"], None], pa.string())  # the last stands for code -1
    for number, places in enumerate(_largest(found), 1):
        has_one = places >= 0
        event = places + chunk.offsets[:-1] + found.data.first_event - found.data.offsets[:-1]
        codes = np.where(has_one, chunk.codes["event_type"][np.where(has_one, event, 0)] if chunk.n_events else -1, -1)
        values = found.signed[np.where(has_one, places, 0)] if len(found.signed) else np.zeros(len(places))
        columns[f"reason_{number}"] = types.take(pa.array(codes % len(types)))
        columns[f"reason_{number}_attribution"] = pa.array(values, mask=~has_one)
    return pa.RecordBatch.from_pydict(columns)


def _largest(found: Explained) -> Iterator[npt.NDArray[np.int64]]:
    """Yield, for each reason, the place of its event among those read (S,); -1 where the session has no so many."""
    lengths = found.data.lengths
    session = np.repeat(np.arange(len(lengths)), lengths)
    order = np.lexsort((-np.abs(found.centred), session))
    for number in range(N_REASONS):
        has_one = lengths > number
        first = np.where(has_one, found.data.offsets[:-1] + number, 0)
        yield np.where(has_one, order[first] if len(order) else -1, -1)
