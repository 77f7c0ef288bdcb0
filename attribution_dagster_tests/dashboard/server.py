"""The dashboard as `attribution dashboard` serves it, on a free port; ended with everything that it started."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]
UP_S = 120


@contextmanager
def dashboard(settings: Mapping[str, str], log: Path) -> Iterator[str]:
    """Its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ATTRIBUTION_")}
    with log.open("wb") as output:
        server = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "from attribution_dagster.cli import main; main()",
                "dashboard",
                "--port",
                str(port),
            ],
            env={**environment, "PYTHONPATH": str(ROOT), **settings},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_until_up(server, address, log)
        yield address
    finally:
        os.killpg(server.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            server.wait(15)
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)


def _wait_until_up(server: "subprocess.Popen[bytes]", address: str, log: Path) -> None:
    until = time.monotonic() + UP_S
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise RuntimeError(f"the dashboard did not come up in {UP_S} s:\n{log.read_text(errors='replace')[-3000:]}")
