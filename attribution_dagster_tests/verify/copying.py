"""Memory and speed of copying a table out of a database: `python -m attribution_dagster_tests.verify.copying`.

Starts PostgreSQL and MariaDB, as far as they are installed, makes tables of different lengths in each, and copies each in a process of its own.
"""

import resource
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from attribution_dagster.datasets.source_spec import DatabaseSpec
from attribution_dagster.warehouse.copying import LENGTHS, TableCopy
from attribution_dagster.warehouse.database import DatabaseTable
from attribution_dagster_tests.warehouse.databases import server_url

ROWS = (200_000, 2_000_000)
END = datetime(2026, 1, 1)
_COLUMNS = (
    "CAST({i} % 5000 AS CHAR(12)) AS user_id, {at} AS event_at, 'item_view' AS event_type, "
    "CAST({i} % 900 AS CHAR(12)) AS store_id, CAST(9.5 AS DECIMAL(10, 2)) AS price_usd"
)
_ROWS = {
    "postgresql": ("i", "timestamp '2025-01-06' + i * interval '0.04 s'", "generate_series(1, {rows}) AS numbers(i)"),
    "mysql": ("seq", "TIMESTAMPADD(MICROSECOND, seq * 40000, CAST('2025-01-06' AS DATETIME(6)))", "seq_1_to_{rows}"),
}
_DRIVERS = {"postgresql": "postgresql+psycopg2", "mysql": "mysql+pymysql"}


def main() -> None:
    """All backends and lengths; or, with an address and a table, that one."""
    if len(sys.argv) > 1:
        return print(_copied(*sys.argv[1:]))
    for backend in _ROWS:
        with server_url(backend) as url:
            print(backend if url else f"{backend} is not installed here", flush=True)
            for rows in ROWS if url else ():
                subprocess.run(
                    [sys.executable, "-m", __spec__.name, str(url), _made(backend, str(url), rows)], check=True
                )
    return None


def _made(backend: str, url: str, rows: int) -> str:
    """The name of a new table with so many rows, 25 a second, indexed by time."""
    number, at, numbers = _ROWS[backend]
    engine = sa.create_engine(url.replace(backend, _DRIVERS[backend], 1))
    with engine.begin() as connection:
        selected = f"SELECT {_COLUMNS.format(i=number, at=at)} FROM {numbers.format(rows=rows)}".replace("%", "%%")
        connection.exec_driver_sql(f"CREATE TABLE events_{rows} AS {selected}")
        connection.exec_driver_sql(f"CREATE INDEX by_time_{rows} ON events_{rows} (event_at)")
    engine.dispose()
    return f"events_{rows}"


def _copied(url: str, name: str) -> str:
    spec = DatabaseSpec(url_variable="SHOP_DATABASE_URL", table=name, resume_by="event_at")
    table = DatabaseTable(spec, url, frozenset({"user_id", "event_at", "event_type", "store_id", "price_usd"}))
    with tempfile.TemporaryDirectory() as folder:
        copy, began = TableCopy(Path(folder), slice_length=LENGTHS["day"], late=timedelta(hours=48)), time.monotonic()
        rows = copy.update(table, "it", END, END, lambda message, share: None)
        seconds = time.monotonic() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return f"{rows:>10,} rows  {seconds:6.1f} s  {rows / seconds:>9,.0f} rows/s  peak {peak:.0f} MiB"


if __name__ == "__main__":
    main()
