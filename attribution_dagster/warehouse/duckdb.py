"""The embedded warehouse: Parquet files on disk, an in-memory DuckDB per process that sees them as views."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
import pyarrow as pa

from attribution_dagster.datasets.profile import Profile
from attribution_dagster.errors import ConfigurationError, DataError, SourceError
from attribution_dagster.warehouse.ddl import Table, table_definition
from attribution_dagster.warehouse.duckdb_parts import statements
from attribution_dagster.warehouse.duckdb_source import (
    input_sql,
    kept_in_snapshot,
    malformed_sql,
    snapshot_folder,
)
from attribution_dagster.warehouse.parquet import ROLES_TABLE, ParquetWarehouse, roles_table
from attribution_dagster.warehouse.protocol import Scope
from attribution_dagster.warehouse.queries import Query, literal, quoted, transpile, with_values
from attribution_dagster.warehouse.source import Source
from attribution_dagster.warehouse.suppression import load_suppression

_BATCH_ROWS = 65_536


class DuckDBWarehouse(ParquetWarehouse):
    """A `Warehouse` on this machine. It holds a connection; every query has a cursor with its own temporary views."""

    def __init__(
        self, *, root: Path, profile: Profile, memory_limit: str = "4GB", threads: int = 2,
    ) -> None:  # fmt: skip
        """Files lie under `root/<dataset>`; DuckDB uses at most `memory_limit`, beyond it spills to disk there."""
        super().__init__(root, profile)
        self._limits = {"memory_limit": memory_limit, "threads": threads}
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._connecting = threading.Lock()

    def attach_source(self, source: Source) -> None:
        """Make `raw_events`, `raw_<extra>`, `malformed_lines` and `canonical_events` readable.

        Raises SourceError when a file can't be read.
        """
        connection, folder = self._connect(), self._folder / "source"
        listed = load_suppression(self._folder)
        inputs = {"events": source.events, **source.extras}
        try:
            for name, each in inputs.items():
                sql = input_sql(connection, each, folder, name, kept_in_snapshot(source, name, listed))
                connection.execute(f"CREATE OR REPLACE VIEW raw_{name} AS {sql}")
            folders = [snapshot_folder(folder, name, each.digest) for name, each in inputs.items()]
            connection.execute(f"CREATE OR REPLACE VIEW malformed_lines AS {malformed_sql(folders)}")
            canonical = (
                f"SELECT * FROM ({transpile(source.staging, 'duckdb')}) WHERE {listed.keeps_sql('user_id') or 'true'}"
            )
            connection.execute(f"CREATE OR REPLACE VIEW canonical_events AS {canonical}")
        except duckdb.Error as error:
            raise SourceError(f"the source of {source.dataset} can't be read: {error}") from error
        self._snapshots = {path.name for path in folders}
        self._source_tables = frozenset({f"raw_{name}" for name in inputs} | {"malformed_lines", "canonical_events"})

    def describe_table(self, name: str) -> tuple[tuple[str, ...], str]:
        """There are no tables but its own: raises ConfigurationError."""
        raise ConfigurationError(
            f"table:{name} names a table of the warehouse, and duckdb has no tables of others: set ATTRIBUTION_WAREHOUSE to snowflake or spark, or give a file"
        )

    def written(self, query: Query, parameters: Mapping[str, object], table: str | None = None) -> str:
        """The statement as `build` runs it for the table, or as `fetch` does, with the parameters' values in it."""
        query.check(parameters)
        selected = with_values(query, "duckdb", parameters)
        if table is None:
            return selected
        return _copy(table_definition(table), selected, "<table>/<window>/<version>.parquet")

    def close(self) -> None:
        """Close the connection and remove what it spilled."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        super().close()

    def _fetch(self, query: Query, parameters: Mapping[str, object], scope: Scope) -> pa.Table:
        with _explained(query), self._cursor(query, scope) as cursor:
            return _with_integers(cursor.sql(transpile(query, "duckdb"), params=dict(parameters)).to_arrow_table())

    def _batches(self, query: Query, parameters: Mapping[str, object], scope: Scope) -> Iterator[object]:
        with _explained(query), self._cursor(query, scope) as cursor:
            for number, selected in enumerate(statements(cursor, query, parameters)):
                relation = cursor.sql(selected, params=dict(parameters))
                reader = relation.to_arrow_reader(_BATCH_ROWS)
                if number == 0:
                    yield reader.schema
                yield from reader

    def _write(self, definition: Table, query: Query, parameters: Mapping[str, object], path: Path) -> None:
        with _explained(query), self._cursor(query, "work") as cursor:
            parts = statements(cursor, query, parameters)
            files = [path]
            if len(parts) > 1:
                path.mkdir()
                files = [path / f"part-{number:05d}.parquet" for number in range(len(parts))]
            for selected, file in zip(parts, files, strict=True):
                cursor.execute(_copy(definition, selected, str(file)), dict(parameters))

    def _connect(self) -> duckdb.DuckDBPyConnection:
        with self._connecting:  # two visitors of the dashboard may be the first to ask
            if self._connection is None:
                settings = {
                    **self._limits,
                    "temp_directory": str(self._spill_folder()),
                    "preserve_insertion_order": False,
                    "autoinstall_known_extensions": False,
                }
                opened = duckdb.connect(config=settings)
                opened.execute("SET GLOBAL TimeZone = 'UTC'")
                roles = roles_table(self._profile)  # noqa: F841 - DuckDB reads it by its name
                opened.execute(f"CREATE TABLE {ROLES_TABLE} AS SELECT * FROM roles")
                self._connection = opened
            return self._connection

    @contextmanager
    def _cursor(self, query: Query, scope: Scope) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor in which the query's tables are views on the files of the scope."""
        cursor = self._connect().cursor()
        try:
            for table, (definition, files) in self._files(query, scope).items():
                cursor.execute(f"CREATE TEMP VIEW {quoted(table)} AS {_view_sql(definition, files)}")
            yield cursor
        finally:
            cursor.close()


def _view_sql(definition: Table, files: Sequence[Path]) -> str:
    """All files as one typed table: a column that an older file lacks is NULL, without files it is empty."""
    if not files:
        return definition.empty_sql("duckdb")
    paths = ", ".join(literal(str(path)) for path in files)
    columns = ", ".join(quoted(column.name) for column in definition.columns)
    return (
        f"SELECT {columns} FROM ({definition.empty_sql('duckdb')} UNION ALL BY NAME "
        f"SELECT * FROM read_parquet([{paths}], union_by_name=true))"
    )


def _with_integers(table: pa.Table) -> pa.Table:
    """Sums of integers come as 128-bit numbers, which Arrow calls decimals: make them what they are, where they fit."""
    for position, field in enumerate(table.schema):
        if field.type == pa.decimal128(38, 0):
            with suppress(pa.ArrowInvalid):
                table = table.set_column(position, field.name, table.column(position).cast(pa.int64()))
    return table


@contextmanager
def _explained(query: Query) -> Iterator[None]:
    """Turn DuckDB's errors into ours, with the query's name."""
    try:
        yield
    except (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException) as error:
        raise ConfigurationError(f"query {query.name}: {error}") from error
    except duckdb.IOException as error:
        raise OSError(f"query {query.name} failed: {error}") from error  # of a disk, not of the data: worth another try
    except duckdb.Error as error:
        raise DataError(f"query {query.name} failed: {error}") from error


def _copy(definition: Table, selected: str, path: str) -> str:
    return f"COPY (SELECT {definition.cast_sql('duckdb')} FROM ({selected})) TO {literal(path)} (FORMAT parquet)"
