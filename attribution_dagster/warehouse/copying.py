"""A database's table as a folder of Parquet files, one per hour or day; copying it goes on where it was stopped.

    2025-01-06T00.parquet …   the rows of a slice of time; each file is whole, or not there
    undated.parquet           rows whose time stamp is NULL or impossible, all of them copied by each run
    .mark.json                up to which moment the slices are settled, and of what this is a copy

A slice is settled when it was copied later than `late_hours` after its end. The next run begins where the settled slices end. To copy
what has changed in older ones, the mark is moved back.
"""

import fcntl
import json
import os
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from attribution_dagster.atomic import PARTIAL, replace_file
from attribution_dagster.errors import SourceError
from attribution_dagster.warehouse.database import EARLIEST, DatabaseTable

LENGTHS = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
UNDATED = "undated"
_NAME = "%Y-%m-%dT%H"
_MARK, _LOCK = ".mark.json", ".lock"
Advance = Callable[[str, float], None]


class TableCopy:
    """The copy of one table in one folder."""

    def __init__(self, folder: Path, *, slice_length: timedelta, late: timedelta, keeps: str | None = None) -> None:
        """`keeps` is a condition, for DuckDB, on the rows that may be copied; None where all may."""
        self.folder, self._length, self._late, self._keeps = folder, slice_length, late, keeps

    def update(
        self, table: DatabaseTable, identity: str, now: datetime, end: datetime, advance: Advance, since: datetime | None = None
    ) -> int:  # fmt: skip
        """Copies what is not settled, slice by slice, and from `since` on what is; the number of rows copied.

        A copy of something else (`identity`) is replaced. Rows with time stamps from `end` on are as undated. All moments are UTC.

        Raises:
            SourceError: another process is copying it.
            OSError: the database or the disk fails; what was copied stays.
        """
        with self._alone():
            start = self._begin(identity, since)
            rows = self._write(UNDATED, table, table.rows_outside(EARLIEST, end))
            first, last = table.first_from(start, end), table.last_before(start, end)
            began = first
            while first is not None and began is not None and last is not None:
                slice_start = first - (first - EARLIEST) % self._length
                self._remove_between(start, slice_start)
                start = slice_start + self._length
                rows += self._write(f"{slice_start:{_NAME}}", table, table.rows_between(slice_start, min(start, end)))
                if start + self._late <= now:
                    self._mark(identity, start)
                advance(f"{rows:,} rows, up to {start}", min(1.0, (start - began) / max(last - began, self._length)))
                first = table.first_from(start, end) if start < end else None
            self._remove_between(start, datetime.max)
        return rows

    def leave_out(self) -> None:
        """Writes again the files without the rows that may no longer be there."""
        with self._alone():
            for path in sorted(self.folder.glob("*.parquet")):
                with pq.ParquetFile(path) as stored:
                    batches = (pa.Table.from_batches([batch]) for batch in stored.iter_batches())
                    self._write_file(path.stem, stored.schema_arrow, batches)

    def _begin(self, identity: str, since: datetime | None) -> datetime:
        """From where to copy; what can't stay is deleted."""
        for path in self.folder.glob(f"{PARTIAL}*"):  # of a process that was killed
            path.unlink()
        known = json.loads((self.folder / _MARK).read_text()) if (self.folder / _MARK).exists() else {}
        if known.get("copy_of") != identity:
            for path in self.folder.glob("*.parquet"):
                path.unlink()
            known = {"settled_until": EARLIEST.isoformat()}
        settled = datetime.fromisoformat(known["settled_until"])
        if since is not None and since < settled:
            settled = max(EARLIEST, since - (since - EARLIEST) % self._length)
        self._mark(identity, settled)
        return settled

    def _mark(self, identity: str, settled_until: datetime) -> None:
        content = json.dumps({"copy_of": identity, "settled_until": settled_until.isoformat()})
        replace_file(self.folder / _MARK, content.encode())

    def _remove_between(self, start: datetime, end: datetime) -> None:
        """Slices of which the table has no row any more."""
        for path in self.folder.glob("*.parquet"):
            if path.stem != UNDATED and start <= datetime.strptime(path.stem, _NAME) < end:
                path.unlink()

    def _write(self, name: str, table: DatabaseTable, batches: Iterable[pa.Table]) -> int:
        return self._write_file(name, table.schema, batches)

    def _write_file(self, name: str, schema: pa.Schema, batches: Iterable[pa.Table]) -> int:
        rows, making = 0, self.folder / f"{PARTIAL}{uuid.uuid4().hex}"
        try:
            with pq.ParquetWriter(making, schema) as writer:
                for batch in batches:
                    kept = self._kept(batch)
                    writer.write_table(kept)
                    rows += kept.num_rows
            os.replace(making, self.folder / f"{name}.parquet")
        finally:
            making.unlink(missing_ok=True)
        return rows

    def _kept(self, batch: pa.Table) -> pa.Table:
        if self._keeps is None:
            return batch
        with duckdb.connect() as connection:
            return connection.from_arrow(batch).filter(self._keeps).to_arrow_table().cast(batch.schema)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Until the block ends, or the process does, nobody else copies into the folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / _LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise SourceError(
                    f"another process is copying the table into {self.folder}. Wait until it has ended, then run this again."
                ) from None
            yield
