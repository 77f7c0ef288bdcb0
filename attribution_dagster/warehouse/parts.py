"""A slice on disk: one Parquet file, or a folder of them, which is what an engine with many workers writes."""

import os
import shutil
import uuid
from pathlib import Path

import pyarrow.parquet as pq

from attribution_dagster.atomic import PARTIAL
from attribution_dagster.warehouse.forgetting import Forgettable, write_without

_PARTS = "part-*.parquet"


def parts_of(path: Path) -> list[Path]:
    """The files of a slice, in order: the slice itself unless it is a folder.

    Raises FileNotFoundError for a folder that has just been removed.
    """
    if not path.is_dir():
        return [path]
    found = sorted(path.glob(_PARTS))
    if not found:
        raise FileNotFoundError(f"{path} holds no rows any more")
    return found


def rows_of(path: Path) -> int:
    """Number of rows of a slice. Raises FileNotFoundError where there is none."""
    return sum(pq.read_metadata(part).num_rows for part in parts_of(path))


def remove(path: Path) -> None:
    """Delete a slice, or what was left of one in the making. A folder goes at once, so that nobody reads half of it."""
    if path.is_dir():
        leaving = path.with_name(f"{PARTIAL}{uuid.uuid4().hex}")
        os.replace(path, leaving)
        shutil.rmtree(leaving, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def without_user(path: Path, target: Path, user: Forgettable) -> int | None:
    """Number of rows left out of `target`, which is the slice without the user; None, and no target, if nothing in it is the user's."""
    if not path.is_dir():
        return write_without(path, target, user)
    making, removed = target.with_name(f"{PARTIAL}{uuid.uuid4().hex}"), None
    making.mkdir()
    try:
        for part in parts_of(path):
            left_out = write_without(part, making / part.name, user)
            if left_out is None:
                shutil.copy(part, making / part.name)
            else:
                removed = (removed or 0) + left_out
        if removed is not None:
            os.replace(making, target)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return removed
