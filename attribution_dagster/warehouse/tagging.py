"""On whose behalf statements run: what a warehouse with a query history writes beside each of them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_LONGEST = 2000  # characters that Snowflake keeps
_TAG: ContextVar[dict[str, str] | None] = ContextVar("tag", default=None)


@contextmanager
def tagged(**parts: str) -> Iterator[None]:
    """Statements of the block are tagged with these parts, such as asset, window and run."""
    token = _TAG.set({**(_TAG.get() or {}), **parts})
    try:
        yield
    finally:
        _TAG.reset(token)


def query_tag(dataset: str) -> str:
    """The tag as JSON, with the dataset in it."""
    return json.dumps({"dataset": dataset, **(_TAG.get() or {})})[:_LONGEST]
