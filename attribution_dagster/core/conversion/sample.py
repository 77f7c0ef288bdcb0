"""Sessions as numbers: a matrix of features with labels, users and times, and its slices in time."""

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from attribution_dagster.core.conversion.estimators.estimator import Floats

LATER_SHARE = 0.25
"""Share of the training sessions, the latest, on which models are chosen and calibrated."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """N sessions with K features at the moment of their prediction.

    features: (N, K), NaN is missing; label: (N,) 0 or 1; started_us: (N,) microseconds since 1970; session, user and
    category: (N,) texts.
    """

    names: tuple[str, ...]
    features: Floats
    label: npt.NDArray[np.int64]
    started_us: npt.NDArray[np.int64]
    session: npt.NDArray[np.object_]
    user: npt.NDArray[np.object_]
    category: npt.NDArray[np.object_]
    has_device: npt.NDArray[np.bool_]

    @classmethod
    def from_table(cls, table: pa.Table, names: Sequence[str]) -> "Sample":
        """Return the rows of `session_features`, in an order of their own: by start, then session."""
        table = table.sort_by([("started_at", "ascending"), ("session_id", "ascending")])
        columns = [table[name].cast(pa.float64()).to_numpy() for name in names]
        return cls(
            names=tuple(names),
            features=np.column_stack(columns) if table.num_rows else np.empty((0, len(columns))),
            label=table["is_converted"].to_numpy().astype(np.int64),
            started_us=table["started_at"].cast(pa.int64()).to_numpy(),
            session=_texts(table["session_id"]),
            user=_texts(table["user_id"]),
            category=_texts(table["main_category"]),
            has_device=table["has_device"].to_numpy().astype(bool),
        )

    def __len__(self) -> int:
        """Return N."""
        return len(self.label)

    @property
    def has_both_classes(self) -> bool:
        """Return whether some convert and some don't."""
        return bool(0 < self.label.sum() < len(self))

    def column(self, name: str) -> Floats:
        """Return one feature, (N,)."""
        return self.features[:, self.names.index(name)]

    def select(self, rows: npt.NDArray[np.bool_]) -> "Sample":
        """Return the sessions chosen by a mask, (N,)."""
        return Sample(
            names=self.names,
            features=self.features[rows],
            label=self.label[rows],
            started_us=self.started_us[rows],
            session=self.session[rows],
            user=self.user[rows],
            category=self.category[rows],
            has_device=self.has_device[rows],
        )

    def limited(self, sessions: int) -> "Sample":
        """Return all sessions of as many users, in an order by hash, as have about so many; all of them if they are fewer."""
        if len(self) <= sessions:
            return self
        hashed = np.array([crc32(str(user).encode()) for user in self.user], dtype=np.int64)
        return self.select(hashed <= int(np.quantile(hashed, sessions / len(self))))


def time_slices(sample: Sample, *, end_us: int, embargo_us: int) -> tuple[Sample, Sample]:
    """Return the sessions to fit on and, after them, those to choose and calibrate on.

    Before each border, that between the two and `end_us`, where what is predicted begins, sessions that started within
    the embargo are left out: their labels may have come to be known after it only.
    """
    known = sample.select(sample.started_us < end_us - embargo_us)
    border = int(np.quantile(known.started_us, 1 - LATER_SHARE)) if len(known) else end_us
    return known.select(known.started_us < border - embargo_us), known.select(known.started_us >= border)


def _texts(column: pa.ChunkedArray) -> npt.NDArray[np.object_]:
    return np.array(column.to_pylist(), dtype=object)
