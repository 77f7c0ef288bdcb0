"""Makes a sequence set from a stream of events, batch by batch: in a folder, where memory does not grow with them, or in memory."""

import shutil
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from attribution_dagster.core.sequences.growing import GrowingDictionary
from attribution_dagster.core.sequences.sequence_set import SequenceSet, replace_folder
from attribution_dagster.core.sequences.stores import FolderStore, MemoryStore, Store

Rows = npt.NDArray[np.int64]

PUBLISHED_CATEGORIES = ("event_type", "store_id", "store_name", "primary_tag", "primary_category")
"""Categories that every set carries, because they are published beside the attribution."""

_EVENT_ARRAYS = {"offsets": np.int64, "event_at_us": np.int64}
_SESSION_ARRAYS = {"label": np.int8, "in_risk_set": np.bool_, "started_at_us": np.int64}


@dataclass(frozen=True, kw_only=True)
class LabelCounts:
    """What was written of the sessions with one label. `truncated` ones have more events than a model reads."""

    sessions: int = 0
    in_risk_set: int = 0
    events: int = 0
    longest: int = 0
    truncated: int = 0
    events_unread: int = 0


@dataclass(frozen=True, kw_only=True)
class SequenceCounts:
    """What was written, in all and by label."""

    sessions: int
    events: int
    longest: int
    converted: LabelCounts
    not_converted: LabelCounts


