"""Journeys as a model reads them: ad events as ragged sequences, and beside them what is known of the user's intent."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch

from attribution_dagster.core.sequences.batches import Batch, EncodedSequences
from attribution_dagster.core.sequences.builder import build_sequences
from attribution_dagster.core.sequences.sequence_set import SequenceSet

CATEGORIES = ("event_type", "campaign_id", "ad_type", "product_id")
NUMBERS = ("event_rank", "time_delta", "hours_before", "cost_usd")
EXPOSURE = "exposure"
"""Number column that no model reads: the impression an event belongs to, so that a click goes when its impression goes."""
INTENT = ("mean_relevance", "has_relevance", "log_auctions")
"""Columns of the context: what the auctions of the look-back say of the user, whether won or lost."""
_DAY_US = 86_400_000_000
_Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Journeys:
    """S journeys: `sequences` with label, user and start of the day; context: (S, 3), the columns of `INTENT`."""

    sequences: SequenceSet
    context: _Floats

    def select(self, journeys: npt.ArrayLike) -> "Journeys":
        """Return the journeys of an index array or boolean mask."""
        chosen = np.asarray(journeys)
        return Journeys(sequences=self.sequences.select(chosen), context=self.context[chosen])

    @property
    def label(self) -> npt.NDArray[np.float64]:
        """Whether the user bought on the day, (S,)."""
        return np.asarray(self.sequences.label, dtype=np.float64)

    @property
    def user(self) -> npt.NDArray[np.int64]:
        """Number of the journey's user, (S,), counted in the order of ids."""
        ids = self.sequences.user_id.to_numpy(zero_copy_only=False)
        return np.asarray(np.unique(ids, return_inverse=True)[1], dtype=np.int64)

    @property
    def journey_of_event(self) -> npt.NDArray[np.int64]:
        """Number of each event's journey, (E,)."""
        return np.repeat(np.arange(self.sequences.n_sessions), self.sequences.lengths)

    @staticmethod
    def concatenate(parts: "Sequence[Journeys]") -> "Journeys":
        """Return all journeys in one set."""
        return Journeys(
            sequences=SequenceSet.concatenate([part.sequences for part in parts]),
            context=np.concatenate([part.context for part in parts]),
        )


def read_journeys(batches: Iterable[pa.RecordBatch], journeys: pa.Table) -> Journeys:
    """Return journeys in memory.

    batches: rows of `sql/journeys/ad_sequence_events.sql`. journeys: one row each, in the same order, with journey_id,
    day_number, auctions and mean_relevance.

    Raises ValueError where the two are not of the same journeys.
    """
    with TemporaryDirectory() as scratch:
        build_sequences(batches, CATEGORIES, (*NUMBERS, EXPOSURE), Path(scratch) / "journeys")
        stored = SequenceSet.open(Path(scratch) / "journeys")
        sequences = stored.select(np.arange(stored.n_sessions))
    if sequences.session_id.to_pylist() != journeys["journey_id"].to_pylist():
        raise ValueError("events and journeys are not of the same journeys in the same order; order both by journey_id")
    day = journeys["day_number"].to_numpy().astype(np.int64)
    return Journeys(
        sequences=replace(sequences, started_at_us=sequences.started_at_us + day * _DAY_US), context=intent_of(journeys)
    )


def intent_of(rows: pa.Table) -> _Floats:
    """Return the context (S, 3) of rows with `mean_relevance` (0 where unknown, and said so) and `auctions`."""
    relevance = np.asarray(rows["mean_relevance"].to_numpy(), dtype=np.float64)
    auctions = rows["auctions"].to_numpy().astype(np.float64)
    known = np.isfinite(relevance)
    columns = [np.where(known, relevance, 0.0), known.astype(np.float64), np.log1p(auctions)]
    return np.stack(columns, axis=1).astype(np.float32)


@dataclass(frozen=True, kw_only=True, eq=False)
class JourneyBatch(Batch):
    """B journeys padded to T events, with context (B, K). exposure: (B, T) number of the impression, 0 at padding."""

    context: torch.Tensor
    exposure: torch.Tensor

    def take(self, chosen: torch.Tensor) -> "JourneyBatch":
        """Return these journeys of the batch, of an index tensor (R,), padded as they are; one may come several times."""
        return JourneyBatch(
            codes=self.codes[chosen],
            numbers=self.numbers[chosen],
            is_event=self.is_event[chosen],
            rows=self.rows[chosen.numpy()],
            context=self.context[chosen],
            exposure=self.exposure[chosen],
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodedJourneys:
    """Journeys as ids and scaled numbers of their last events; context (S, K); exposure (E,) of the events that are read."""

    data: EncodedSequences
    context: _Floats
    exposure: npt.NDArray[np.int64]

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Events per journey that the model reads, (S,)."""
        return self.data.lengths

    def batch(self, rows: npt.NDArray[np.int64]) -> JourneyBatch:
        """Return these journeys, padded to the longest of them."""
        plain = self.data.batch(rows)
        events = self.data.offsets[:-1][rows][:, None] + np.arange(plain.is_event.shape[1])
        exposure = np.where(
            plain.is_event.numpy(), np.append(self.exposure, 0)[np.minimum(events, len(self.exposure))], 0
        )
        return JourneyBatch(
            codes=plain.codes,
            numbers=plain.numbers,
            is_event=plain.is_event,
            rows=rows,
            context=torch.from_numpy(self.context[rows]),
            exposure=torch.from_numpy(exposure),
        )
