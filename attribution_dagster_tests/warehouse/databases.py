"""Databases that events are read from, each with a table under hostile names, of which the test knows every row."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from attribution_dagster_tests.deployment.servers import mariadb, mariadb_programs, postgres

PASSWORD = "p@ss/w:rd canary-51c0de77"
ENCODED = "p%40ss%2Fw%3Ard%20canary-51c0de77"
TABLE = 'ev"e`nts; DROP TABLE x -- %s :y é'
AT = "at %(when)s"
VARIABLE = "SHOP_DATABASE_URL"


class Database:
    """A database at `url`, in which `events` is the table."""

    def __init__(self, url: str) -> None:
        """Makes the table; of what was there nothing stays."""
        driven = url.replace("postgresql://", "postgresql+psycopg2://").replace("mysql://", "mysql+pymysql://")
        self.url, self.engine = url, sa.create_engine(driven, poolclass=sa.pool.NullPool)
        backend = self.engine.dialect.name
        moment: Any = sa.DateTime()
        if backend in ("mysql", "mariadb"):
            moment = sa.dialects.mysql.DATETIME(fsp=6)
        elif backend == "postgresql":
            moment = sa.DateTime(timezone=True)
        self.events = sa.Table(
            TABLE, sa.MetaData(),
            sa.Column("user_id", sa.String(60)), sa.Column(AT, moment, index=True), sa.Column("event_type", sa.String(60)),
            sa.Column("is_nv", sa.Boolean()), sa.Column("price_usd", sa.Numeric(20, 2)), sa.Column("n", sa.BigInteger()), sa.Column("secret", sa.String(60)),
        )  # fmt: skip
        self.events.metadata.drop_all(self.engine)
        self.events.metadata.create_all(self.engine)

    def add(self, *rows: Mapping[str, Any]) -> None:
        """Inserts rows; time stamps are given without a zone and mean UTC."""
        with self.engine.begin() as connection:
            connection.execute(self.events.insert(), [self._row(row) for row in rows])

    def remove(self, condition: sa.ColumnElement[bool]) -> None:
        """Deletes the rows that the condition holds for."""
        with self.engine.begin() as connection:
            connection.execute(self.events.delete().where(condition))

    def _row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        full = dict.fromkeys(self.events.c.keys()) | {"secret": "not wanted"} | dict(row)
        if self.engine.dialect.name == "postgresql" and isinstance(full[AT], datetime):
            full[AT] = full[AT].replace(tzinfo=UTC)
        return full


@contextlib.contextmanager
def server_url(backend: str) -> Iterator[str | None]:
    """The address of a running server's empty database; None where MariaDB is not installed, which no Python package brings."""
    start: Callable[..., contextlib.AbstractContextManager[int]] = postgres
    if backend == "mysql":
        programs = mariadb_programs()
        if programs is None:
            yield None
            return
        start = partial(mariadb, programs)
    with start(user="reader", password=PASSWORD, database="shop") as port:
        yield f"{backend}://reader:{ENCODED}@127.0.0.1:{port}/shop"


@contextlib.contextmanager
def needed_server_url(backend: str) -> Iterator[str]:
    """The same; skips where there is none."""
    with server_url(backend) as url:
        if url is None:
            pytest.skip("no MariaDB on this machine (apt install mariadb-server): reading from it is not tested")
        yield url