def build_sequences(
    batches: Iterable[pa.RecordBatch],
    categories: Sequence[str],
    numbers: Sequence[str],
    folder: Path,
    *,
    max_events: int | None = None,
) -> SequenceCounts:
    """What was written to `folder`, a set that `SequenceSet.open` reads; an older set there is replaced at the end.

    batches: rows ordered by session_id, and by event within it, with session_id, user_id, label, in_risk_set,
    started_at, event_at, the categories and those numbers that are not computed (event_rank counts the rows of a
    session from 1; time_delta is the seconds since the row before, 0 at the first). Sessions may straddle batches. A
    session without events is one row without event_at.
    max_events: how many a model reads; only for counting what it will not see.

    Raises ValueError when rows are out of order, a session's label changes within it, or an event has no time.
    """
    making = folder.parent / f".{folder.name}-{uuid.uuid4().hex}"
    making.mkdir(parents=True)
    n_events = 0
    try:
        with _Writer(FolderStore(making), categories, numbers) as writer:
            for batch in batches:
                if batch.num_rows:
                    n_events += writer.add(batch)
        replace_folder(making, folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return writer.sessions.counts(n_events, max_events)


def sequences_in_memory(
    batches: Iterable[pa.RecordBatch], categories: Sequence[str], numbers: Sequence[str]
) -> SequenceSet:
    """The set that `build_sequences` would write of the same rows, in memory: for the few sessions of a request."""
    store = MemoryStore()
    with _Writer(store, categories, numbers) as writer:
        for batch in batches:
            if batch.num_rows:
                writer.add(batch)
    return store.sequences()


class _Writer:
    """The arrays of a set in the making, and the last row so far."""

    def __init__(self, store: Store, categories: Sequence[str], numbers: Sequence[str]) -> None:
        self._store = store
        wanted = dict.fromkeys((*categories, *PUBLISHED_CATEGORIES))
        self._dictionaries = {name: GrowingDictionary() for name in wanted}
        self._codes = {name: store.array(np.int32, "codes", name) for name in wanted}
        self._numbers = {name: store.array(np.float32, "numbers", name) for name in numbers}
        kinds: dict[str, npt.DTypeLike] = {**_EVENT_ARRAYS, **_SESSION_ARRAYS}
        self._arrays = {name: store.array(kind, name) for name, kind in kinds.items()}
        self._last = _LastRow()
        self.sessions = _Sessions()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self._arrays["offsets"].append(self.sessions.offsets(self._arrays["event_at_us"].length))
        self._store.close()
        if kind is None:
            self._store.describe({name: each.values for name, each in self._dictionaries.items()}, list(self._numbers))

    def add(self, batch: pa.RecordBatch) -> int:
        """Append the rows of a batch, which has some; the number of events among them."""
        label, session_id = _numpy(batch["label"], pa.int8()), batch["session_id"]
        is_first = self._last.session_begins(session_id, label)
        is_event = self._last.events(batch["event_at"], is_first, session_id)
        starts = np.flatnonzero(is_first)
        before: Rows = np.cumsum(is_event) - is_event
        self._add_sessions(batch, starts, label[starts], before[starts])
        events = batch if is_event.all() else batch.filter(pa.array(is_event))
        event_at_us, rank = self._last.event_at_us, self._last.rank
        if events.num_rows:
            event_at_us, rank = self._add_events(events, is_first[is_event])
        self._last = _LastRow(session_id[-1].as_py(), int(label[-1]), event_at_us, rank, bool(is_event[-1]))
        return int(events.num_rows)

    def _add_events(self, batch: pa.RecordBatch, is_first: npt.NDArray[np.bool_]) -> tuple[int, int]:
        """Append events; time and rank of the last."""
        event_at = _microseconds(batch["event_at"])
        rank = self._last.ranks(is_first)
        delta_us = self._last.gaps(event_at, is_first, batch["session_id"])
        computed = {"event_rank": rank, "time_delta": delta_us / 1e6}
        for name, codes in self._codes.items():
            codes.append(self._dictionaries[name].encode(batch[name]))
        for name, numbers in self._numbers.items():
            numbers.append(computed[name] if name in computed else _floats(batch[name]))
        self._arrays["event_at_us"].append(event_at)
        return int(event_at[-1]), int(rank[-1])

    def _add_sessions(self, batch: pa.RecordBatch, starts: Rows, label: npt.NDArray[np.int8], before: Rows) -> None:
        first_rows = batch.take(pa.array(starts))
        inside = first_rows["in_risk_set"].to_numpy(zero_copy_only=False).astype(np.bool_)
        self._store.add_ids(first_rows)
        self._arrays["label"].append(label)
        self._arrays["in_risk_set"].append(inside)
        self._arrays["started_at_us"].append(_microseconds(first_rows["started_at"]))
        self.sessions.add(before + self._arrays["event_at_us"].length, label, inside)


class _Sessions:
    """Where sessions begin, and what is counted of them."""

    def __init__(self) -> None:
        self._starts: list[Rows] = []
        self._labels: list[npt.NDArray[np.int8]] = []
        self._inside: list[npt.NDArray[np.bool_]] = []

    def add(self, starts: Rows, label: npt.NDArray[np.int8], inside: npt.NDArray[np.bool_]) -> None:
        self._starts.append(starts)
        self._labels.append(label)
        self._inside.append(inside)

    def offsets(self, n_events: int) -> Rows:
        return np.concatenate([*self._starts, [n_events]]).astype(np.int64)

    def counts(self, n_events: int, max_events: int | None) -> SequenceCounts:
        lengths = np.diff(self.offsets(n_events))
        label = np.concatenate([np.empty(0, np.int8), *self._labels])
        inside = np.concatenate([np.empty(0, np.bool_), *self._inside])
        return SequenceCounts(
            sessions=len(lengths),
            events=n_events,
            longest=int(lengths.max(initial=0)),
            converted=_label_counts(lengths[label == 1], inside[label == 1], max_events),
            not_converted=_label_counts(lengths[label == 0], inside[label == 0], max_events),
        )


@dataclass(frozen=True)
class _LastRow:
    """The row before a batch; a session may go on across batches. Time and rank are those of the last event."""

    session_id: str | None = None
    label: int = -1
    event_at_us: int = 0
    rank: int = 0
    is_event: bool = True

    def session_begins(self, session_id: pa.Array, label: npt.NDArray[np.int8]) -> npt.NDArray[np.bool_]:
        """Whether a session begins at each row, (R,). Raises ValueError when sessions are out of order or mixed."""
        previous = pa.concat_arrays([pa.array([self.session_id], session_id.type), session_id[:-1]])
        is_first: npt.NDArray[np.bool_] = (
            pc.not_equal(session_id, previous).fill_null(True).to_numpy(zero_copy_only=False).astype(np.bool_)
        )
        back = pc.index(pc.less(session_id, previous), pa.scalar(True)).as_py()
        if back >= 0:
            raise ValueError(
                f"session {session_id[back]} comes after {previous[back]}: rows must be ordered by session_id"
            )
        mixed = np.flatnonzero(~is_first & (label != np.concatenate([[self.label], label[:-1]])))
        if len(mixed):
            raise ValueError(f"session {session_id[int(mixed[0])]} has more than one label")
        return is_first

    def events(
        self, event_at: pa.Array, is_first: npt.NDArray[np.bool_], session_id: pa.Array
    ) -> npt.NDArray[np.bool_]:
        """Whether each row is an event, (R,). Raises ValueError when one without a time is not all of its session."""
        is_event: npt.NDArray[np.bool_] = event_at.is_valid().to_numpy(zero_copy_only=False).astype(np.bool_)
        after_event = np.concatenate([[self.is_event], is_event[:-1]])
        loose = np.flatnonzero(~is_first & ~(is_event & after_event))
        if len(loose):
            raise ValueError(f"session {session_id[int(loose[0])]} has an event without a time")
        return is_event

    def ranks(self, is_first: npt.NDArray[np.bool_]) -> Rows:
        """Number of each row in its session, from 1, (R,)."""
        rows = np.arange(len(is_first))
        start = np.maximum.accumulate(np.where(is_first, rows, -self.rank))
        return (rows - start + 1).astype(np.int64)

    def gaps(self, event_at_us: Rows, is_first: npt.NDArray[np.bool_], session_id: pa.Array) -> Rows:
        """Microseconds since the row before in the session, 0 at its first, (R,). Raises ValueError when negative."""
        gaps = np.diff(event_at_us, prepend=self.event_at_us)
        gaps[is_first] = 0
        if gaps.min() < 0:
            raise ValueError(f"session {session_id[int(gaps.argmin())]}: rows must be ordered by event_at")
        return gaps


def _label_counts(lengths: Rows, inside: npt.NDArray[np.bool_], max_events: int | None) -> LabelCounts:
    unread = np.maximum(lengths - max_events, 0) if max_events else np.zeros_like(lengths)
    return LabelCounts(
        sessions=len(lengths),
        in_risk_set=int(inside.sum()),
        events=int(lengths.sum()),
        longest=int(lengths.max(initial=0)),
        truncated=int((unread > 0).sum()),
        events_unread=int(unread.sum()),
    )


def _numpy(column: pa.Array, kind: pa.DataType) -> npt.NDArray[Any]:
    values: npt.NDArray[Any] = column.cast(kind).to_numpy(zero_copy_only=False)
    return values


def _microseconds(column: pa.Array) -> Rows:
    return _numpy(column.cast(pa.timestamp("us")), pa.int64())


def _floats(column: pa.Array) -> npt.NDArray[np.float64]:
    """NULL becomes NaN; true and false become 1 and 0."""
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    return _numpy(column, pa.float64())
