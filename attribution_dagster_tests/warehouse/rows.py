"""Two engines' rows of a table, value for value."""

import math
from typing import Any

import pyarrow as pa


def assert_same_rows(table: str, want: pa.Table, got: pa.Table) -> None:
    """Integers, texts and moments are the same, floating numbers within 1e-9 of their size; rows are in any order."""
    assert got.column_names == want.column_names and got.num_rows == want.num_rows, table
    for one, other in zip(_ordered(want), _ordered(got), strict=True):
        for name, value in one.items():
            assert _same(value, other[name]), (
                f"{table}.{name}: {value!r} on DuckDB, {other[name]!r} elsewhere, in {one}"
            )


def _ordered(table: pa.Table) -> list[dict[str, Any]]:
    """Rows by their texts and moments first, which are exact, then by the numbers, which may differ in the last digits."""
    inexact = {field.name for field in table.schema if pa.types.is_floating(field.type)}
    exact = [name for name in table.column_names if name not in inexact]

    def key(row: dict[str, Any]) -> tuple[list[str], list[str]]:
        return [repr(row[name]) for name in exact], [f"{row[name] or 0:.6g}" for name in sorted(inexact)]

    return sorted(table.to_pylist(), key=key)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12) or (math.isnan(one) and math.isnan(other))
    return type(one) is type(other) and one == other
