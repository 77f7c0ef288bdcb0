"""Writers that are killed with SIGKILL before each of their statements in turn: readers see the old window or the new one, never half, never none."""

import subprocess
import sys

from attribution_dagster_tests.warehouse.publisher import TABLES, WINDOW, write
from attribution_dagster_tests.warehouse.test_contract_writers import _polling, _published
from attribution_dagster_tests.warehouse.test_snowflake import opened

STATEMENTS = [
    *("SELECT", "CREATE", "PUT", "COPY", "BEGIN", "DELETE", "INSERT", "INSERT", "COMMIT", "DROP"),  # the table
    *("SELECT", "BEGIN", "INSERT", "INSERT", "SELECT", "COMMIT"),  # the publication
]


def test_a_writer_killed_before_any_statement_leaves_old_or_new(snowflake_url: str) -> None:
    """What a killed process had begun stays open at the server, as with a connection that is lost; nobody takes it back."""
    seen: list[tuple[int, int]] = []
    died_before: list[str] = []
    with opened(snowflake_url, "killed") as reader:
        write(reader, 0)
        reader.publish(WINDOW, dict.fromkeys(TABLES, "0"), {"number": 0})
        write(reader, 1)
        command = [sys.executable, "-m", "attribution_dagster_tests.warehouse.killed_writer", snowflake_url, "killed"]
        with (
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writers,
            _polling(reader, seen),
        ):
            assert writers.stdin is not None and writers.stdout is not None
            while (said := writers.stdout.readline().split()) and said[0] == "killed":
                died_before.append(said[1])
                seen.append(_published(reader))
                assert seen[-1] == (0, 0)
                writers.stdin.write("\n")
                writers.stdin.flush()
        assert said == ["ended", "0", "nothing"] and _published(reader) == (1, 1)
        assert died_before == STATEMENTS and set(seen) <= {(0, 0), (1, 1)}
        assert reader.prune(0) > 0 and _published(reader) == (1, 1)
