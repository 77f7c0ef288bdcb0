"""Two explained windows, made in order and in reverse: readers must see the same, and nothing be stale for having been made first.

Prints what differs; ends with 1 if anything does. `python -m attribution_dagster_tests.verify.order`
"""

import math
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attribution_dagster.assets.audited import tables
from attribution_dagster.cli.launch import launch
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.queries import parse_query
from attribution_dagster_tests.pipeline.small import own_dagster_home, small_workspace

FIRST, SECOND = "2025-01-20", "2025-01-27"
ONE_VARIANT = "variants: {no_funnel: {funnel: drop}}\n"
MEASURED = {"seconds_per_1000_sessions"}  # a time, not a result


def main() -> int:
    """0 if both orders gave the same rows in the same versions."""
    with tempfile.TemporaryDirectory() as name:
        one, other = (
            _made(Path(name) / order, keys)
            for order, keys in (("in_order", (FIRST, SECOND)), ("in_reverse", (SECOND, FIRST)))
        )
        differences = [each for key in (FIRST, SECOND) for each in _differences(one, other, key)]
        for workspace in (one, other):
            workspace.warehouse.close()
    print("\n".join(differences) or "met      both orders gave the same rows in the same versions")
    return int(bool(differences))


def _made(root: Path, keys: tuple[str, str]) -> Workspace:
    with own_dagster_home(root):
        workspace = small_workspace(root, end="2025-02-03", extra=ONE_VARIANT)
        for key in keys:
            launch(workspace, key)
    return workspace


def _differences(one: Workspace, other: Workspace, key: str) -> Iterator[str]:
    manifests = [workspace.warehouse.manifest(key) for workspace in (one, other)]
    versions, others = ({t: s.version for t, s in m.tables.items()} for m in manifests if m is not None)
    for table in tables(one.profile):
        if versions[table] != others[table]:
            yield f"{table} of {key}: version {versions[table]} in order, {others[table]} in reverse"
        rows, same = _rows(one, table, key), _rows(other, table, key)
        if len(rows) != len(same):
            yield f"{table} of {key}: {len(rows)} rows in order, {len(same)} in reverse"
        for row, its in zip(rows, same, strict=False):
            yield from (
                f"{table} of {key}, {name}: {row[name]} in order, {its[name]} in reverse"
                for name in row
                if not _equal(row[name], its[name])
            )


def _rows(workspace: Workspace, table: str, key: str) -> list[dict[str, Any]]:
    query = parse_query(table, f"SELECT * FROM {table}_history WHERE window_start = :window_start")
    found = workspace.warehouse.fetch(query, {"window_start": workspace.window(key).start}, scope="published")
    rows = [{name: value for name, value in row.items() if name not in MEASURED} for row in found.to_pylist()]
    return sorted(rows, key=lambda row: repr([value for value in row.values() if not isinstance(value, float)]))


def _equal(one: object, other: object) -> bool:
    """Sums of floats depend, in their last digits, on the order in which threads and files come."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    return one == other


if __name__ == "__main__":
    sys.exit(main())
