"""Spark as the warehouse: the SQL transpiled, slices as folders of Parquet files, readers see what manifests name."""

import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from attribution_dagster.datasets.profile import Profile
from attribution_dagster.warehouse.ddl import Table, table_definition
from attribution_dagster.warehouse.parquet import ROLES_TABLE, ParquetWarehouse, roles_table
from attribution_dagster.warehouse.parts import parts_of, rows_of
from attribution_dagster.warehouse.protocol import Joint, RowsFunction, Scope
from attribution_dagster.warehouse.queries import Query
from attribution_dagster.warehouse.source import Source
from attribution_dagster.warehouse.spark_mapping import mapped_sessions
from attribution_dagster.warehouse.spark_session import as_pattern, explained, open_spark, own_session
from attribution_dagster.warehouse.spark_source import SparkSource, describe_table
from attribution_dagster.warehouse.spark_text import SPARK, bound, statement, with_values
from attribution_dagster.warehouse.spark_together import run_together
from attribution_dagster.warehouse.suppression import load_suppression

_BATCH_ROWS = 65_536


class SparkWarehouse(ParquetWarehouse):
    """A `Warehouse` whose statements Spark runs. Its folder is one that the driver and all executors see under the same path.

    Spark is started on first use, and goes on when the warehouse is closed: others in this process may be using it.
    """

    def __init__(
        self, *, root: Path, profile: Profile, master: str | None = None, memory_limit: str = "4GB", threads: int = 2,
    ) -> None:  # fmt: skip
        """Files lie under `root/<dataset>`. Without a `master`, and if no Spark is running, one is started within the limits."""
        super().__init__(root, profile)
        self._limits = {"memory_limit": memory_limit, "threads": threads}
        self._master = master
        self._source = SparkSource(self._folder / "source", self._limits)

    def attach_source(self, source: Source) -> None:
        """Make `raw_events`, `raw_<extra>`, `malformed_lines` and `canonical_events` readable.

        Raises SourceError when a file or a table can't be read.
        """
        self._source_tables = self._source.attach(self._own_session(), source, load_suppression(self._folder))
        self._snapshots = self._source.snapshots

    def describe_table(self, name: str) -> tuple[tuple[str, ...], str]:
        """Columns of a table that events can be read from, and a digest that changes when the table does."""
        return describe_table(self._own_session(), name)

    def map_sessions(
        self, table: str, window_key: str, version: str, query: Query, parameters: Mapping[str, object],
        function: RowsFunction, shared: object, events_per_chunk: int,
    ) -> int:  # fmt: skip
        """Write a slice from what the function makes of a query's rows on the executors; its number of rows."""
        query.check(parameters)
        definition, rows = table_definition(table), self._slices.rows(table, window_key, version)
        if rows is not None:
            self._slices.point(table, window_key, version)
            return rows
        with self._slices.writing(table, window_key, version) as path, explained(query):
            with self._result(query, parameters, "work") as events:
                mapped_sessions(events, definition, function, shared, events_per_chunk).write.parquet(str(path))
            return rows_of(path)

    def run_together(self, processes: int, function: Joint, argument: Any) -> Any:
        """What the function returns in the first of so many processes on the executors."""
        return run_together(self._own_session(), processes, function, argument)

    def written(self, query: Query, parameters: Mapping[str, object], table: str | None = None) -> str:
        """The statement as `build` runs it for the table, or as `fetch` does, with the parameters' values in it."""
        query.check(parameters)
        selected = with_values(query, parameters)
        return selected if table is None else _cast(table_definition(table), selected)

    def _fetch(self, query: Query, parameters: Mapping[str, object], scope: Scope) -> pa.Table:
        with explained(query), self._result(query, parameters, scope) as result:
            table = result.toArrow()
            return table.cast(_plain(table.schema))

    def _batches(self, query: Query, parameters: Mapping[str, object], scope: Scope) -> Iterator[object]:
        """By way of files: Spark hands over a result whole, or row by row. Files are in the order of the result."""
        folder = self._spill_folder() / uuid.uuid4().hex
        try:
            with explained(query), self._result(query, parameters, scope) as result:
                result.write.parquet(str(folder))
            parts = parts_of(folder)
            schema = _plain(pq.read_schema(parts[0]))
            yield schema
            for part in parts:
                with pq.ParquetFile(part) as file:
                    yield from (batch.cast(schema) for batch in file.iter_batches(_BATCH_ROWS))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _write(self, definition: Table, query: Query, parameters: Mapping[str, object], path: Path) -> None:
        with explained(query), self._result(query, parameters, "work", definition) as result:
            result.write.parquet(str(path))

    def _own_session(self) -> SparkSession:
        return own_session(open_spark(self._master, **self._limits))

    @contextmanager
    def _result(
        self, query: Query, parameters: Mapping[str, object], scope: Scope, definition: Table | None = None
    ) -> Iterator[DataFrame]:
        """What the query comes to, as a table's types if one is given, in a session in which its tables are views on the files of the scope."""
        session = self._own_session()
        self._source.show(session, query.tables & self._source_tables)
        if ROLES_TABLE in query.tables:
            session.createDataFrame(roles_table(self._profile)).createOrReplaceTempView(ROLES_TABLE)
        for table, (stored, files) in self._files(query, scope).items():
            _table(session, stored, files).createOrReplaceTempView(table)
        sql = statement(query, parameters)
        yield session.sql(sql if definition is None else _cast(definition, sql), bound(parameters))


def _cast(definition: Table, selected: str) -> str:
    return f"SELECT {definition.cast_sql(SPARK)} FROM ({selected})"


def _table(session: SparkSession, definition: Table, files: Sequence[Path]) -> DataFrame:
    """All files as one typed table: a column that an older file lacks is NULL, without files it is empty."""
    if not files:
        return session.sql(definition.empty_sql(SPARK))
    schema = from_arrow_schema(definition.schema)
    return session.read.schema(schema).parquet(*(as_pattern(file) for file in files))


def _plain(schema: pa.Schema) -> pa.Schema:
    """The types that the other engines give: moments in UTC without a zone, and every column may hold NULL."""
    return pa.schema([(f.name, pa.timestamp("us") if pa.types.is_timestamp(f.type) else f.type) for f in schema])
