"""Spark's view of a source: a table or Parquet files where they lie; anything else is made into Parquet once, by DuckDB."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import sqlglot
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as sf
from pyspark.sql.types import StringType, StructType, TimestampType

from attribution_dagster.errors import ConfigurationError, SourceError
from attribution_dagster.warehouse.duckdb_source import kept_in_snapshot, snapshot
from attribution_dagster.warehouse.files import WAREHOUSE_TABLE, hash_texts
from attribution_dagster.warehouse.source import Input, Source
from attribution_dagster.warehouse.spark_session import as_pattern, told
from attribution_dagster.warehouse.spark_text import SPARK, statement
from attribution_dagster.warehouse.suppression import Suppression

_MALFORMED = StructType().add("input", "string").add("file_name", "string").add("line", "long").add("problem", "string").add("line_text", "string")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """Where the rows of an input lie: files of one kind after another, each with its columns, or a table."""

    files: tuple[tuple[tuple[str, ...], StructType], ...] = ()
    table: str | None = None
    lacking: tuple[str, ...] = ()


class SparkSource:
    """Makes `raw_events`, `raw_<extra>`, `malformed_lines` and `canonical_events` of one dataset."""

    def __init__(self, folder: Path, limits: Mapping[str, str | int]) -> None:
        """Copies lie in `folder`; `limits` are those of the DuckDB that makes them."""
        self._folder, self._limits = folder, dict(limits)
        self._rows: dict[str, _Rows] = {}
        self._malformed: list[str] = []
        self._canonical = ""
        self.snapshots: set[str] = set()

    def attach(self, session: SparkSession, source: Source, listed: Suppression) -> frozenset[str]:
        """Find out where the rows are; the names of the views that `show` can make.

        Raises SourceError when a file or a table can't be read.
        """
        self.snapshots, self._malformed, found = set(), [], {}
        for name, each in {"events": source.events, **source.extras}.items():
            try:
                found[f"raw_{name}"] = self._find(session, source, name, each, listed)
            except PySparkException as error:
                raise SourceError(f"the source of {source.dataset} can't be read: {told(error)}") from error
            except duckdb.Error as error:
                raise SourceError(f"the source of {source.dataset} can't be read: {error}") from error
        keeps = listed.keeps_sql("user_id") or "true"
        [spark_keeps] = sqlglot.transpile(keeps, read="duckdb", write=SPARK)
        self._canonical = f"SELECT * FROM ({statement(source.staging, {})}) WHERE {spark_keeps}"
        self._rows = found
        return frozenset({*found, "malformed_lines", "canonical_events"})

    def show(self, session: SparkSession, names: frozenset[str]) -> None:
        """Make the views among `names` in a session."""
        wanted = self._rows if "canonical_events" in names else {name: self._rows[name] for name in names & set(self._rows)}  # fmt: skip
        for name, rows in wanted.items():
            _frame(session, rows).createOrReplaceTempView(name)
        if "malformed_lines" in names:
            lines = session.read.schema(_MALFORMED).parquet(*self._malformed) if self._malformed else session.createDataFrame([], _MALFORMED)  # fmt: skip
            lines.createOrReplaceTempView("malformed_lines")
        if "canonical_events" in names:
            session.sql(self._canonical).createOrReplaceTempView("canonical_events")

    def _find(self, session: SparkSession, source: Source, name: str, each: Input, listed: Suppression) -> _Rows:
        present = {column.casefold() for column in each.columns}
        lacking = tuple(c for c in (*each.required, *each.optional) if c.casefold() not in present)
        if each.parts and each.parts[0].format == WAREHOUSE_TABLE:
            return _Rows(table=each.parts[0].table, lacking=lacking)
        if all(part.format == "parquet" and _readable(part.path) for part in each.parts):
            groups: dict[tuple[str, ...], list[str]] = {}
            for part in each.parts:
                groups.setdefault(part.columns, []).append(as_pattern(part.path.resolve()))
            paths = [tuple(group) for group in groups.values()]
        else:
            paths = [self._copied(source, name, each, listed)]
        return _Rows(files=tuple((p, session.read.option("mergeSchema", "true").parquet(*p).schema) for p in paths), lacking=lacking)  # fmt: skip

    def _copied(self, source: Source, name: str, each: Input, listed: Suppression) -> tuple[str, ...]:
        """The files of a copy in which all columns are text, without users who were forgotten."""
        with duckdb.connect(config=self._limits) as local:
            local.execute("SET GLOBAL TimeZone = 'UTC'")
            folder = snapshot(local, each, self._folder, name, kept_in_snapshot(source, name, listed))
        self.snapshots.add(folder.name)
        if (folder / "malformed.parquet").exists():
            self._malformed.append(as_pattern(folder / "malformed.parquet"))
        return tuple(as_pattern(path) for path in sorted(folder.glob("part-*")))


def describe_table(session: SparkSession, name: str) -> tuple[tuple[str, ...], str]:
    """The columns of a table in lower case, and a digest that changes when the files that it is made of do.

    Raises SourceError when it can't be read, ConfigurationError when it is made of no files.
    """
    try:
        table = session.table(name)
        columns, files = tuple(column.lower() for column in table.columns), sorted(table.inputFiles())
    except PySparkException as error:
        raise SourceError(
            f"table {name} can't be read: {told(error)} Grant SELECT on it, or correct the name."
        ) from error
    if not files:
        raise ConfigurationError(f"table {name} has no files, so that it can't be told when it changes: give a table of files, or Parquet files")  # fmt: skip
    return columns, hash_texts([name, *files])


def _frame(session: SparkSession, rows: _Rows) -> DataFrame:
    """All rows of an input: moments in UTC without a zone; what is lacking is NULL."""
    if rows.table is not None:
        frame = session.table(rows.table)
    else:
        frames = [session.read.schema(schema).parquet(*paths) for paths, schema in rows.files]
        none = session.createDataFrame([], StructType())
        frame = reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), frames) if frames else none
    for field in frame.schema:
        if isinstance(field.dataType, TimestampType):
            frame = frame.withColumn(field.name, sf.col(f"`{field.name}`").cast("timestamp_ntz"))
    return frame.withColumns({name: sf.lit(None).cast(StringType()) for name in rows.lacking})


def _readable(path: Path) -> bool:
    """Whether Spark reads the file: it knows no moments finer than a microsecond, which pandas writes."""
    return not any(pa.types.is_timestamp(field.type) and field.type.unit == "ns" for field in pq.read_schema(path))
