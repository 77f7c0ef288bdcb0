"""Files and dictionaries that grow while a stream is read."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from attribution_dagster.core.sequences.sequence_set import MISSING_CODE


class GrowingArray:
    """An .npy file that is appended to; numpy leaves room in the header for the final length."""

    def __init__(self, path: Path, dtype: npt.DTypeLike) -> None:
        """Start the file with no values of this type."""
        self.length, self._dtype = 0, np.dtype(dtype)
        self._file = path.open("wb")
        self._write_header()

    def append(self, values: npt.NDArray[Any]) -> None:
        """Write the values at the end, converted to the file's type."""
        self._file.write(np.ascontiguousarray(values, dtype=self._dtype).data)
        self.length += len(values)

    def close(self) -> None:
        """Write the length into the header and close the file."""
        self._file.seek(0)
        self._write_header()
        self._file.close()

    def _write_header(self) -> None:
        description = np.lib.format.dtype_to_descr(self._dtype)
        header = {"descr": description, "fortran_order": False, "shape": (self.length,)}
        np.lib.format.write_array_header_1_0(self._file, header)


class GrowingDictionary:
    """Codes of one category, in order of appearance."""

    def __init__(self) -> None:
        """Start empty."""
        self._code_of: dict[str, int] = {}

    @property
    def values(self) -> list[str]:
        """The value of each code."""
        return list(self._code_of)

    def encode(self, column: pa.Array) -> npt.NDArray[np.int32]:
        """The codes of a column of strings, -1 for NULL."""
        encoded = column.cast(pa.string()).dictionary_encode()
        lookup = [self._code_of.setdefault(value, len(self._code_of)) for value in encoded.dictionary.to_pylist()]
        positions = encoded.indices.fill_null(len(lookup)).to_numpy(zero_copy_only=False)
        codes: npt.NDArray[np.int32] = np.array([*lookup, MISSING_CODE], dtype=np.int32)[positions]
        return codes
