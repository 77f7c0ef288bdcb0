"""Processes that train one model together, by `torch.distributed`; a process by itself is the first of one.

Each has all sessions and takes its part of every batch. What they add up or are told by the first has the same bits in
each, so they stay replicas of one another and stop at the same step.
"""

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import distributed


def rank_and_size() -> tuple[int, int]:
    """Return the number of this process, from 0, and how many train together."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return 0, 1
    return distributed.get_rank(), distributed.get_world_size()


def added_up(values: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Return the sum of each value over all processes."""
    if rank_and_size()[1] == 1:
        return list(values)
    flat = torch.cat([value.reshape(-1) for value in values])
    distributed.all_reduce(flat)
    ends = list(accumulate(value.numel() for value in values))
    return [flat[end - value.numel() : end].reshape(value.shape) for end, value in zip(ends, values, strict=True)]


def take_from_the_first(values: Sequence[torch.Tensor]) -> None:
    """Give the values, in place, what they are in the first process: fits of one kind may differ by a bit between machines."""
    if rank_and_size()[1] > 1:
        for value in values:
            distributed.broadcast(value, src=0)
