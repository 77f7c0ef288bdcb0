"""The engines as parameters of tests."""

from attribution_dagster.warehouse.registry import WAREHOUSES

EMBEDDED = "duckdb"


def engines(*besides: str) -> list[str]:
    """The name of each engine, but for those named."""
    return sorted(set(WAREHOUSES) - set(besides))
