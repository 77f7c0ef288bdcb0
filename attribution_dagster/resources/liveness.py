"""Whether the process behind a RUNNING run still works: tags say which it was, and when it was last heard of."""

import os
import socket
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

HOST, PID, STARTED, HEARTBEAT = (f"attribution.{name}" for name in ("host", "pid", "process_started", "heartbeat"))
DAGSTER_RUN = "dagster.run_id"
SILENT = timedelta(hours=1)
"""A process of another machine that has said nothing for so long is taken for dead."""


def process_tags() -> dict[str, str]:
    """Tags that tell this process from any other, also from a later one that is given its number again."""
    return {HOST: socket.gethostname(), PID: str(os.getpid()), STARTED: _started(os.getpid()) or ""}


def is_abandoned(tags: Mapping[str, str], is_over: Callable[[str], bool | None], now: datetime) -> bool:
    """Whether nobody works on the run any more. Runs that this package didn't start are never abandoned.

    On this machine the process itself decides. For another machine it is the Dagster run, and where nobody knows that, the heartbeat.
    """
    if PID not in tags:
        return False
    if tags.get(HOST) == socket.gethostname():
        return _started(int(tags[PID])) != (tags.get(STARTED) or None)
    over = is_over(tags.get(DAGSTER_RUN, ""))
    if over is not None:
        return over
    heard = tags.get(HEARTBEAT)
    return heard is None or now - datetime.fromisoformat(heard) > SILENT


def _started(pid: int) -> str | None:
    """When the process started, as the system says it; None if there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return None if Path("/proc").is_dir() else _is_there(pid)
    state, *fields = stat.rpartition(") ")[2].split()
    # A zombie has ended: only its parent has not asked how. Field 22 of the line is the start in clock ticks.
    return None if state == "Z" else fields[18]


def _is_there(pid: int) -> str | None:
    """A system without /proc, such as macOS, says only whether the number is taken."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return "unknown"
