"""What every attribution method takes and returns, and the published columns that follow from it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from attribution_dagster.core.sequences.batches import Batch

_Floats = npt.NDArray[np.float64]


class Explainable(Protocol):
    """What a method may use of a model: events -> vectors -> logits, and the exact additive part beside it."""

    mean_event: torch.Tensor
    mean_additive: torch.Tensor
    base_logit: torch.Tensor

    def embed(self, batch: Batch) -> torch.Tensor:
        """Return projected events (B, T, D)."""
        ...

    def score(self, embedded: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return logits (B,)."""
        ...

    def additive(self, batch: Batch) -> torch.Tensor:
        """Return what `score` would lose with each event beside what depends on `embedded`, (B, T)."""
        ...

    def drop(self, batch: Batch, dropped: torch.Tensor) -> Batch:
        """Return the batch without the events of `dropped` (B, T), as if they had never happened."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Contributions:
    """logit: (B,). signed, centred: (B, T) in logits, 0 at padding; centred is against an average training event.

    residual: (B,) logits that the sum misses of what it should be, where the method has such a sum; bound: (B,) what it may miss.
    """

    logit: torch.Tensor
    signed: torch.Tensor
    centred: torch.Tensor
    residual: torch.Tensor | None = None
    bound: torch.Tensor | None = None


Explainer = Callable[[Batch], Contributions]
Attributor = Callable[[Explainable], Explainer]


@contextmanager
def evaluating(model: object) -> Iterator[None]:
    """Run a block with dropout off; the model is left in the mode it was in."""
    if not isinstance(model, torch.nn.Module) or not model.training:
        yield
        return
    model.eval()
    try:
        yield
    finally:
        model.train()


@dataclass(frozen=True, kw_only=True, eq=False)
class Shares:
    """share: (E,) sums to 1 in each session, or is 0 throughout; relative: share x events; is_all_zero: (S,)."""

    share: _Floats
    relative: _Floats
    is_all_zero: npt.NDArray[np.bool_]


def shares(signed: _Floats, offsets: npt.NDArray[np.int64]) -> Shares:
    """Return each event's share of its session's total absolute attribution; session s is offsets[s]:offsets[s + 1]."""
    lengths = np.diff(offsets)
    session = np.repeat(np.arange(len(lengths)), lengths)
    size = np.abs(signed)
    total = np.bincount(session, size, len(lengths))
    share = size / np.where(total > 0, total, 1.0)[session]
    return Shares(share=share, relative=share * lengths[session], is_all_zero=(total == 0) & (lengths > 0))
