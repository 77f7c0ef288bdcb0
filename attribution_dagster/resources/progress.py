"""Who is told how far a stage has come. Long work calls `advance`; who listens decides what to show."""

import logging
import time
from typing import Protocol

SILENT_S = 10.0
CURRENT = "current, nothing to redo"
"""Outcome of a stage that had nothing to do."""


class Progress(Protocol):
    """Listens to stages: one asset in one window at a time."""

    def start(self, stage: str) -> None:
        """A stage begins."""

    def advance(self, message: str, share: float) -> None:
        """The running stage is `share` (0 to 1) done."""

    def finish(self, outcome: str) -> None:
        """The running stage is over; `outcome` in a few words."""


class LoggedProgress:
    """Writes to the log, at most once in ten seconds while a stage runs: what a run in the UI shows."""

    def __init__(self) -> None:
        self._log = logging.getLogger("attribution_dagster")
        self._stage, self._started, self._spoken = "", 0.0, 0.0

    def start(self, stage: str) -> None:
        """Notes the stage; nothing is written, the orchestrator says that a step starts."""
        self._stage, self._started = stage, time.monotonic()
        self._spoken = self._started

    def advance(self, message: str, share: float) -> None:
        """Writes a line if the last one is old enough."""
        now = time.monotonic()
        if now - self._spoken >= SILENT_S:
            self._spoken = now
            self._log.info("%s: %.0f %% after %.0f s, %s", self._stage, 100 * share, now - self._started, message)

    def finish(self, outcome: str) -> None:
        """Writes the outcome of a stage that took long enough to be worth a line."""
        seconds = time.monotonic() - self._started
        if seconds >= SILENT_S:
            self._log.info("%s: %s after %.0f s", self._stage, outcome, seconds)
