"""The embedded warehouse: Parquet files on disk, an in-memory DuckDB per process that sees them as views."""

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from attribution_dagster.datasets.profile import ROLES, Profile
from attribution_dagster.errors import ConfigurationError, DataError, MissingInputError, SourceError
from attribution_dagster.warehouse.ddl import Table, table_definition
from attribution_dagster.warehouse.duckdb_source import (
    Kept,
    input_sql,
    kept_in_snapshot,
    malformed_sql,
    snapshot_folder,
)
from attribution_dagster.warehouse.forgetting import Forgettable
from attribution_dagster.warehouse.protocol import Forgotten, Manifest, Scope
from attribution_dagster.warehouse.queries import Query, literal, quoted, transpile, with_values
from attribution_dagster.warehouse.slices import SliceStore, remove_stale_folders
from attribution_dagster.warehouse.source import Source
from attribution_dagster.warehouse.suppression import Suppression, add_to_suppression, load_suppression

_HISTORY = "_history"
_BATCH_ROWS = 65_536
_READS = 4


class DuckDBWarehouse:
    """A `Warehouse` on this machine. Use it in a `with` block, or close it: it holds a connection and a spill folder.

    Every call has a cursor with its own temporary views, made from the pointers or the manifest as they are at that
    moment: what one query sees is of one piece, and threads don't get in each other's way.
    """

    def __init__(
        self, *, root: Path, profile: Profile, memory_limit: str = "4GB", threads: int = 2,
    ) -> None:  # fmt: skip
        """Files lie under `root/<dataset>`; DuckDB uses at most `memory_limit`, beyond it spills to disk there."""
        self.dataset = profile.name
        self._profile = profile
        self._folder = Path(root).absolute() / profile.name
        self._slices = SliceStore(self._folder)
        self._limits = {"memory_limit": memory_limit, "threads": threads}
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._spill: Path | None = None
        self._source_tables: frozenset[str] = frozenset()
        self._snapshots: set[str] = set()

    def __enter__(self) -> Self:
        """The warehouse itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close it."""
        self.close()

    def attach_source(self, source: Source) -> None:
        """Make `raw_events`, `raw_<extra>`, `malformed_lines` and `canonical_events` readable.

        Raises SourceError when a file can't be read.
        """
        connection, folder = self._connect(), self._folder / "source"
        listed = load_suppression(self._folder)
        kept = kept_in_snapshot(source, listed)
        inputs = {"events": source.events, **source.extras}
        try:
            for name, each in inputs.items():
                sql = input_sql(connection, each, folder, name, kept if name == "events" else Kept())
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
            f"table:{name} names a table of the warehouse, and duckdb has no tables of others: set ATTRIBUTION_WAREHOUSE=snowflake, or give a file"
        )

    def fetch(self, query: Query, parameters: Mapping[str, object], scope: Scope = "work") -> pa.Table:
        """The result of a query, whole."""
        query.check(parameters)
        with _explained(query):
            for _ in range(_READS - 1):
                # A file was deleted after its name was read: a user was forgotten, a window removed. Now there is a new name, or none.
                with suppress(duckdb.IOException):
                    return self._fetch(query, parameters, scope)
            return self._fetch(query, parameters, scope)

    def _fetch(self, query: Query, parameters: Mapping[str, object], scope: Scope) -> pa.Table:
        with self._cursor(query, scope) as cursor:
            return _with_integers(cursor.sql(transpile(query, "duckdb"), params=dict(parameters)).to_arrow_table())

    def stream(self, query: Query, parameters: Mapping[str, object], scope: Scope = "work") -> pa.RecordBatchReader:
        """The result of a query, batch by batch; memory does not grow with it."""
        query.check(parameters)
        batches = self._batches(query, parameters, scope)
        return pa.RecordBatchReader.from_batches(next(batches), batches)

    def _batches(self, query: Query, parameters: Mapping[str, object], scope: Scope) -> Iterator[object]:
        """The schema first, then the batches; the cursor is closed with the generator."""
        with _explained(query), self._cursor(query, scope) as cursor:
            relation = cursor.sql(transpile(query, "duckdb"), params=dict(parameters))
            reader = relation.to_arrow_reader(_BATCH_ROWS)
            yield reader.schema
            yield from reader

    def written(self, query: Query, parameters: Mapping[str, object], table: str | None = None) -> str:
        """The statement as `build` runs it for the table, or as `fetch` does, with the parameters' values in it."""
        query.check(parameters)
        selected = with_values(query, "duckdb", parameters)
        return (
            selected
            if table is None
            else _copy(table_definition(table), selected, "<table>/<window>/<version>.parquet")
        )

    def build(self, table: str, window_key: str, version: str, query: Query, parameters: Mapping[str, object]) -> int:
        """Write a slice from a query and make it current; its number of rows."""
        query.check(parameters)
        definition, target = table_definition(table), self._slices.path(table, window_key, version)
        if target.exists():
            self._slices.point(table, window_key, version)
            return pq.read_metadata(target).num_rows
        with self._slices.writing(table, window_key, version) as path, _explained(query):
            with self._cursor(query, "work") as cursor:
                copied = _copy(definition, transpile(query, "duckdb"), str(path))
                written = cursor.execute(copied, dict(parameters)).fetchone()
            return int(written[0]) if written else 0

    def load(self, table: str, window_key: str, version: str, batches: Iterable[pa.RecordBatch]) -> int:
        """Write a slice from Arrow batches and make it current; its number of rows."""
        definition, rows = table_definition(table), 0
        with (
            self._slices.writing(table, window_key, version) as path,
            pq.ParquetWriter(path, definition.schema) as writer,
        ):
            for batch in batches:
                writer.write_batch(definition.fitted(batch))
                rows += batch.num_rows
        return rows

    def current(self, table: str, window_key: str) -> str | None:
        """The version of the work slice, None where there is none."""
        return self._slices.current(table, window_key)

    def publish(self, window_key: str, versions: Mapping[str, str], evidence: Mapping[str, object]) -> Manifest:
        """Show readers these versions of the window's tables, all at once."""
        return self._slices.publish(window_key, versions, evidence)

    def manifest(self, window_key: str) -> Manifest | None:
        """What readers see of a window, None where nothing is published."""
        return self._slices.manifest(window_key)

    def published_windows(self) -> list[str]:
        """Keys of the published windows, oldest first."""
        return self._slices.published_windows()

    def prune(self, superseded_hours: float) -> int:
        """Delete slices and snapshots superseded for longer than this; how many."""
        removed = self._slices.prune(superseded_hours)
        spill = {self._spill.name} if self._spill else set()
        remove_stale_folders(self._folder / "spill", spill, max(superseded_hours, 24))
        return removed + remove_stale_folders(self._folder / "source", self._snapshots, superseded_hours)

    def suppression(self) -> Suppression:
        """The list of users whom reading the source leaves out."""
        return load_suppression(self._folder)

    def forget(self, user_id: str) -> Forgotten:
        """Take the user's rows out of every file, and keep the user out from now on.

        The list comes first: whatever happens after it, nothing that is written from then on holds the user.
        """
        add_to_suppression(self._folder, user_id)
        # A snapshot is a copy of the person's own file, made again when it is needed.
        shutil.rmtree(self._folder / "source", ignore_errors=True)
        remove_stale_folders(self._folder / "spill", {self._spill.name} if self._spill else set(), 0)
        return self._slices.forget(Forgettable(user_id=user_id))

    def window_keys(self, unchanged_hours: float = 0) -> list[str]:
        """Keys of the windows of which anything is stored, oldest first; only those in which nothing changed for so long."""
        return self._slices.window_keys(unchanged_hours)

    def remove_window(self, window_key: str) -> int:
        """Delete all slices of a window, and what readers see of it; how many slices."""
        return self._slices.remove_window(window_key)

    def close(self) -> None:
        """Close the connection and remove what it spilled."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._spill is not None:
            shutil.rmtree(self._spill, ignore_errors=True)
            self._spill = None

    def _connect(self) -> duckdb.DuckDBPyConnection:
        if self._connection is None:
            (self._folder / "spill").mkdir(parents=True, exist_ok=True)
            self._spill = Path(tempfile.mkdtemp(dir=self._folder / "spill"))
            settings = {
                **self._limits,
                "temp_directory": str(self._spill),
                "preserve_insertion_order": False,
                "autoinstall_known_extensions": False,
            }
            self._connection = duckdb.connect(config=settings)
            self._connection.execute("SET GLOBAL TimeZone = 'UTC'")
            roles = _roles_table(self._profile)  # noqa: F841 - DuckDB reads it by its name
            self._connection.execute("CREATE TABLE event_roles AS SELECT * FROM roles")
        return self._connection

    @contextmanager
    def _cursor(self, query: Query, scope: Scope) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor in which the query's tables are views on the files of the scope."""
        cursor = self._connect().cursor()
        try:
            views = self._work_files(query) if scope == "work" else self._published_files(query)
            for table, (definition, files) in views.items():
                cursor.execute(f"CREATE TEMP VIEW {quoted(table)} AS {_view_sql(definition, files)}")
            yield cursor
        finally:
            cursor.close()

    def _work_files(self, query: Query) -> dict[str, tuple[Table, list[Path]]]:
        return {table: (table_definition(table), self._slices.current_files(table)) for table in self._stored(query)}

    def _published_files(self, query: Query) -> dict[str, tuple[Table, list[Path]]]:
        """Each table in its latest published window; `<table>_history` in all of them."""
        manifests = [m for m in map(self.manifest, self.published_windows()) if m is not None]
        views = {}
        for table in self._stored(query):
            stem = table.removesuffix(_HISTORY)
            chosen = manifests if table.endswith(_HISTORY) else manifests[-1:]
            files = [self._folder / m.tables[stem].location for m in chosen if stem in m.tables]
            views[table] = table_definition(stem), files
        return views

    def _stored(self, query: Query) -> list[str]:
        """The query's tables that lie in files: all but the source's and the roles."""
        unattached = {name for name in query.tables if name.startswith("raw_")} | {
            "malformed_lines",
            "canonical_events",
        }
        missing = sorted(query.tables & unattached - self._source_tables)
        if missing:
            raise MissingInputError(f"query {query.name} reads {', '.join(missing)}: attach the dataset's source first")
        return sorted(query.tables - self._source_tables - {"event_roles"})


def _view_sql(definition: Table, files: Sequence[Path]) -> str:
    """All files as one typed table: a column that an older file lacks is NULL, without files it is empty."""
    if not files:
        return definition.empty_sql
    paths = ", ".join(literal(str(path)) for path in files)
    columns = ", ".join(quoted(column.name) for column in definition.columns)
    return (
        f"SELECT {columns} FROM ({definition.empty_sql} UNION ALL BY NAME "
        f"SELECT * FROM read_parquet([{paths}], union_by_name=true))"
    )


def _roles_table(profile: Profile) -> pa.Table:
    by_type = profile.roles.event_types()
    columns = {f"is_{role}": pa.array([roles[role] for roles in by_type.values()], pa.bool_()) for role in ROLES}
    return pa.table({"event_type": pa.array(list(by_type), pa.string()), **columns})


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
    return f"COPY (SELECT {definition.cast_sql} FROM ({selected})) TO {literal(path)} (FORMAT parquet)"
