"""Attribution as a function over Arrow batches: rows of events in, attributed rows out, one chunk of sessions after another.

It needs nothing but the rows and the model, so an engine can run it wherever the rows are. A chunk has the sessions that
`attribute_sessions` would take together; so the values are the same, to the last bit, however the chunks are spread.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import groupby, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import torch

from attribution_dagster.core.attribution.sessions import SCHEMA, attribute_sessions
from attribution_dagster.core.models.storage import load_model_bytes
from attribution_dagster.core.models.transformer import AttributionModel
from attribution_dagster.core.sequences.builder import build_sequences
from attribution_dagster.core.sequences.sequence_set import SequenceSet

CHUNK = "chunk"
"""Column that numbers the chunks. A session is in the chunk of so many events that its first event falls into."""


def attribute_batches(
    model: AttributionModel, batches: Iterable[pa.RecordBatch], method: str = "gradient_x_input"
) -> Iterator[pa.RecordBatch]:
    """Yield one row per event with the columns of `attribute_sessions`, in the order of the batches.

    batches: the rows that `build_sequences` takes, and `chunk`; ordered by chunk, then as it wants them. A chunk may
    straddle batches and is held in memory.

    Raises ValueError when rows are out of order or the method is unknown.
    """
    for chunk in _chunks(batches):
        with TemporaryDirectory(prefix="attribution-") as scratch:
            folder = Path(scratch) / CHUNK
            build_sequences(chunk, model.spec.categories, model.spec.numbers, folder)
            yield from attribute_sessions(model, SequenceSet.open(folder), method)


def attribute_elsewhere(
    batches: Iterable[pa.RecordBatch], model: Mapping[str, bytes], *, method: str, window_start: datetime
) -> Iterator[pa.RecordBatch]:
    """Yield what `attribute_batches` does with the window before it: for a process that has one core and the model's bytes."""
    torch.set_num_threads(1)
    return stamped(attribute_batches(load_model_bytes(model), batches, method), window_start)


def stamped(batches: Iterable[pa.RecordBatch], window_start: datetime) -> Iterator[pa.RecordBatch]:
    """Yield the columns of the published table, `window_start` first."""
    for batch in batches:
        window = pa.array([window_start] * batch.num_rows, type=pa.timestamp("us"))
        columns = [window, *(batch.column(name) for name in SCHEMA.names)]
        yield pa.RecordBatch.from_arrays(columns, names=["window_start", *SCHEMA.names])


def _chunks(batches: Iterable[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    """Yield the batches of each chunk."""
    for _, pieces in groupby(_pieces(batches), key=lambda piece: piece[CHUNK][0].as_py()):
        yield list(pieces)


def _pieces(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the batches cut where another chunk begins."""
    for batch in batches:
        starts = np.flatnonzero(np.diff(batch[CHUNK].to_numpy(zero_copy_only=False))) + 1
        bounds = [0, *starts.tolist(), batch.num_rows]
        yield from (batch.slice(start, end - start) for start, end in pairwise(bounds) if end > start)
