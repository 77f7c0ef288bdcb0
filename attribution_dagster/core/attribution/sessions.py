"""Attribution of every event of every session, as a stream of Arrow batches in bounded memory.

Sessions are taken in chunks of some ten thousand events. Inside a chunk they are sorted by length and explained in
batches under a token budget; rows come out in the order of the set, then position. No value depends on what else is
in a batch.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from attribution_dagster.core.attribution.contributions import Contributions, Explainer, evaluating, shares
from attribution_dagster.core.attribution.registry import ATTRIBUTORS
from attribution_dagster.core.models.threads import map_batches
from attribution_dagster.core.models.transformer import AttributionModel
from attribution_dagster.core.sequences.batches import EncodedSequences, budget_batches
from attribution_dagster.core.sequences.sequence_set import SequenceSet

TOKEN_BUDGET = 1024
EVENTS_PER_CHUNK = 65_536

_TEXT, _REAL, _WHOLE, _FLAG = pa.string(), pa.float64(), pa.int32(), pa.bool_()
SCHEMA = pa.schema(
    [
        ("session_id", _TEXT),
        ("label", _WHOLE),
        ("event_position", _WHOLE),
        ("gradient_attribution", _REAL),
        ("event_type", _TEXT),
        ("store_id", _TEXT),
        ("signed_attribution", _REAL),
        ("centred_attribution", _REAL),
        ("relative_attribution", _REAL),
        ("store_name", _TEXT),
        ("primary_category", _TEXT),
        ("primary_tag", _TEXT),
        ("user_id", _TEXT),
        ("event_at", pa.timestamp("us")),
        ("n_events", _WHOLE),
        ("in_risk_set", _FLAG),
        ("is_all_zero", _FLAG),
        ("logit", _REAL),
        ("probability", _REAL),
    ]
)
"""Columns of the published table, less the window."""
_COMPLETENESS = [("residual", _REAL), ("residual_bound", _REAL)]


def attribute_sessions(
    model: AttributionModel,
    sequences: SequenceSet,
    method: str = "gradient_x_input",
    token_budget: int = TOKEN_BUDGET,
    progress: Callable[[str, float], None] | None = None,
    events_per_chunk: int = EVENTS_PER_CHUNK,
) -> Iterator[pa.RecordBatch]:
    """Yield one row per event, in the order of the set, with the columns of `SCHEMA`, `residual` and `residual_bound`.

    These two are of the session: what the attributions miss of the sum that they should have, and may miss, in logits; NULL of
    a method without such a sum.
    Events before the model's last `max_events` have NULL attributions. A session without events has no row. Raises
    ValueError when the method is unknown or the set lacks a column that the model reads.
    """
    if method not in ATTRIBUTORS:
        raise ValueError(f"method={method!r} is not one of {sorted(ATTRIBUTORS)}")
    explain = ATTRIBUTORS[method](model)
    done = 0
    for rows in session_chunks(sequences.lengths, events_per_chunk):
        chunk = sequences.select(rows)
        yield _table(model, chunk, explain_set(model, explain, chunk, token_budget))
        done += chunk.n_events
        if progress is not None:
            progress(f"{done:,} of {sequences.n_events:,} events explained", done / max(sequences.n_events, 1))


@dataclass(frozen=True, kw_only=True, eq=False)
class Explained:
    """Contributions of a chunk: `data` as the model read it; signed, centred (E,); logit, residual, bound (S,), NaN for none."""

    data: EncodedSequences
    signed: npt.NDArray[np.float64]
    centred: npt.NDArray[np.float64]
    logit: npt.NDArray[np.float64]
    residual: npt.NDArray[np.float64]
    bound: npt.NDArray[np.float64]


def session_chunks(lengths: npt.NDArray[np.int64], events_per_chunk: int) -> Iterator[npt.NDArray[np.int64]]:
    """Yield the indices of consecutive sessions of about so many events."""
    chunk = (np.cumsum(lengths) - lengths) // max(events_per_chunk, 1)
    yield from np.split(np.arange(len(lengths)), np.flatnonzero(np.diff(chunk)) + 1)


def explain_set(
    model: AttributionModel,
    explain: Explainer,
    chunk: SequenceSet,
    token_budget: int = TOKEN_BUDGET,
    run: Callable[..., Iterator[Any]] = map_batches,
) -> Explained:
    """Return the contributions of all events of a set that fits into memory, in its order.

    run: calls a function for each batch; `map` does so in this thread, which for a session or two is quicker.

    Raises FloatingPointError when one is not finite.
    """
    data = model.encode(chunk)
    n_events, lengths = int(data.offsets[-1]), data.lengths
    explained = Explained(
        data=data,
        signed=np.zeros(n_events),
        centred=np.zeros(n_events),
        logit=np.full(chunk.n_sessions, float(model.base_logit)),
        residual=np.full(chunk.n_sessions, np.nan),
        bound=np.full(chunk.n_sessions, np.nan),
    )

    def explain_rows(rows: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_], Contributions]:
        batch = data.batch(rows)
        return rows, batch.is_event.numpy(), explain(batch)

    with evaluating(model):
        for rows, is_event, found in run(explain_rows, budget_batches(lengths, token_budget)):
            events = (data.offsets[:-1][rows][:, None] + np.arange(is_event.shape[1]))[is_event]
            explained.signed[events] = found.signed.numpy()[is_event]
            explained.centred[events] = found.centred.numpy()[is_event]
            explained.logit[rows] = found.logit.numpy()
            if found.residual is not None and found.bound is not None:
                explained.residual[rows], explained.bound[rows] = found.residual.numpy(), found.bound.numpy()
    _require_finite(explained, chunk)
    return explained


def _table(model: AttributionModel, chunk: SequenceSet, explained: Explained) -> pa.RecordBatch:
    lengths = chunk.lengths
    session = np.repeat(np.arange(chunk.n_sessions), lengths)
    position = np.arange(chunk.n_events) - chunk.offsets[:-1][session]
    is_read = position >= explained.data.first_event[session]
    found = shares(explained.signed, explained.data.offsets)
    probability = model.calibration.probability(explained.logit)
    columns: dict[str, Any] = {
        "session_id": chunk.session_id.take(pa.array(session)),
        "label": chunk.label[session],
        "event_position": position,
        "gradient_attribution": _where_read(found.share, is_read),
        "signed_attribution": _where_read(explained.signed, is_read),
        "centred_attribution": _where_read(explained.centred, is_read),
        "relative_attribution": _where_read(found.relative, is_read),
        "user_id": chunk.user_id.take(pa.array(session)),
        "event_at": pa.array(chunk.event_at_us).cast(pa.timestamp("us")),
        "n_events": lengths[session],
        "in_risk_set": chunk.in_risk_set[session],
        "is_all_zero": found.is_all_zero[session],
        "logit": explained.logit[session],
        "probability": probability[session],
        "residual": pa.array(explained.residual[session], from_pandas=True),
        "residual_bound": pa.array(explained.bound[session], from_pandas=True),
        **{
            name: _texts(chunk, name)
            for name in ("event_type", "store_id", "store_name", "primary_category", "primary_tag")
        },
    }
    schema = pa.schema([*SCHEMA, *_COMPLETENESS])
    arrays = [pa.array(columns[field.name]).cast(field.type) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _where_read(values: npt.NDArray[np.float64], is_read: npt.NDArray[np.bool_]) -> Any:
    spread = np.zeros(len(is_read))
    spread[is_read] = values
    return pa.array(spread, mask=~is_read)


def _texts(chunk: SequenceSet, column: str) -> Any:
    """Return the column's strings, NULL where the code is -1 or the set does not carry the column."""
    if column not in chunk.codes:
        return pa.nulls(chunk.n_events, pa.string())
    codes = chunk.codes[column]
    dictionary = pa.array(list(chunk.dictionaries[column]), type=pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), dictionary).dictionary_decode()


def _require_finite(explained: Explained, chunk: SequenceSet) -> None:
    session_sums = np.add.reduceat(np.append(explained.signed + explained.centred, 0.0), explained.data.offsets[:-1])
    broken = np.flatnonzero(~np.isfinite(explained.logit) | ~np.isfinite(session_sums))
    if len(broken):
        raise FloatingPointError(
            f"{len(broken)} sessions have a logit or attribution that is not finite, the first is "
            f"{chunk.session_id[int(broken[0])]}: the model's weights are broken, train it again"
        )
