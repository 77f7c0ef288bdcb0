"""Spark itself: the one that is running already, as on Databricks, or one that is started on first use."""

import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyspark.errors import AnalysisException, PySparkException, PySparkRuntimeError
from pyspark.sql import SparkSession

from attribution_dagster.errors import ConfigurationError, DataError
from attribution_dagster.warehouse.queries import Query

_PARTITIONS_PER_THREAD = 2
_OWN = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",  # a cast that fails says so
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "10000",  # a job to list some files costs more than it saves
}
"""What statements rely on, in sessions of our own: those of others keep theirs."""
_GONE = ("PATH_NOT_FOUND", "FAILED_READ_FILE")


def open_spark(master: str | None, memory_limit: str, threads: int) -> SparkSession:
    """The running Spark, or a new one: at `master`, or on this machine within the limits.

    Raises ConfigurationError where it can't be started, naming Java if that is what is missing.
    """
    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)  # errors are raised, and said once
    running = SparkSession.getActiveSession()
    if running is not None:
        return running
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        raise ConfigurationError("Spark needs Java 17 and there is no java: install it, or set JAVA_HOME")
    builder = SparkSession.builder.appName("attribution").config("spark.ui.showConsoleProgress", "false")
    if master is None:
        os.environ.setdefault(
            "PYSPARK_PYTHON", sys.executable
        )  # else its workers are whatever python3 is first on the path
        builder = (
            builder.master(f"local[{threads}]")
            .config("spark.driver.memory", _java_size(memory_limit))
            .config("spark.sql.shuffle.partitions", str(_PARTITIONS_PER_THREAD * threads))
            .config("spark.ui.enabled", "false")
            .config("spark.sql.warehouse.dir", str(Path(tempfile.gettempdir()) / "spark-warehouse"))
            .config("spark.log.level", "OFF")
        )
    else:
        builder = builder.master(master)
    try:
        return builder.getOrCreate()
    except PySparkRuntimeError as error:
        raise ConfigurationError(f"Spark does not start at {master or 'this machine'}: {error}") from error


def own_session(spark: SparkSession) -> SparkSession:
    """A session with views and settings of its own; making one costs milliseconds."""
    session = spark.newSession()
    for name, value in _OWN.items():
        session.conf.set(name, value)
    return session


@contextmanager
def explained(query: Query) -> Iterator[None]:
    """Turn Spark's errors into ours, with the query's name."""
    try:
        yield
    except PySparkException as error:
        message = told(error)
        if (error.getCondition() or "").startswith(_GONE):
            raise OSError(f"query {query.name} failed: {message}") from error
        if isinstance(error, AnalysisException):
            raise ConfigurationError(f"query {query.name}: {message}") from error
        raise DataError(f"query {query.name} failed: {message}") from error


def told(error: PySparkException) -> str:
    """What went wrong, without the plan and the place in the statement."""
    return str(error).split(" SQLSTATE")[0].strip()


def as_pattern(path: Path) -> str:
    """A pattern that matches this path only: Spark reads patterns, and writes to plain paths."""
    return str(path).translate({ord(c): f"\\{c}" for c in "\\*?[]{}"})


def _java_size(limit: str) -> str:
    """`4GB` as Java writes it, `4g`; Java's sizes are powers of two."""
    number = limit.rstrip("KMGTiB ")
    return f"{round(float(number) * 1024)}{ {'K': '', 'M': 'k', 'G': 'm', 'T': 'g'}[limit[len(number) :].strip()[0]] }"
