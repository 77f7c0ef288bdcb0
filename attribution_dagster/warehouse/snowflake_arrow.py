"""Results of Snowflake as Arrow: the types that the embedded warehouse gives, whatever width a batch arrived in."""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

_FIXED, _REAL, _TEXT, _DATE, _BOOLEAN = 0, 1, 2, 3, 13
_TYPES = {_REAL: pa.float64(), _TEXT: pa.string(), _DATE: pa.date32(), _BOOLEAN: pa.bool_()}
_MOMENTS = {4, 6, 7, 8}


def schema_of(description: Sequence[Any]) -> pa.Schema:
    """The schema of a cursor's result: names in lower case, whole numbers as int64, moments in microseconds."""
    return pa.schema([(column.name.lower(), _type(column)) for column in description])


def _type(column: Any) -> pa.DataType:
    if column.type_code in _MOMENTS:
        return pa.timestamp("us")
    if column.type_code == _FIXED:
        return pa.float64() if column.scale else pa.int64()
    return _TYPES.get(column.type_code, pa.string())


def whole(cursor: Any) -> pa.Table:
    """The result of a cursor, whole; without rows it is typed too."""
    schema = schema_of(cursor.description)
    return _typed(cursor.fetch_arrow_all(force_return_table=True), schema)


def batches(cursor: Any) -> Iterator[Any]:
    """The schema first, then the batches."""
    schema = schema_of(cursor.description)
    yield schema
    for table in cursor.fetch_arrow_batches():
        yield from _typed(table, schema).to_batches()


def _typed(table: pa.Table, schema: pa.Schema) -> pa.Table:
    # Snowflake keeps nanoseconds; what is finer than a microsecond is cut off, as everywhere else.
    columns = [column.cast(field.type, safe=not pa.types.is_timestamp(field.type)) for column, field in zip(table.columns, schema, strict=True)]  # fmt: skip
    return pa.Table.from_arrays(columns, schema=schema)
