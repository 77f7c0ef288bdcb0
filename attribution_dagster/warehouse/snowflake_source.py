"""Snowflake's view of a source: a table that is there already, or files, which are uploaded once per content."""

import re
import tempfile
import uuid
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import duckdb

from attribution_dagster.errors import ConfigurationError, SourceError
from attribution_dagster.warehouse.ddl import Column
from attribution_dagster.warehouse.duckdb_source import input_sql, kept_in_snapshot, malformed_sql, snapshot_folder
from attribution_dagster.warehouse.files import WAREHOUSE_TABLE, hash_texts
from attribution_dagster.warehouse.queries import quoted
from attribution_dagster.warehouse.snowflake_loading import copy_into
from attribution_dagster.warehouse.snowflake_session import SnowflakeSession
from attribution_dagster.warehouse.snowflake_tables import SnowflakeTables
from attribution_dagster.warehouse.snowflake_text import text_literal
from attribution_dagster.warehouse.source import Input, Source
from attribution_dagster.warehouse.suppression import Suppression

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*){2}")
_MALFORMED = ("input", "file_name", "line", "problem", "line_text")
_BATCH_ROWS = 65_536


class SnowflakeSource:
    """Makes `raw_events`, `raw_<extra>`, `malformed_lines` and `canonical_events` of one dataset."""

    def __init__(self, session: SnowflakeSession, tables: SnowflakeTables, limits: Mapping[str, str | int]) -> None:
        """`limits` are those of the DuckDB that reads files here before they are uploaded."""
        self._session, self._tables, self._work, self._limits = session, tables, tables.work, dict(limits)

    def attach(self, source: Source, listed: Suppression) -> frozenset[str]:
        """Make the source readable; the names of what is. Files whose content is there already are not uploaded again."""
        inputs, malformed = {"events": source.events, **source.extras}, []
        for name, each in inputs.items():
            if each.parts and each.parts[0].format == WAREHOUSE_TABLE:
                rows = self._of_table(each)
            else:
                rows, lines = self._of_files(source, name, each, listed)
                malformed.append(f"SELECT {', '.join(_MALFORMED)} FROM {lines}")
            self._view(f"raw_{name}", rows)
        empty = "SELECT " + ", ".join(f"CAST(NULL AS VARCHAR) AS {column}" for column in _MALFORMED) + " WHERE FALSE"
        self._view("malformed_lines", " UNION ALL ".join(malformed) or empty)
        text = source.staging.text.rstrip().rstrip(";")
        self._view("canonical_events", _without_suppressed(text, self._work, listed) if listed.hashes else text)
        return frozenset({f"raw_{name}" for name in inputs} | {"malformed_lines", "canonical_events"})

    def detach(self) -> None:
        """Drop what was uploaded and the view on it: a user was forgotten, who may be in it."""
        self._session.execute(f"DROP VIEW IF EXISTS {self._work}.canonical_events")
        self._drop(self._session.rows(f"SELECT DISTINCT table_name FROM {self._work}.source_uploads"))

    def prune(self, latest: datetime) -> int:
        """Drop uploads that nobody has attached since; how many."""
        found = self._session.rows(
            f"SELECT table_name FROM {self._work}.source_uploads GROUP BY table_name HAVING MAX(used_at) <= CAST(%(latest)s AS TIMESTAMP_NTZ)",
            {"latest": latest},
        )
        self._drop(found)
        return len(found)

    def describe(self, name: str) -> tuple[tuple[str, ...], str]:
        """The columns of a table `database.schema.name` in lower case, and a digest that changes when it does.

        Raises SourceError when there is no such table, or the role may not see it.
        """
        database, schema, table = _parts(name)
        columns = self._session.rows(
            f"SELECT column_name FROM {database}.information_schema.columns "
            "WHERE table_schema = %(schema)s AND table_name = %(table)s ORDER BY ordinal_position",
            {"schema": schema, "table": table},
        )
        if not columns:
            raise SourceError(
                f"there is no table {name} in Snowflake that the role may read. Grant SELECT on it, or correct the name."
            )
        changed = self._session.rows(
            f"SELECT row_count, last_altered FROM {database}.information_schema.tables WHERE table_schema = %(schema)s AND table_name = %(table)s",
            {"schema": schema, "table": table},
        )
        return tuple(str(column).lower() for (column,) in columns), hash_texts([name, *map(str, changed)])

    def _of_table(self, each: Input) -> str:
        """The rows of a table: moments with a zone in UTC without one, optional columns that are lacking NULL."""
        database, schema, table = _parts(each.parts[0].table or "")
        types = self._session.rows(
            f"SELECT column_name, data_type FROM {database}.information_schema.columns "
            "WHERE table_schema = %(schema)s AND table_name = %(table)s ORDER BY ordinal_position",
            {"schema": schema, "table": table},
        )
        selected = [
            f"CAST(CONVERT_TIMEZONE('UTC', {quoted(name)}) AS TIMESTAMP_NTZ) AS {quoted(name)}"
            if kind in ("TIMESTAMP_TZ", "TIMESTAMP_LTZ")
            else quoted(name)
            for name, kind in types
        ]
        present = {str(name).casefold() for name, _ in types}
        selected += [
            f"CAST(NULL AS VARCHAR) AS {_column(name)}" for name in each.optional if name.casefold() not in present
        ]
        return f"SELECT {', '.join(selected)} FROM {database}.{schema}.{table}"

    def _of_files(self, source: Source, name: str, each: Input, listed: Suppression) -> tuple[str, str]:
        """SELECT over the uploaded rows, and the table of the lines that could not be read as rows."""
        wanted = (*each.required, *each.optional)
        digest = hash_texts([each.digest, *wanted, listed.digest])
        tables = [self._uploaded(part, digest) for part in (name, f"{name}!")]
        if None in tables:
            tables = list(self._upload(source, name, each, listed, digest))
        for part, table in zip((name, f"{name}!"), tables, strict=True):
            self._session.execute(
                f"INSERT INTO {self._work}.source_uploads SELECT %(part)s, %(digest)s, %(table)s, SYSDATE()",
                {"part": part, "digest": digest, "table": table},
            )
        return f"SELECT * FROM {self._work}.{tables[0]}", f"{self._work}.{tables[1]}"

    def _uploaded(self, part: str, digest: str) -> str | None:
        found = self._session.rows(
            f"SELECT MIN(table_name) FROM {self._work}.source_uploads WHERE input_name = %(part)s AND digest = %(digest)s",
            {"part": part, "digest": digest},
        )
        return None if found[0][0] is None else str(found[0][0])

    def _upload(self, source: Source, name: str, each: Input, listed: Suppression, digest: str) -> tuple[str, str]:
        """Read the files as the embedded warehouse does, every column as text, so that both see the same rows."""
        kept = kept_in_snapshot(source, name, listed)
        if name == "events" and listed.hashes and kept.row is None:
            raise ConfigurationError(
                f"{source.staging.name}: it can't be told from which columns of raw_events user_id is made, so users who were forgotten "
                "can't be kept out of the copy in Snowflake. Make user_id of columns of raw_events only."
            )
        wanted = (*each.required, *each.optional)
        with tempfile.TemporaryDirectory(prefix="attribution-") as folder, duckdb.connect(config=self._limits) as local:
            local.execute("SET GLOBAL TimeZone = 'UTC'")
            try:
                rows = input_sql(local, each, Path(folder), name, kept)
                texts = ", ".join(f"CAST({quoted(column)} AS VARCHAR)" for column in wanted)
                selected = f"SELECT {texts} FROM ({rows}) WHERE {kept.row or 'true'}"
                lines = malformed_sql([snapshot_folder(Path(folder), name, each.digest)])
                broken = f"SELECT {', '.join(f'CAST({column} AS VARCHAR)' for column in _MALFORMED)} FROM ({lines})"
                return self._table(local, selected, wanted), self._table(local, broken, _MALFORMED)
            except duckdb.Error as error:
                raise SourceError(f"the source of {source.dataset} can't be read: {error}") from error

    def _table(self, local: duckdb.DuckDBPyConnection, sql: str, wanted: tuple[str, ...]) -> str:
        """A new table of text columns with the rows of the local query."""
        columns = [Column(name=_column(name), type="VARCHAR") for name in wanted]
        name = f"upload_{uuid.uuid4().hex}"
        listed = ", ".join(f"{column.name} VARCHAR" for column in columns)
        self._session.execute(f"CREATE TRANSIENT TABLE {name} ({listed}) DATA_RETENTION_TIME_IN_DAYS = 0")
        copy_into(self._session, name, columns, local.sql(sql).to_arrow_reader(_BATCH_ROWS))
        self._session.execute(f"REMOVE @%{name}", what="REMOVE")
        return name

    def _view(self, name: str, sql: str) -> None:
        self._session.execute(f"CREATE OR REPLACE VIEW {self._work}.{name} AS {sql}", what=f"CREATE VIEW {name}")

    def _drop(self, names: list[tuple[str]]) -> None:
        for (name,) in names:
            self._session.execute(f"DROP TABLE IF EXISTS {self._work}.{name}")
            self._session.execute(
                f"DELETE FROM {self._work}.source_uploads WHERE table_name = %(table)s", {"table": name}
            )


def _parts(name: str) -> list[str]:
    if not _TABLE.fullmatch(name):
        raise ConfigurationError(f"{name!r} is no table: write database.schema.table, in letters, digits, _ and $")
    return name.upper().split(".")


def _column(name: str) -> str:
    """As the staging SQL writes it: unquoted where it can be, so that case does not matter."""
    return name if _PLAIN.fullmatch(name) else quoted(name)


def _without_suppressed(text: str, work: str, listed: Suppression) -> str:
    return (
        f"SELECT made.* FROM ({text}) AS made LEFT JOIN {work}.suppressed AS gone "
        f"ON gone.user_hash = SHA2(CONCAT({text_literal(listed.salt)}, made.user_id), 256) WHERE gone.user_hash IS NULL"
    )
