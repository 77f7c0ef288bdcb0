"""A table of a database that SQLAlchemy reaches: its columns, and its rows in Arrow batches by a cursor on the server."""

import difflib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    NoSuchModuleError,
    NoSuchTableError,
    OperationalError,
)

from attribution_dagster.datasets.source_spec import DatabaseSpec
from attribution_dagster.errors import ConfigurationError, SourceError

EARLIEST = datetime(1990, 1, 1)
"""Before this a time is none that an event can have, as in `sql/staging/source_hours.sql`."""
_BATCH_ROWS = 20_000
_CONNECT_TIMEOUT_S = 15
_DRIVERS = {"postgres": "postgresql+psycopg2", "postgresql": "postgresql+psycopg2", "mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql"}  # fmt: skip
"""What an address that names no driver means."""
_EXTRAS = {"psycopg2": "postgres", "pymysql": "mysql"}
_IN_UTC = {"postgresql": "SET TIME ZONE 'UTC'", "mysql": "SET time_zone = '+00:00'", "mariadb": "SET time_zone = '+00:00'"}  # fmt: skip
"""What makes the session show moments in UTC: MySQL shows a TIMESTAMP without saying in which zone."""


class DatabaseTable:
    """One table, of which some columns are read. Each reading is a connection and a transaction of its own, and writes nothing."""

    def __init__(self, spec: DatabaseSpec, url: str, wanted: frozenset[str]) -> None:
        """Looks the table up. `wanted` are the columns to be read, in any case, as far as the table has them.

        Raises:
            ConfigurationError: the address can't be read, or its driver is not installed.
            SourceError: there is no such table or column, or the login may not read it.
            OSError: the database does not answer.
        """
        self._spec, self._url = spec, _parsed(url, spec.url_variable)
        self._engine = self._opened()
        found = self._described()
        self.columns = tuple(column["name"] for column in found)
        wanted = frozenset(name.casefold() for name in wanted)
        read = [column for column in found if column["name"].casefold() in wanted]
        self._columns = [sa.column(sa.sql.quoted_name(column["name"], quote=True), column["type"]) for column in read]
        schema, name = spec.schema_and_name
        self._table = sa.table(sa.sql.quoted_name(name, quote=True), schema=schema and sa.sql.quoted_name(schema, quote=True))  # fmt: skip
        self._moment = self._ordering(found)
        self.schema = pa.schema([(column.name, _arrow_type(column.type)) for column in self._columns])

    @property
    def place(self) -> str:
        """Which server and database, without who reads there."""
        return f"{self._url.get_backend_name()} {self._url.host} {self._url.port} {self._url.database}"

    def first_from(self, start: datetime, end: datetime) -> datetime | None:
        """The earliest time stamp in [start, end), UTC without a zone; None where there is none."""
        return self._one(sa.func.min(self._moment), start, end)

    def last_before(self, start: datetime, end: datetime) -> datetime | None:
        """The latest time stamp in [start, end); None where there is none."""
        return self._one(sa.func.max(self._moment), start, end)

    def rows_between(self, start: datetime, end: datetime) -> Iterator[pa.Table]:
        """The rows with a time stamp in [start, end), in its order, some thousands at a time."""
        return self._batches(self._within(start, end))

    def rows_outside(self, start: datetime, end: datetime) -> Iterator[pa.Table]:
        """All other rows: those without a time stamp too."""
        return self._batches(sa.or_(self._moment.is_(None), self._moment < start, self._moment >= end))

    def _within(self, start: datetime, end: datetime) -> sa.ColumnElement[bool]:
        return sa.and_(self._moment >= start, self._moment < end)

    def _one(self, extreme: sa.ColumnElement[datetime], start: datetime, end: datetime) -> datetime | None:
        with self._reading() as connection:
            found = connection.execute(
                sa.select(extreme).select_from(self._table).where(self._within(start, end))
            ).scalar()
        return _in_utc(pa.array([found], _moment_type(self._moment.type)))[0].as_py()  # type: ignore[no-any-return]

    def _batches(self, condition: sa.ColumnElement[bool]) -> Iterator[pa.Table]:
        wanted = sa.select(*self._columns).select_from(self._table).where(condition).order_by(self._moment)
        with self._reading() as connection:
            # yield_per asks for a cursor that stays on the server; without it the drivers fetch the whole result first.
            result = connection.execution_options(yield_per=_BATCH_ROWS).execute(wanted)
            for rows in result.partitions():
                values = zip(*rows, strict=True)
                arrays = [self._array(column, each) for column, each in zip(self._columns, values, strict=True)]
                yield pa.Table.from_arrays(arrays, schema=self.schema)

    def _array(self, column: sa.ColumnClause[Any], values: Sequence[Any]) -> pa.Array:
        target = _arrow_type(column.type)
        try:
            if pa.types.is_timestamp(target):
                # MySQL has dates such as 0000-00-00, which come as text: no time, as far as anybody can tell.
                return _in_utc(pa.array([v if isinstance(v, datetime) else None for v in values], _moment_type(column.type)))  # fmt: skip
            if pa.types.is_date(target):
                return pa.array([v if isinstance(v, date) else None for v in values], target)
            if isinstance(column.type, mysql.BIT):
                return pa.array([v if v is None else int.from_bytes(v) for v in values], target)
            if pa.types.is_floating(target):
                return pa.array([v if v is None else float(v) for v in values], target)
            return pa.array(map(_text, values) if pa.types.is_string(target) else values, target)
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            raise SourceError(
                f"{self._spec.table}, column {column.name}: a value can't be read as {target} ({error}). Mend it, or give a view that casts the column."
            ) from None

    def _ordering(self, found: Sequence[Any]) -> sa.ColumnClause[Any]:
        """The column that orders the slices, which has to hold dates with times."""
        kinds = {column["name"]: column["type"] for column in found}
        name = self._spec.resume_by
        if name not in kinds:
            close = difflib.get_close_matches(name, kinds, n=1)
            hint = f" Is it {close[0]!r}?" if close else ""
            raise SourceError(
                f"{self._spec.table} has no column {name}, which source.database.resume_by names. Columns: {', '.join(kinds)}.{hint}"
            )
        if not isinstance(kinds[name], sa.DateTime):
            raise SourceError(
                f"{self._spec.table}, column {name} is {kinds[name]!r}, and source.database.resume_by wants dates with times. Name another column, or give "
                "a view that makes a time stamp of it."
            )
        return sa.column(sa.sql.quoted_name(name, quote=True), kinds[name])

    def _described(self) -> Sequence[Any]:
        schema, name = self._spec.schema_and_name
        with self._reading() as connection:
            inspector = sa.inspect(connection)
            try:
                return inspector.get_columns(name, schema=schema)
            except NoSuchTableError:
                known = [*inspector.get_table_names(schema=schema), *inspector.get_view_names(schema=schema)]
        close = difflib.get_close_matches(name, known, n=1) or known[:5]
        raise SourceError(
            f"there is no table {self._spec.table} that this login may see in {self._where()} (there is {', '.join(close) or 'none'}). Correct "
            "source.database.table, or grant SELECT on it."
        )

    def _opened(self) -> sa.Engine:
        timeout = {} if self._url.get_backend_name() == "sqlite" else {"connect_timeout": _CONNECT_TIMEOUT_S}
        try:
            return sa.create_engine(self._url, poolclass=sa.pool.NullPool, connect_args=timeout, hide_parameters=True)
        except (ModuleNotFoundError, NoSuchModuleError) as error:
            driver = self._url.drivername.rpartition("+")[2]
            extra = f" Install it: pip install 'attribution-dagster[{_EXTRAS[driver]}]'." if driver in _EXTRAS else ""
            raise ConfigurationError(
                f"{self._spec.url_variable} asks for {self._url.drivername}, which is not installed ({self._said(error)}).{extra}"
            ) from None

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        """A connection in UTC; what goes wrong is told in our words, without the password."""
        try:
            with self._engine.connect() as connection:
                if self._engine.dialect.name in _IN_UTC:
                    connection.exec_driver_sql(_IN_UTC[self._engine.dialect.name])
                yield connection
        except (OperationalError, InterfaceError) as error:
            raise ConnectionError(
                f"{self._where()} does not answer, or not any more: {self._said(error.orig)} Is it up, may this machine reach it, and are user and password "
                f"in {self._spec.url_variable} right? Slices that are here already are not fetched again."
            ) from None
        except DBAPIError as error:
            raise SourceError(
                f"{self._spec.table} in {self._where()} can't be read: {self._said(error.orig)}"
            ) from None

    def _where(self) -> str:
        url = self._url
        place = f"{url.host}:{url.port}" if url.host and url.port else url.host or "this machine"
        return f"the database of {self._spec.url_variable} ({url.get_backend_name()} at {place}, database {url.database}, user {url.username})"

    def _said(self, error: BaseException | None) -> str:
        """What the driver said, in one line and without the password."""
        text = " ".join(str(error).split())
        return text.replace(self._url.password, "***") if self._url.password else text


