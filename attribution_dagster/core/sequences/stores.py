"""Where a sequence set in the making is kept: in the files of a folder, or in memory. The builder can't tell them apart."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from attribution_dagster.core.sequences.growing import GrowingArray
from attribution_dagster.core.sequences.sequence_set import SequenceSet, array_file, write_description

_IDS = pa.schema([("session_id", pa.string()), ("user_id", pa.string())])


class Array(Protocol):
    """An array that is appended to."""

    @property
    def length(self) -> int:
        """How many values it has."""
        ...

    def append(self, values: npt.NDArray[Any]) -> None:
        """Add values at the end."""
        ...


class Store(Protocol):
    """What the builder asks for; `kind` and `column` are those of `array_file`."""

    def array(self, dtype: npt.DTypeLike, kind: str, column: str | None = None) -> Array:
        """A new array without values."""
        ...

    def add_ids(self, sessions: pa.RecordBatch) -> None:
        """Add the ids of these sessions, a row each."""
        ...

    def close(self) -> None:
        """Nothing more will be appended."""
        ...

    def describe(self, dictionaries: Mapping[str, Sequence[str]], numbers: Sequence[str]) -> None:
        """Keep what the codes mean; the set is complete."""
        ...


class FolderStore:
    """A set that `SequenceSet.open` reads once it is described."""

    def __init__(self, folder: Path) -> None:
        """Open the file of ids; the folder is there."""
        self._folder = folder
        self._arrays: list[GrowingArray] = []
        self._ids = pa.ipc.new_file(str(folder / "sessions.arrow"), _IDS)

    def array(self, dtype: npt.DTypeLike, kind: str, column: str | None = None) -> GrowingArray:
        """A file without values yet."""
        self._arrays.append(GrowingArray(self._folder / array_file(kind, column), dtype))
        return self._arrays[-1]

    def add_ids(self, sessions: pa.RecordBatch) -> None:
        """Write the ids."""
        self._ids.write_batch(sessions.select(_IDS.names).cast(_IDS))

    def close(self) -> None:
        """Close all files."""
        for array in self._arrays:
            array.close()
        self._ids.close()

    def describe(self, dictionaries: Mapping[str, Sequence[str]], numbers: Sequence[str]) -> None:
        """Write the description, last."""
        write_description(self._folder, dictionaries, numbers)


class HeldArray:
    """An array in memory that is appended to."""

    def __init__(self, dtype: npt.DTypeLike) -> None:
        """Start with no values of this type."""
        self.length, self._dtype = 0, np.dtype(dtype)
        self._parts: list[npt.NDArray[Any]] = []

    def append(self, values: npt.NDArray[Any]) -> None:
        """Keep the values, converted to the array's type."""
        self._parts.append(np.asarray(values, dtype=self._dtype))
        self.length += len(values)

    @property
    def values(self) -> npt.NDArray[Any]:
        """All values so far."""
        return np.concatenate([np.empty(0, self._dtype), *self._parts])


class MemoryStore:
    """A set that is never written."""

    def __init__(self) -> None:
        """Start without arrays."""
        self._arrays: dict[tuple[str, str | None], HeldArray] = {}
        self._ids: list[pa.RecordBatch] = []
        self._dictionaries: Mapping[str, Sequence[str]] = {}

    def array(self, dtype: npt.DTypeLike, kind: str, column: str | None = None) -> HeldArray:
        """An array without values yet."""
        return self._arrays.setdefault((kind, column), HeldArray(dtype))

    def add_ids(self, sessions: pa.RecordBatch) -> None:
        """Keep the ids."""
        self._ids.append(sessions.select(_IDS.names).cast(_IDS))

    def close(self) -> None:
        """There is nothing to let go of."""

    def describe(self, dictionaries: Mapping[str, Sequence[str]], numbers: Sequence[str]) -> None:
        """Keep the dictionaries; the names of the numbers are those of their arrays."""
        self._dictionaries = dictionaries

    def sequences(self) -> SequenceSet:
        """The set, once it is described."""
        ids = pa.Table.from_batches(self._ids, _IDS)
        by_column = {
            kind: {name: held.values for (k, name), held in self._arrays.items() if k == kind and name is not None}
            for kind in ("codes", "numbers")
        }
        return SequenceSet(
            codes=by_column["codes"],
            dictionaries=self._dictionaries,
            numbers=by_column["numbers"],
            **{name: ids.column(name).combine_chunks() for name in _IDS.names},
            **{kind: held.values for (kind, name), held in self._arrays.items() if name is None},
        )
