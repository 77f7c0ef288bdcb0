"""Snowflake as the warehouse: statements run as they are written, sampled users' rows come out as Arrow, results go in as Parquet."""

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from types import TracebackType
from typing import Self

import pyarrow as pa

from attribution_dagster.datasets.profile import ROLES, Profile
from attribution_dagster.errors import ConfigurationError, MissingInputError
from attribution_dagster.snowflake_settings import SnowflakeSettings
from attribution_dagster.warehouse import snowflake_arrow
from attribution_dagster.warehouse.ddl import Table, table_definition
from attribution_dagster.warehouse.protocol import Forgotten, Manifest, Scope
from attribution_dagster.warehouse.queries import Query
from attribution_dagster.warehouse.slices import safe
from attribution_dagster.warehouse.snowflake_forgetting import SnowflakeForgetting
from attribution_dagster.warehouse.snowflake_loading import copy_into
from attribution_dagster.warehouse.snowflake_session import SnowflakeSession
from attribution_dagster.warehouse.snowflake_slices import SnowflakeSlices
from attribution_dagster.warehouse.snowflake_source import SnowflakeSource
from attribution_dagster.warehouse.snowflake_tables import SnowflakeTables
from attribution_dagster.warehouse.snowflake_text import casts, create_temporary_table, names, statement, with_values
from attribution_dagster.warehouse.source import Source
from attribution_dagster.warehouse.suppression import Suppression

_OF_SOURCE = {"malformed_lines", "canonical_events"}
_ROLES_TABLE = "event_roles"


