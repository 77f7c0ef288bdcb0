"""Spark on this machine, for tests: what it needs, and settings that suit a few rows."""

import shutil
from importlib.util import find_spec

import pytest

LOCAL_SPARK = {"ATTRIBUTION_WAREHOUSE": "spark", "ATTRIBUTION_THREADS": "1", "ATTRIBUTION_MEMORY_LIMIT": "1GB"}


def needs_spark() -> None:
    """Skips the test where Spark can't run, and says why."""
    if find_spec("pyspark") is None:
        pytest.skip("pyspark is not installed: pip install .[spark], or make spark")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java 17, and there is no java")
