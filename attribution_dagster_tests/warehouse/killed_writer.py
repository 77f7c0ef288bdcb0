"""Writers in Snowflake that die by SIGKILL: `python -m …killed_writer <url> <database>`.

The first dies before its first statement after logging in, the next before its second, and so on until one lives to its end. Each is a fork
of this process, which has imported the connector once.
"""

import os
import signal
import sys
from typing import Any

import dagster_snowflake  # noqa: F401  # seconds, which each fork would spend again
import pyarrow as pa
from snowflake.connector.cursor import SnowflakeCursor

from attribution_dagster.settings import Settings
from attribution_dagster.warehouse.snowflake import SnowflakeWarehouse
from attribution_dagster_tests.warehouse.publisher import TABLES, WINDOW
from attribution_dagster_tests.warehouse.shop import shop_profile
from attribution_dagster_tests.warehouse.stand_in import account


def main() -> None:
    """Say how each writer ended, and before which statement."""
    at = 0
    while True:
        at += 1
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            _write(at, writing)
        os.close(writing)
        last = os.read(reading, 200).decode()
        _, status = os.waitpid(child, 0)
        os.close(reading)
        died = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        print("killed" if died else f"ended {os.waitstatus_to_exitcode(status)}", last, flush=True)
        if not died:
            return
        sys.stdin.readline()  # the test has looked


def _write(at: int, said: int) -> None:
    """One version of a table, written and published with another's that is there; dead before its `at`-th statement."""
    settings = Settings.from_environment(account(sys.argv[1], sys.argv[2])).snowflake
    assert settings is not None
    warehouse = SnowflakeWarehouse(settings=settings, profile=shop_profile())
    warehouse.current("risk_set", WINDOW)  # it has logged in
    _die(at, said)
    columns = {"user_id": ["u"] * 500, "sample_hash": ["x"] * 500, "sample_rank": [1] * 500}
    rows = pa.table({"window_start": pa.array([None] * 500, pa.timestamp("us")), **columns})
    warehouse.load("sampled_users", WINDOW, f"made-{at}", rows.to_batches())
    warehouse.publish(WINDOW, dict(zip(TABLES, (f"made-{at}", "1"), strict=True)), {"number": 1})
    os.write(said, b"nothing")
    os._exit(0)


def _die(at: int, said: int) -> None:
    real, calls = SnowflakeCursor.execute, 0

    def dying(self: SnowflakeCursor, command: str, *arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == at:
            os.write(said, command.split()[0].encode())
            os.kill(os.getpid(), signal.SIGKILL)
        return real(self, command, *arguments, **options)

    SnowflakeCursor.execute = dying  # type: ignore[method-assign]


if __name__ == "__main__":
    main()
