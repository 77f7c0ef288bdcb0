"""Where a dataset's tables lie in Snowflake, and the DDL that makes them when they are first named.

    <schema>_work.<table>_slices     all rows of all slices, with the slice they belong to
    <schema>_work.<table>            view: the current slices, which assets and checks read
    <schema>.<table>                 view: the latest published window, which people read
    <schema>.<table>_history         view: all published windows
    <schema>_work.slices …           which slices there are, which are current, which are published

DDL commits whatever transaction is open, so all of it happens here, before a slice is written.
"""

from collections.abc import Iterable

from attribution_dagster.warehouse.ddl import Table, table_definition
from attribution_dagster.warehouse.snowflake_session import SnowflakeSession
from attribution_dagster.warehouse.snowflake_text import SLICE_ID, create_slices_table, create_view, text_literal

SLICES_SUFFIX = "_slices"
_HISTORY = "_history"
_BOOKS = {
    "slices": "table_name VARCHAR, window_key VARCHAR, version VARCHAR, slice_id VARCHAR, n_rows BIGINT, pointed_at TIMESTAMP_NTZ, entry_id VARCHAR",
    "manifests": "manifest_id VARCHAR, window_key VARCHAR, published_at TIMESTAMP_NTZ, evidence VARCHAR",
    "manifest_slices": "manifest_id VARCHAR, table_name VARCHAR, version VARCHAR, slice_id VARCHAR, n_rows BIGINT",
    "source_uploads": "input_name VARCHAR, digest VARCHAR, table_name VARCHAR, used_at TIMESTAMP_NTZ",
    "suppressed": "user_hash VARCHAR",
    "suppression_salt": "salt VARCHAR",
    "owner": "dataset VARCHAR",
}  # fmt: skip
"""Each write and each publication adds rows and changes none, so that writers never wait for each other; views tell what holds."""
_BOOK_VIEWS = {
    "current_slices": "SELECT table_name, window_key, version, slice_id, n_rows, pointed_at FROM {work}.slices "
    "QUALIFY ROW_NUMBER() OVER (PARTITION BY table_name, window_key ORDER BY pointed_at DESC, entry_id DESC) = 1",
    "current_manifests": "SELECT manifest_id, window_key, published_at, evidence FROM {work}.manifests "
    "QUALIFY ROW_NUMBER() OVER (PARTITION BY window_key ORDER BY published_at DESC, manifest_id DESC) = 1",
    "published_slices": "SELECT held.table_name, held.version, held.slice_id, held.n_rows, shown.window_key FROM {work}.manifest_slices AS held "
    "INNER JOIN {work}.current_manifests AS shown ON shown.manifest_id = held.manifest_id",
    "latest_slices": "SELECT held.table_name, held.slice_id FROM {work}.published_slices AS held "
    "INNER JOIN (SELECT MAX(window_key) AS window_key FROM {work}.current_manifests) AS latest ON latest.window_key = held.window_key",
}
"""In the order in which they need each other."""


class SnowflakeTables:
    """Makes what is missing, once per process: schemas, books, and a table with its views when it is first named."""

    def __init__(self, session: SnowflakeSession, database: str, schema: str) -> None:
        """`schema` is the one that people read."""
        self._session, self._database = session, database.upper()
        self.published_schema, self.work_schema = schema, f"{schema}_WORK"
        self.published, self.work = f"{self._database}.{schema}", f"{self._database}.{schema}_WORK"
        self._columns: dict[tuple[str, str], set[str]] = {}
        self._ready: set[str] = set()

    def prepare(self, dataset: str) -> None:
        """Make schemas and books where they are missing, and look what tables there are. The session is in the work area then."""
        found = self._session.rows(f"SELECT schema_name FROM {self._database}.information_schema.schemata")
        existing = {str(row[0]).upper() for row in found}
        for schema in (self.published_schema, self.work_schema):
            if schema not in existing:
                self._session.execute(f"CREATE SCHEMA IF NOT EXISTS {self._database}.{schema}", what="CREATE SCHEMA")
        self._session.execute(f"USE SCHEMA {self.work}", what="USE SCHEMA")
        self._look()
        for name, columns in _BOOKS.items():
            if not self._has(self.work_schema, name):
                self._session.execute(f"CREATE TRANSIENT TABLE IF NOT EXISTS {self.work}.{name} ({columns}) DATA_RETENTION_TIME_IN_DAYS = 0")  # fmt: skip
        for name, sql in _BOOK_VIEWS.items():
            if not self._has(self.work_schema, name):
                self._session.execute(f"CREATE OR REPLACE VIEW {self.work}.{name} AS {sql.format(work=self.work)}")

    def slices(self, table: str) -> str:
        """The table that holds the slices, qualified."""
        return f"{self.work}.{table}{SLICES_SUFFIX}"

    def ensure(self, names: Iterable[str]) -> None:
        """Make the tables and their views where they are missing or lack a column.

        Raises ConfigurationError for a table that nobody has defined.
        """
        for name in sorted({name.removesuffix(_HISTORY) for name in names} - self._ready):
            self._make(table_definition(name))
            self._ready.add(name)

    def stored(self) -> dict[str, set[str]]:
        """Table -> its columns, of all tables that hold slices, whoever made them."""
        self._look()
        work = {name: columns for (schema, name), columns in self._columns.items() if schema == self.work_schema}
        # Lower case: the names by which SQL files and definitions know them.
        return {
            name.lower().removesuffix(SLICES_SUFFIX): {column.lower() for column in columns}
            for name, columns in work.items()
            if name.lower().endswith(SLICES_SUFFIX)
            and SLICE_ID.upper() in columns
            and name.lower() not in {*_BOOKS, *_BOOK_VIEWS}
        }

    def _look(self) -> None:
        found = self._session.rows(
            f"SELECT table_schema, table_name, column_name FROM {self._database}.information_schema.columns "
            f"WHERE table_schema IN ({text_literal(self.published_schema)}, {text_literal(self.work_schema)})"
        )
        self._columns = {}
        for schema, table, column in found:
            self._columns.setdefault((schema, table), set()).add(column)

    def _has(self, schema: str, name: str, table: Table | None = None) -> bool:
        known = self._columns.get((schema, name.upper()))
        return known is not None and (table is None or {column.name.upper() for column in table.columns} <= known)

    def _make(self, table: Table) -> None:
        stored = f"{table.name}{SLICES_SUFFIX}"
        if not self._has(self.work_schema, stored):
            self._session.execute(create_slices_table(table, self.slices(table.name)), what=f"CREATE TABLE {stored}")
        elif not self._has(self.work_schema, stored, table):
            known = self._columns[self.work_schema, stored.upper()]
            for column in table.columns:
                if column.name.upper() not in known:
                    added = f"{column.name} {column.type} COMMENT {text_literal(column.comment)}"
                    self._session.execute(f"ALTER TABLE {self.slices(table.name)} ADD COLUMN IF NOT EXISTS {added}")
        for schema, name, shown in (
            (self.work_schema, table.name, "current_slices"),
            (self.published_schema, table.name, "latest_slices"),
            (self.published_schema, table.name + _HISTORY, "published_slices"),
        ):
            if not self._has(schema, name, table):
                view = create_view(
                    table, f"{self._database}.{schema}.{name}", self.slices(table.name), f"{self.work}.{shown}"
                )
                self._session.execute(view, what=f"CREATE VIEW {name}")
