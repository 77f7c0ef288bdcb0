"""Spark on this machine, for tests: what it needs, and settings that suit a few rows."""

import shutil
from importlib.util import find_spec

import pytest

LOCAL_SPARK = {"ATTRIBUTION_WAREHOUSE": "spark", "ATTRIBUTION_THREADS": "1", "ATTRIBUTION_MEMORY_LIMIT": "1GB"}
CORES = 2


def needs_spark() -> None:
    """Skips the test where Spark can't run, and says why; else starts it, once for all tests of the process, and with two cores."""
    if find_spec("pyspark") is None:
        pytest.skip("pyspark is not installed: make test-spark brings it and runs this")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java 17, and there is no java (apt install openjdk-17-jre-headless)")
    from attribution_dagster.warehouse.spark_session import open_spark

    open_spark(None, LOCAL_SPARK["ATTRIBUTION_MEMORY_LIMIT"], CORES)
