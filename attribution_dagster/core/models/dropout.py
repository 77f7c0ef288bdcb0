"""Dropout that draws from the calling thread's own generator: parts of a batch run side by side, reproducibly."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

_local = threading.local()


class Dropout(nn.Module):
    """Zeroes each value with probability `rate` in training and scales the others by 1 / (1 - rate)."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return a tensor of the same shape."""
        if not self.training or self.rate == 0.0:
            return values
        keep = torch.empty(values.shape).bernoulli_(1.0 - self.rate, generator=getattr(_local, "generator", None))
        return values * keep.mul_(1.0 / (1.0 - self.rate))


@contextmanager
def drawing_from(generator: torch.Generator) -> Iterator[None]:
    """Let `Dropout` in this thread draw from `generator`; outside, it draws from torch's own."""
    _local.generator = generator
    try:
        yield
    finally:
        _local.generator = None
