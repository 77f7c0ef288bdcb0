"""A live Snowflake account, where the environment names one by TEST_SNOWFLAKE_…: tests make schemas of their own in it, and drop them."""

import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from attribution_dagster.settings import Settings
from attribution_dagster.snowflake_settings import SNOWFLAKE_VARIABLES
from attribution_dagster.warehouse.snowflake_session import SnowflakeSession

LIVE = "snowflake_live"
"""Name of the marker, and of the engine."""
live = pytest.param(LIVE, marks=pytest.mark.snowflake_live)
_OURS, _THEIRS = "ATTRIBUTION_SNOWFLAKE_", "TEST_SNOWFLAKE_"


@contextmanager
def live_account() -> Iterator[Mapping[str, str]]:
    """The settings of fresh schemas in the account, as environment variables; the schemas are dropped with the block. Skips without an account."""
    given = {name: os.environ.get(name.replace(_OURS, _THEIRS), "") for name in SNOWFLAKE_VARIABLES}
    if not given[f"{_OURS}ACCOUNT"]:
        pytest.skip(f"no live Snowflake account: {_THEIRS}ACCOUNT and its like are not set (docs/snowflake.md)")
    schema = f"attribution_test_{uuid.uuid4().hex[:12]}"
    environment = {"ATTRIBUTION_WAREHOUSE": "snowflake", **given, f"{_OURS}SCHEMA": schema}
    try:
        yield environment
    finally:
        settings = Settings.from_environment(environment).snowflake
        assert settings is not None
        session = SnowflakeSession(settings, "tests", schema)
        for each in (schema, f"{schema}_WORK"):
            session.execute(f"DROP SCHEMA IF EXISTS {settings.database}.{each}")
        session.close()
