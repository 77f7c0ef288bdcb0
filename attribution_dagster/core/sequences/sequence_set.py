"""The sessions of one window and variant as ragged, memory-mapped arrays: no padding is stored, nothing is pickled.

A folder holds one `.npy` file per array, `sessions.arrow` (session_id, user_id) and `sequences.json` (column names and
dictionaries). `array_file` names the files, so that a streaming builder and this reader can't disagree.
"""

import json
import os
import re
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

FORMAT = 1
MISSING_CODE = -1
_SESSION_ARRAYS: dict[str, type[np.generic]] = {
    "label": np.int8,
    "in_risk_set": np.bool_,
    "started_at_us": np.int64,
}


def array_file(kind: str, column: str | None = None) -> str:
    """Return the file name of an array; `kind` is `codes`, `numbers` or the name of a plain array."""
    if column is None:
        return f"{kind}.npy"
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", column):
        raise ValueError(f"column={column!r} is not an identifier (letters, digits, underscores)")
    return f"{kind}.{column}.npy"


@dataclass(frozen=True, kw_only=True, eq=False)
class SequenceSet:
    """S sessions with E events in all; session s owns the events offsets[s]:offsets[s + 1].

    codes: per category column (E,) int32 into its dictionary, -1 = NULL. numbers: per number column (E,) float32, raw,
    NaN = NULL. event_at_us, started_at_us: microseconds since 1970 in UTC. session_id, user_id: Arrow string arrays.
    """

    offsets: npt.NDArray[np.int64]
    codes: Mapping[str, npt.NDArray[np.int32]]
    dictionaries: Mapping[str, Sequence[str]]
    numbers: Mapping[str, npt.NDArray[np.float32]]
    event_at_us: npt.NDArray[np.int64]
    session_id: Any
    user_id: Any
    label: npt.NDArray[np.int8]
    in_risk_set: npt.NDArray[np.bool_]
    started_at_us: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        _check_shapes(self)

    @property
    def n_sessions(self) -> int:
        """Number of sessions, S."""
        return len(self.offsets) - 1

    @property
    def n_events(self) -> int:
        """Number of events, E."""
        return int(self.offsets[-1])

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Events per session, (S,)."""
        return np.diff(self.offsets)

    def select(self, sessions: npt.ArrayLike) -> "SequenceSet":
        """Return the sessions of an index array or boolean mask, in its order, in memory; dictionaries are kept."""
        chosen = np.asarray(sessions)
        index = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen.astype(np.int64)
        lengths = self.lengths[index]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        events = np.repeat(self.offsets[:-1][index] - offsets[:-1], lengths) + np.arange(offsets[-1])
        rows = pa.array(index)
        return SequenceSet(
            offsets=offsets,
            codes={name: codes[events] for name, codes in self.codes.items()},
            dictionaries=self.dictionaries,
            numbers={name: numbers[events] for name, numbers in self.numbers.items()},
            event_at_us=self.event_at_us[events],
            session_id=self.session_id.take(rows),
            user_id=self.user_id.take(rows),
            label=self.label[index],
            in_risk_set=self.in_risk_set[index],
            started_at_us=self.started_at_us[index],
        )

    def save(self, folder: Path) -> None:
        """Write the set beside `folder`, then move it into place, replacing what is there.

        Raises ValueError when a code lies outside its dictionary or offsets are not sorted.
        """
        _check_values(self)
        folder = Path(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = folder.parent / f".{folder.name}-{uuid.uuid4().hex}"
        staging.mkdir()
        try:
            self._write(staging)
            replace_folder(staging, folder)
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def _write(self, folder: Path) -> None:
        for name in ("offsets", "event_at_us", *_SESSION_ARRAYS):
            np.save(folder / array_file(name), getattr(self, name), allow_pickle=False)
        for name, codes in self.codes.items():
            np.save(folder / array_file("codes", name), codes, allow_pickle=False)
        for name, numbers in self.numbers.items():
            np.save(folder / array_file("numbers", name), numbers, allow_pickle=False)
        table = pa.table({name: getattr(self, name).cast(pa.string()) for name in ("session_id", "user_id")})
        with pa.OSFile(str(folder / "sessions.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        write_description(folder, {name: self.dictionaries[name] for name in self.codes}, list(self.numbers))

    @staticmethod
    def open(folder: Path) -> "SequenceSet":
        """Return the set stored in `folder`, memory-mapped.

        Raises ValueError naming the folder when it holds no set, or one of another format.
        """
        folder = Path(folder)
        if not (folder / "sequences.json").exists():
            raise ValueError(f"{folder} holds no sequences: sequences.json is missing; build them first")
        description = json.loads((folder / "sequences.json").read_text(encoding="utf-8"))
        if description.get("format") != FORMAT:
            raise ValueError(f"{folder}: format {description.get('format')} is not {FORMAT}; build the sequences again")
        sessions = pa.ipc.open_file(pa.memory_map(str(folder / "sessions.arrow"))).read_all()
        return SequenceSet(
            codes={name: _map(folder / array_file("codes", name)) for name in description["dictionaries"]},
            dictionaries=description["dictionaries"],
            numbers={name: _map(folder / array_file("numbers", name)) for name in description["numbers"]},
            session_id=_one_chunk(sessions.column("session_id")),
            user_id=_one_chunk(sessions.column("user_id")),
            **{name: _map(folder / array_file(name)) for name in ("offsets", "event_at_us", *_SESSION_ARRAYS)},
        )

    @staticmethod
    def concatenate(sets: "Sequence[SequenceSet]") -> "SequenceSet":
        """Return all sessions in one set, in memory; each column's dictionaries are merged in order of appearance.

        Raises ValueError when there is nothing to concatenate or the sets have different columns.
        """
        if not sets:
            raise ValueError("no sequence sets to concatenate")
        _check_same_columns(sets)
        first = sets[0]
        merged = {name: _merge_codes(sets, name) for name in first.codes}
        starts = np.cumsum([0, *(part.n_events for part in sets)])
        bounds = [part.offsets[:-1] + start for part, start in zip(sets, starts[:-1], strict=True)]
        return SequenceSet(
            offsets=np.concatenate([*bounds, starts[-1:]]).astype(np.int64),
            codes={name: codes for name, (codes, _) in merged.items()},
            dictionaries={name: dictionary for name, (_, dictionary) in merged.items()},
            numbers={name: np.concatenate([part.numbers[name] for part in sets]) for name in first.numbers},
            event_at_us=np.concatenate([part.event_at_us for part in sets]),
            session_id=pa.concat_arrays([part.session_id.cast(pa.string()) for part in sets]),
            user_id=pa.concat_arrays([part.user_id.cast(pa.string()) for part in sets]),
            **{name: np.concatenate([getattr(part, name) for part in sets]) for name in _SESSION_ARRAYS},
        )


def write_description(folder: Path, dictionaries: Mapping[str, Sequence[str]], numbers: Sequence[str]) -> None:
    """Write `sequences.json`: the format, each category column's dictionary, the number columns. Written last."""
    description = {
        "format": FORMAT,
        "dictionaries": {name: list(dictionary) for name, dictionary in dictionaries.items()},
        "numbers": list(numbers),
    }
    (folder / "sequences.json").write_text(json.dumps(description), encoding="utf-8")


