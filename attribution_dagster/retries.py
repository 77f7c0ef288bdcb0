"""Which errors a step tries again after, be it an asset's or its checks': those of disks and networks, which may be gone in a moment.

What is wrong with data stays wrong.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import dagster as dg

RETRIES = 3
FIRST_WAIT_S = 5.0
"""Before the first retry; then twice as long each time, 35 seconds in all."""
LASTING = (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError, PermissionError)
"""Errors of the operating system that waiting does not mend."""

C = TypeVar("C", dg.AssetExecutionContext, dg.AssetCheckExecutionContext)
P = ParamSpec("P")
R = TypeVar("R")


def retried_after_io_errors(
    step: Callable[Concatenate[C, P], R],
) -> Callable[Concatenate[C, P], R]:
    """The step, which Dagster runs again after an error of a disk or the network. Every other error fails it at once.

    Not a `RetryPolicy`: that would train a model again because its data has one class only.
    """

    @wraps(step)
    def tried(context: C, *args: Any, **kwargs: Any) -> R:
        try:
            return step(context, *args, **kwargs)
        except LASTING:
            raise
        except OSError as error:
            wait = FIRST_WAIT_S * 2**context.retry_number
            raise dg.RetryRequested(max_retries=RETRIES, seconds_to_wait=wait) from error

    return tried
