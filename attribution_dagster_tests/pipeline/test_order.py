"""Two explained windows, made in order and in reverse: readers must see the same."""

import math
from typing import Any

import pytest

from attribution_dagster.assets.published import tables
from attribution_dagster.cli.launch import launch
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.queries import parse_query
from attribution_dagster_tests.pipeline.small import own_dagster_home, small_workspace

FIRST, SECOND = "2025-01-20", "2025-01-27"
ONE_VARIANT = "variants: {no_funnel: {funnel: drop}}\n"
pytestmark = pytest.mark.xdist_group("order")  # one worker makes the windows once
MEASURED = {"seconds_per_1000_sessions"}  # a time, not a result


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Workspace]:
    """Order -> a workspace in which both windows were made in that order."""
    found = {}
    for order, keys in (("in order", (FIRST, SECOND)), ("in reverse", (SECOND, FIRST))):
        root = tmp_path_factory.mktemp("order")
        with own_dagster_home(root):
            found[order] = small_workspace(root, end="2025-02-03", extra=ONE_VARIANT)
            for key in keys:
                launch(found[order], key)
    return found


def test_readers_see_the_same_whichever_window_was_made_first(made: dict[str, Workspace]) -> None:
    for key in (FIRST, SECOND):
        one, other = made.values()
        for table in tables(one.profile):
            rows, others = _rows(one, table, key), _rows(other, table, key)
            assert len(rows) == len(others), table
            for row, same in zip(rows, others, strict=True):
                differing = {name: (row[name], same[name]) for name in row if not _equal(row[name], same[name])}
                assert not differing, f"{table} of {key}: {differing}"


def test_every_version_is_the_same_too(made: dict[str, Workspace]) -> None:
    """So nothing is stale for having been made before another window was: a second run has nothing to do."""
    for key in (FIRST, SECOND):
        one, other = ({t: s.version for t, s in w.warehouse.manifest(key).tables.items()} for w in made.values())  # type: ignore[union-attr]
        assert one == other


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
