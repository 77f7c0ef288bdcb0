"""Batches under a token budget: sessions of like length together, so that little of a batch is padding."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from attribution_dagster.core.sequences.sequence_set import SequenceSet
from attribution_dagster.core.sequences.vocabulary import PADDING, NumberScaling, Vocabulary


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """B sessions padded to T events. codes: (B, T, C) long; numbers: (B, T, K); is_event: (B, T); rows: (B,)."""

    codes: torch.Tensor
    numbers: torch.Tensor
    is_event: torch.Tensor
    rows: npt.NDArray[np.int64]

    def take(self, chosen: torch.Tensor) -> "Batch":
        """Return these sessions of the batch, of an index tensor (R,), padded as they are."""
        return Batch(
            codes=self.codes[chosen],
            numbers=self.numbers[chosen],
            is_event=self.is_event[chosen],
            rows=self.rows[chosen.numpy()],
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodedSequences:
    """A sequence set as a model reads it: vocabulary ids and scaled numbers of the last `max_events` events.

    codes: (E, C) int32; numbers: (E, K) float32; offsets: (S + 1,); first_event: (S,) events left out before them.
    """

    codes: npt.NDArray[np.int32]
    numbers: npt.NDArray[np.float32]
    offsets: npt.NDArray[np.int64]
    first_event: npt.NDArray[np.int64]

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Events per session that the model reads, (S,)."""
        return np.diff(self.offsets)

    def batch(self, rows: npt.NDArray[np.int64]) -> Batch:
        """Return these sessions, padded to the longest of them."""
        lengths = self.lengths[rows]
        steps = np.arange(max(int(lengths.max(initial=0)), 1))
        is_event = steps < lengths[:, None]
        events = np.where(is_event, self.offsets[:-1][rows][:, None] + steps, 0)
        # Where no session has an event there is none to stand for padding.
        source = self if len(self.codes) else _one_blank_event(self)
        codes, numbers = source.codes[events], source.numbers[events]
        codes[~is_event], numbers[~is_event] = PADDING, 0.0
        return Batch(
            codes=torch.from_numpy(codes.astype(np.int64)),
            numbers=torch.from_numpy(numbers),
            is_event=torch.from_numpy(is_event),
            rows=rows,
        )


def _one_blank_event(data: EncodedSequences) -> EncodedSequences:
    blank = np.zeros((1, data.codes.shape[1]), np.int32), np.zeros((1, data.numbers.shape[1]), np.float32)
    return replace(data, codes=blank[0], numbers=blank[1])


def encode(
    sequences: SequenceSet, vocabulary: Vocabulary, scaling: NumberScaling, numbers: Sequence[str], max_events: int
) -> EncodedSequences:
    """Return the last `max_events` events of each session as ids and scaled numbers.

    Raises ValueError when the set lacks a column of the vocabulary or of `numbers`.
    """
    columns = (("category", vocabulary.tokens, sequences.codes), ("number", numbers, sequences.numbers))
    for kind, wanted, found in columns:
        if lacking := [column for column in wanted if column not in found]:
            raise ValueError(f"the sequences lack the {kind} columns {lacking} that the model reads")
    lengths = np.minimum(sequences.lengths, max_events)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    events = np.repeat(sequences.offsets[1:] - offsets[1:], lengths) + np.arange(offsets[-1])
    codes = [
        vocabulary.lookup(name, sequences.dictionaries[name])[sequences.codes[name][events]]
        for name in vocabulary.tokens
    ]
    scaled = [scaling.apply(name, sequences.numbers[name][events]) for name in numbers]
    return EncodedSequences(
        codes=np.stack(codes, axis=1) if codes else np.zeros((len(events), 0), np.int32),
        numbers=np.stack(scaled, axis=1) if scaled else np.zeros((len(events), 0), np.float32),
        offsets=offsets,
        first_event=sequences.lengths - lengths,
    )


def budget_batches(lengths: npt.NDArray[np.int64], token_budget: int) -> Iterator[npt.NDArray[np.int64]]:
    """Yield index arrays of sessions, longest first, whose padded cells (with one for CLS) stay within the budget.

    A session longer than the budget gets a batch of its own; sessions without events are in none.
    """
    if token_budget < 1:
        raise ValueError(f"token_budget={token_budget} must be at least 1")
    order = np.argsort(-lengths, kind="stable")
    order = order[: int(np.count_nonzero(lengths))]
    start = 0
    while start < len(order):
        size = max(token_budget // (int(lengths[order[start]]) + 1), 1)
        yield order[start : start + size]
        start += size


def shuffled_batches(
    lengths: npt.NDArray[np.int64], token_budget: int, generator: np.random.Generator, batches_per_pool: int = 64
) -> list[npt.NDArray[np.int64]]:
    """Return one epoch of training batches in random order.

    Sessions are drawn into random pools and sorted by length only inside a pool, so that a session meets other
    neighbours in each epoch while little is padded.
    """
    order = generator.permutation(np.flatnonzero(lengths))
    cells = np.cumsum(lengths[order] + 1)
    pools = np.split(order, np.flatnonzero(np.diff(cells // (token_budget * batches_per_pool))) + 1)
    batches = [pool[rows] for pool in pools for rows in budget_batches(lengths[pool], token_budget)]
    return [batches[index] for index in generator.permutation(len(batches))]
