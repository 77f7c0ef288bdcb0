"""Events taken out of a batch as if they had never happened: later ones move up, ranks and gaps are recomputed."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch

from attribution_dagster.core.sequences.batches import Batch
from attribution_dagster.core.sequences.vocabulary import PADDING, NumberScaling

_INSTANT = 1e-3  # seconds and ranks; scaling and back is exact to a millionth
_Floats = npt.NDArray[np.float64]
_Flags = npt.NDArray[np.bool_]


def drop_events(batch: Batch, dropped: torch.Tensor, numbers: Sequence[str], scaling: NumberScaling) -> Batch:
    """Return the sessions without the events of `dropped` (B, T), as the sequence builder would have made them.

    numbers, scaling: the batch's number columns and how they were scaled. event_rank falls by the events dropped
    before; time_delta is the time since the last event kept, 0 at a session's first. All else moves along.

    Limits: of a session longer than the model reads, the event that would come into view is not in the batch.
    """
    kept = batch.is_event & ~dropped
    values = batch.numbers.clone()
    for place, name in enumerate(numbers):
        if name in _RECOMPUTED:
            scaled = batch.numbers[:, :, place].numpy()
            old = scaling.invert(name, scaled)
            new = _RECOMPUTED[name](old, kept.numpy())
            is_new = np.abs(new - old) > _INSTANT
            rescaled = scaling.apply(name, new.astype(np.float32))
            values[:, :, place] = torch.from_numpy(np.where(is_new, rescaled, scaled))
    order = torch.argsort((~kept).byte(), dim=1, stable=True)
    is_padding = ~kept.gather(1, order)[:, :, None]
    return replace(
        batch,
        codes=batch.codes.take_along_dim(order[:, :, None], dim=1).masked_fill(is_padding, PADDING),
        numbers=values.take_along_dim(order[:, :, None], dim=1).masked_fill(is_padding, 0.0),
        is_event=~is_padding[:, :, 0],
    )


def _ranks(ranks: _Floats, kept: _Flags) -> _Floats:
    return ranks - np.cumsum(~kept, axis=1)  # at a kept event, only those before it count


def _gaps(gaps: _Floats, kept: _Flags) -> _Floats:
    time = np.cumsum(gaps, axis=1)
    latest = np.maximum.accumulate(np.where(kept, time, -np.inf), axis=1)
    before = np.concatenate([np.full((len(time), 1), -np.inf), latest[:, :-1]], axis=1)
    # A session begins with a gap of 0. Where the model reads only its end, time 0 is an event that it does not read.
    start = np.where(gaps[:, :1] > _INSTANT, 0.0, time)
    result: _Floats = time - np.where(np.isneginf(before), start, before)
    return result


_RECOMPUTED = {"event_rank": _ranks, "time_delta": _gaps}