def replace_folder(staging: Path, folder: Path) -> None:
    """Move `staging` to `folder`; what was there is moved aside first and then deleted."""
    retired = folder.parent / f".{folder.name}-{uuid.uuid4().hex}"
    if folder.exists():
        os.replace(folder, retired)
    os.replace(staging, folder)
    shutil.rmtree(retired, ignore_errors=True)


def _map(path: Path) -> Any:
    with path.open("rb") as file:
        np.lib.format.read_magic(file)
        shape = np.lib.format.read_array_header_1_0(file)[0]
    return np.load(path, mmap_mode=None if 0 in shape else "r", allow_pickle=False)  # an empty file can't be mapped


def _one_chunk(column: Any) -> Any:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _merge_codes(sets: Sequence[SequenceSet], name: str) -> tuple[npt.NDArray[np.int32], list[str]]:
    position: dict[str, int] = {}
    parts = []
    for part in sets:
        lookup = [position.setdefault(token, len(position)) for token in part.dictionaries[name]]
        lookup.append(MISSING_CODE)  # the last entry is what code -1 reads
        parts.append(np.asarray(lookup, dtype=np.int32)[part.codes[name]])
    return np.concatenate(parts), list(position)


def _check_same_columns(sets: Sequence[SequenceSet]) -> None:
    for part in sets[1:]:
        for kind in ("codes", "numbers"):
            expected, found = set(getattr(sets[0], kind)), set(getattr(part, kind))
            if expected != found:
                raise ValueError(
                    f"sequence sets differ in their {kind} columns: {sorted(expected)} and {sorted(found)}"
                )


def _check_shapes(sequences: SequenceSet) -> None:
    if sequences.offsets.ndim != 1 or len(sequences.offsets) == 0 or sequences.offsets[0] != 0:
        raise ValueError("offsets must be a one-dimensional array that begins with 0")
    n_sessions, n_events = sequences.n_sessions, sequences.n_events
    for name in ("session_id", "user_id", *_SESSION_ARRAYS):
        if len(getattr(sequences, name)) != n_sessions:
            raise ValueError(f"{name} has {len(getattr(sequences, name))} values for {n_sessions} sessions")
    events: dict[str, npt.NDArray[Any]] = {**sequences.codes, **sequences.numbers, "event_at_us": sequences.event_at_us}
    for name, values in events.items():
        if values.shape != (n_events,):
            raise ValueError(f"{name} has shape {values.shape}; offsets end at {n_events} events")
    if missing := set(sequences.codes) - set(sequences.dictionaries):
        raise ValueError(f"no dictionary for the category columns {sorted(missing)}")


def _check_values(sequences: SequenceSet) -> None:
    if np.any(sequences.lengths < 0):
        raise ValueError("offsets must not decrease")
    for name, codes in sequences.codes.items():
        size = len(sequences.dictionaries[name])
        if len(codes) and (codes.min() < MISSING_CODE or codes.max() >= size):
            raise ValueError(f"{name} has codes {codes.min()} to {codes.max()}; its dictionary has {size} entries")
