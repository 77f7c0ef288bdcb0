"""Batches side by side, one thread each, instead of every operation split over all threads.

Splitting needs all threads to meet after each of some hundred operations a batch: whenever one of them is kept
waiting by another process, all wait. Whole batches never meet, stay in their core's cache, and give the same bits
however many run.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

import torch

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_callers: ContextVar[int] = ContextVar("callers", default=0)  # not 0 inside: blocks may be nested


@contextmanager
def one_thread_per_operation() -> Iterator[int]:
    """Run torch's operations in the thread that calls them; gives the number of threads that may call them."""
    n_threads = torch.get_num_threads()
    token = _callers.set(_callers.get() or n_threads)
    torch.set_num_threads(1)
    try:
        yield _callers.get()
    finally:
        _callers.reset(token)
        torch.set_num_threads(n_threads)


@contextmanager
def batch_threads() -> Iterator[tuple[int, ThreadPoolExecutor]]:
    """Give a pool and its size, as many threads as torch may use, in which each operation keeps to its thread."""
    with (
        one_thread_per_operation() as n_threads,
        ThreadPoolExecutor(n_threads, initializer=torch.set_num_threads, initargs=(1,)) as pool,
    ):
        yield n_threads, pool


def map_batches(function: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
    """Yield function(item) in the order of items, with as many at work as torch may use threads."""
    with batch_threads() as (_, pool):
        yield from pool.map(function, items)
