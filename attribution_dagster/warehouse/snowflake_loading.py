"""Rows into Snowflake: Arrow batches become Parquet files here, which are staged and copied into a table."""

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from attribution_dagster.warehouse.ddl import Column
from attribution_dagster.warehouse.snowflake_session import SnowflakeSession
from attribution_dagster.warehouse.snowflake_text import names, text_literal

_ROWS_PER_FILE = 1_000_000
"""Files of some 100 MB are what a warehouse loads best, side by side."""


def copy_into(
    session: SnowflakeSession, target: str, columns: Sequence[Column], batches: Iterable[pa.RecordBatch]
) -> int:
    """Load the batches, which have these columns in this order, into a table of the current schema; the number of rows."""
    with tempfile.TemporaryDirectory(prefix="attribution-") as folder:
        rows = _write(Path(folder), batches)
        if rows:
            files = text_literal(f"file://{folder}/*.parquet")
            session.execute(f"PUT {files} @%{target} AUTO_COMPRESS = FALSE OVERWRITE = TRUE", what=f"PUT for {target}")
            fields = ", ".join(f"$1:f{number}::{column.type}" for number, column in enumerate(columns))
            session.execute(
                f"COPY INTO {target} ({names(columns)}) FROM (SELECT {fields} FROM @%{target}) "
                "FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE) ON_ERROR = ABORT_STATEMENT",
                what=f"COPY INTO {target}",
            )
    return rows


def _write(folder: Path, batches: Iterable[pa.RecordBatch]) -> int:
    """Files with columns f0, f1, …: names from outside play no part in loading."""
    writer: pq.ParquetWriter | None = None
    rows = in_file = number = 0
    try:
        for batch in batches:
            named = batch.rename_columns([f"f{column}" for column in range(batch.num_columns)])
            if writer is None:
                writer = pq.ParquetWriter(folder / f"part-{number:04d}.parquet", named.schema)
            writer.write_batch(named)
            rows, in_file = rows + batch.num_rows, in_file + batch.num_rows
            if in_file >= _ROWS_PER_FILE:
                writer.close()
                writer, in_file, number = None, 0, number + 1
    finally:
        if writer is not None:
            writer.close()
    return rows
