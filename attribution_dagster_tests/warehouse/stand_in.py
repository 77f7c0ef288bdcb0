"""A server that speaks Snowflake's protocol over DuckDB, in a process of its own: `python -m …stand_in <port>`.

It is fakesnow with what it gets wrong put right, where that matters here:
- TRY_CAST of what is no time fails there; Snowflake gives NULL.
- Sums of whole numbers are floating there; Snowflake's are exact.
- A moment that is NULL comes as the beginning of 1970 there.
- REMOVE, which empties a stage, is unknown there.
- The columns of a result are found by parsing its statement again, which takes longer than running it; DuckDB tells them.
"""

import os
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attribution_dagster_tests.deployment.servers import HANGING_S, ROOT, free_port, server

_REMOVE = r"\s*REMOVE\b"


@contextmanager
def stand_in() -> Iterator[str]:
    """The address of a running server; it ends with the block."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", __name__, str(port)]
    with (
        tempfile.TemporaryDirectory(prefix="attribution-stand-in-") as folder,
        server(
            command,
            environment=os.environ,
            log=Path(folder) / "log",
            ready=lambda: _listens(port),
            folder=ROOT,
            stop=signal.SIGKILL,
        ),
    ):
        yield f"http://127.0.0.1:{port}"


def account(url: str, database: str) -> dict[str, str]:
    """The settings of a database on the server, as environment variables."""
    return {
        "ATTRIBUTION_WAREHOUSE": "snowflake",
        "ATTRIBUTION_SNOWFLAKE_ACCOUNT": "stand-in",
        "ATTRIBUTION_SNOWFLAKE_USER": "nobody",
        "ATTRIBUTION_SNOWFLAKE_TOKEN": "no-token",
        "ATTRIBUTION_SNOWFLAKE_WAREHOUSE": "none",
        "ATTRIBUTION_SNOWFLAKE_DATABASE": database,
        "ATTRIBUTION_SNOWFLAKE_URL": url,
    }


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), HANGING_S).close()
    except OSError:
        return False
    return True


def main() -> None:
    """Serve until killed."""
    import fakesnow.arrow
    import fakesnow.cursor
    import fakesnow.server
    import fakesnow.transforms as transforms
    import pyarrow as pa
    import uvicorn
    from sqlglot import exp

    cast_to_timestamp = transforms.to_timestamp
    transforms.to_timestamp = lambda node: node if isinstance(node, exp.TryCast) else cast_to_timestamp(node)
    transforms.numeric_agg_implicit_cast = lambda node: node
    to_struct = fakesnow.arrow.timestamp_to_sf_struct

    def with_nulls(moments: pa.ChunkedArray) -> pa.StructArray:
        parts = to_struct(moments)
        return pa.StructArray.from_arrays(
            [part.fill_null(0) for part in parts.flatten()],
            fields=list(parts.type),
            mask=moments.combine_chunks().is_null(),
        )

    def described(cursor: fakesnow.cursor.FakeSnowflakeCursor) -> list[tuple[object, ...]]:
        return cursor._duck_conn.execute(f"DESCRIBE {cursor._last_sql}", cursor._last_params).fetchall()

    fakesnow.arrow.timestamp_to_sf_struct = with_nulls
    fakesnow.cursor.FakeSnowflakeCursor._describe_last_sql = described
    fakesnow.server.shared_fs.nop_regexes = [_REMOVE]
    uvicorn.run(fakesnow.server.app, host="127.0.0.1", port=int(sys.argv[1]), log_level="critical")


if __name__ == "__main__":
    main()