def _parsed(url: str, variable: str) -> sa.URL:
    """The address with its driver. The error says nothing of it: what can't be read may hold the password anywhere."""
    try:
        parsed = sa.make_url(url.strip())
        # An @ of the password that is not encoded moves the rest of it to where host and database are, which errors name.
        is_plain = parsed.get_backend_name() == "sqlite" or url.count("@") == (parsed.username is not None)
    except (ArgumentError, NoSuchModuleError, ValueError):
        is_plain = False
    if not is_plain:
        raise ConfigurationError(
            f"{variable} is no address of a database. Write postgresql://USER:PASSWORD@HOST:5432/DATABASE or mysql://…, with %40 for an @ "
            "in the password."
        ) from None
    return parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername))


def _arrow_type(kind: sa.types.TypeEngine[Any]) -> pa.DataType:
    """As what a column is kept: exact numbers that are no integers as text, and so whatever has no type of its own here."""
    if isinstance(kind, sa.Boolean):
        return pa.bool_()
    if isinstance(kind, sa.Integer | mysql.BIT):
        return pa.uint64() if getattr(kind, "unsigned", False) else pa.int64()
    if isinstance(kind, sa.Float):
        return pa.float64()
    if isinstance(kind, sa.DateTime):
        return pa.timestamp("us")
    if isinstance(kind, sa.Date):
        return pa.date32()
    return pa.binary() if isinstance(kind, sa.types._Binary) else pa.string()


def _moment_type(kind: sa.types.TypeEngine[Any]) -> pa.DataType:
    return pa.timestamp("us", tz="UTC" if getattr(kind, "timezone", False) else None)


def _in_utc(moments: pa.Array) -> pa.Array:
    """Moments with a zone in UTC, and then without one."""
    return moments.cast(pa.timestamp("us"))


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict | list | set):
        return json.dumps(sorted(value) if isinstance(value, set) else value, ensure_ascii=False, default=str)
    return str(value)