class SnowflakeWarehouse:
    """A `Warehouse` in an account. Two sessions, made on first use: one in the work area, one in the schema people read."""

    def __init__(
        self, *, settings: SnowflakeSettings, profile: Profile, memory_limit: str = "4GB", threads: int = 2,
    ) -> None:  # fmt: skip
        """Nothing is opened yet. The limits are those of reading files here, before they are uploaded."""
        self.dataset, self._profile = profile.name, profile
        schema = settings.schema_of(profile.name)
        self._work = SnowflakeSession(settings, profile.name, f"{schema}_WORK")
        self._published = SnowflakeSession(settings, profile.name, schema)
        self._tables = SnowflakeTables(self._work, settings.database, schema)
        self._slices = SnowflakeSlices(self._work, self._tables)
        self._forgetting = SnowflakeForgetting(self._work, self._tables)
        self._source = SnowflakeSource(self._work, self._tables, {"memory_limit": memory_limit, "threads": threads})
        self._attached: frozenset[str] = frozenset()
        self._work.at_login, self._published.at_login = self._prepare, self._prepare_published

    def __enter__(self) -> Self:
        """The warehouse itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close it."""
        self.close()

    def attach_source(self, source: Source) -> None:
        """Make `raw_events`, `raw_<extra>`, `malformed_lines` and `canonical_events` readable; files are uploaded once.

        Raises SourceError when a file can't be read.
        """
        self._attached = self._source.attach(source, self._forgetting.suppression())

    def describe_table(self, name: str) -> tuple[tuple[str, ...], str]:
        """Columns of a table that events can be read from, and a digest that changes when the table does."""
        return self._source.describe(name)

    def fetch(self, query: Query, parameters: Mapping[str, object], scope: Scope = "work") -> pa.Table:
        """The result of a query, whole."""
        with self._result(query, parameters, scope) as cursor:
            return snowflake_arrow.whole(cursor)

    def stream(self, query: Query, parameters: Mapping[str, object], scope: Scope = "work") -> pa.RecordBatchReader:
        """The result of a query, batch by batch; memory does not grow with it."""
        batches = self._batches(query, parameters, scope)
        return pa.RecordBatchReader.from_batches(next(batches), batches)

    def written(self, query: Query, parameters: Mapping[str, object], table: str | None = None) -> str:
        """The statement as `build` runs it for the table, or as `fetch` does, with the parameters' values in it; nobody logs in."""
        query.check(parameters)
        text = statement(query, parameters) if table is None else _insert("loading_<new>", table_definition(table), query, parameters)  # fmt: skip
        return with_values(text, parameters)

    def build(self, table: str, window_key: str, version: str, query: Query, parameters: Mapping[str, object]) -> int:
        """Write a slice from a query, without its rows leaving the warehouse, and make it current; its number of rows."""
        query.check(parameters)
        definition = self._named(table, window_key, version)
        rows = self._slices.point(table, window_key, version)
        if rows is not None:
            return rows
        self._readable(query)

        def fill(loaded: str) -> int:
            sql = _insert(loaded, definition, query, parameters)
            return int(self._work.execute(sql, parameters, what=query.name).rowcount or 0)

        return self._replaced(definition, window_key, version, fill)

    def load(self, table: str, window_key: str, version: str, batches: Iterable[pa.RecordBatch]) -> int:
        """Write a slice from Arrow batches and make it current; its number of rows."""
        definition = self._named(table, window_key, version)
        fitted = map(definition.fitted, batches)
        if self._slices.has(table, window_key, version):
            rows = sum(batch.num_rows for batch in fitted)  # whoever makes them may do more than that
            self._slices.point(table, window_key, version)
            return rows
        return self._replaced(
            definition, window_key, version, lambda loaded: copy_into(self._work, loaded, definition.columns, fitted)
        )

    def current(self, table: str, window_key: str) -> str | None:
        """The version of the work slice, None where there is none."""
        return self.current_versions([table], [window_key]).get((table, window_key))

    def current_versions(self, tables: Iterable[str], window_keys: Iterable[str]) -> dict[tuple[str, str], str]:
        """(Table, window key) -> version of the work slice; where there is no slice, nothing. One statement, however many they are."""
        return self._slices.current_versions(tables, window_keys)

    def publish(self, window_key: str, versions: Mapping[str, str], evidence: Mapping[str, object]) -> Manifest:
        """Show readers these versions of the window's tables, all at once."""
        self._tables.ensure(versions)
        return self._slices.publish(safe("window", window_key), versions, evidence)

    def manifest(self, window_key: str) -> Manifest | None:
        """What readers see of a window, None where nothing is published."""
        return self._slices.manifest(window_key)

    def published_windows(self) -> list[str]:
        """Keys of the published windows, oldest first."""
        return self._slices.published_windows()

    def prune(self, superseded_hours: float) -> int:
        """Delete slices and uploads superseded for longer than this; how many."""
        latest = self._slices.now() - timedelta(hours=superseded_hours)
        return self._slices.prune(superseded_hours) + self._source.prune(latest)

    def window_keys(self, unchanged_hours: float = 0) -> list[str]:
        """Keys of the windows of which anything is stored, oldest first; only those in which nothing changed for so long."""
        return self._slices.window_keys(unchanged_hours)

    def remove_window(self, window_key: str) -> int:
        """Delete all slices of a window, and what readers see of it; how many slices."""
        return self._slices.remove_window(window_key)

    def suppression(self) -> Suppression:
        """The list of users whom reading the source leaves out."""
        return self._forgetting.suppression()

    def forget(self, user_id: str) -> Forgotten:
        """Take the user's rows out of every slice, and keep the user out from now on; the list comes first."""
        self._forgetting.add(user_id)
        self._source.detach()
        self._attached = frozenset()
        return self._forgetting.forget(user_id)

    def close(self) -> None:
        """Log out."""
        self._work.close()
        self._published.close()

    def _prepare(self) -> None:
        self._tables.prepare(self.dataset)
        owners = {owner for (owner,) in self._work.rows(f"SELECT dataset FROM {self._tables.work}.owner")}
        if not owners:
            self._work.execute(f"INSERT INTO {self._tables.work}.owner SELECT %(dataset)s", {"dataset": self.dataset})
        elif owners != {self.dataset}:
            raise ConfigurationError(
                f"schema {self._tables.published} holds dataset {', '.join(sorted(owners))}: write {{dataset}} in "
                f"ATTRIBUTION_SNOWFLAKE_SCHEMA, or another schema for {self.dataset}"
            )
        self._make_roles(self._work)

    def _prepare_published(self) -> None:
        self._published.execute(f"USE SCHEMA {self._tables.published}", what="USE SCHEMA")
        self._make_roles(self._published)

    def _make_roles(self, session: SnowflakeSession) -> None:
        """The profile's roles as a table of this session: another process may have another profile."""
        flags = [f"is_{role}" for role in ROLES]
        session.execute(f"CREATE TEMPORARY TABLE {_ROLES_TABLE} (event_type VARCHAR, {', '.join(f'{flag} BOOLEAN' for flag in flags)})")  # fmt: skip
        values, rows = {}, []
        for number, (event_type, roles) in enumerate(self._profile.roles.event_types().items()):
            values[f"type_{number}"] = event_type
            rows.append(f"SELECT %(type_{number})s, {', '.join(str(roles[role]).upper() for role in ROLES)}")
        if rows:
            session.execute(f"INSERT INTO {_ROLES_TABLE} {' UNION ALL '.join(rows)}", values)

    def _named(self, table: str, window_key: str, version: str) -> Table:
        """The table's definition, its tables made. ConfigurationError for names that can't be."""
        definition = table_definition(table)
        safe("window", window_key)
        safe("version", version)
        self._tables.ensure([table])
        return definition

    def _replaced(self, definition: Table, window_key: str, version: str, fill: Callable[[str], int]) -> int:
        """Fill a temporary table, then make its rows the slice."""
        loaded = f"loading_{uuid.uuid4().hex}"
        self._work.execute(create_temporary_table(definition.columns, loaded))
        rows = fill(loaded)
        self._slices.replace(definition.name, window_key, version, definition.columns, loaded, rows)
        self._work.execute(f"DROP TABLE {loaded}")
        return rows

    def _readable(self, query: Query) -> None:
        """Make the tables that the query reads. MissingInputError where it reads a source that isn't attached."""
        of_source = {name for name in query.tables if name.startswith("raw_") or name in _OF_SOURCE}
        missing = sorted(of_source - self._attached)
        if missing:
            raise MissingInputError(f"query {query.name} reads {', '.join(missing)}: attach the dataset's source first")
        self._tables.ensure(query.tables - of_source - {_ROLES_TABLE})

    @contextmanager
    def _result(self, query: Query, parameters: Mapping[str, object], scope: Scope) -> Iterator[object]:
        query.check(parameters)
        self._work.open()  # it makes the schemas, and the views of the published tables too
        self._readable(query)
        session = self._work if scope == "work" else self._published
        cursor = session.execute(statement(query, parameters), parameters, what=query.name)
        try:
            yield cursor
        finally:
            cursor.close()

    def _batches(self, query: Query, parameters: Mapping[str, object], scope: Scope) -> Iterator[object]:
        """The schema first, then the batches; the cursor is closed with the generator."""
        with self._result(query, parameters, scope) as cursor:
            yield from snowflake_arrow.batches(cursor)


def _insert(loaded: str, definition: Table, query: Query, parameters: Mapping[str, object]) -> str:
    columns = definition.columns
    return f"INSERT INTO {loaded} ({names(columns)}) SELECT {casts(columns, 'made')} FROM ({statement(query, parameters)}\n) AS made"
