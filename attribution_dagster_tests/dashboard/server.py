"""The dashboard as `attribution dashboard` serves it, on a free port."""

import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from attribution_dagster_tests.deployment.servers import ROOT, answers, free_port, own_environment, server


@contextmanager
def dashboard(settings: Mapping[str, str], log: Path) -> Iterator[str]:
    """Its address."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = "from attribution_dagster.cli import main; main()"
    with server(
        [sys.executable, "-c", command, "dashboard", "--port", str(port)],
        environment=own_environment(settings),
        log=log,
        ready=lambda: answers(f"{address}/_stcore/health"),
        folder=ROOT,
        stop=signal.SIGINT,
    ):
        yield address
