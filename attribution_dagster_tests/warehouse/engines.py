"""The engines as parameters of tests. Those of one engine keep to one worker (`--dist loadgroup`), so that what is dear is started once."""

from typing import Any

import pytest

from attribution_dagster.warehouse.registry import WAREHOUSES

EMBEDDED = "duckdb"
on_spark = pytest.mark.xdist_group("spark")
on_snowflake = pytest.mark.xdist_group("snowflake")
_GROUPS = {"spark": [on_spark], "snowflake": [on_snowflake]}


def engines(*besides: str) -> list[Any]:
    """A parameter for each engine, but for those named."""
    return [pytest.param(name, marks=_GROUPS.get(name, [])) for name in sorted(set(WAREHOUSES) - set(besides))]
