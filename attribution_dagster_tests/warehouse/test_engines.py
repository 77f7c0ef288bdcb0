"""What the engines' tests rest on."""

import os

import pytest

from attribution_dagster_tests.warehouse.engines import on_snowflake


@on_snowflake
def test_tests_of_one_engine_keep_to_one_worker(request: pytest.FixtureRequest) -> None:
    """By the group at the end of their names, which is what `--dist loadgroup` goes by; else each worker makes the whole graph for itself."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        pytest.skip("one process: there are no workers to choose from")
    assert request.node.nodeid.endswith("@snowflake")
