"""Progress on a terminal: the running stage with a bar, finished ones above it; plain lines where there is no terminal."""

import time

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from attribution_dagster.resources.progress import CURRENT

QUIET_S = 5.0
"""Without a terminal, seconds between two lines about the same stage."""


class TerminalProgress:
    """Shows each stage, how far it is and how long it took."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = console.is_terminal
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[message]}"),
            console=console,
            transient=True,
        )
        self._task: TaskID | None = None
        self._began = time.monotonic()
        self._stage, self._started, self._spoken = "", 0.0, 0.0
        self._current = 0

    def __enter__(self) -> "TerminalProgress":
        if self._live:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._bar.stop()
        self._say_current()

    def start(self, stage: str) -> None:
        """A stage begins."""
        self._stage, self._started = stage, time.monotonic()
        self._spoken = self._started
        if self._live:
            if self._task is not None:
                self._bar.remove_task(self._task)
            self._task = self._bar.add_task(stage, total=1.0, message="")

    def advance(self, message: str, share: float) -> None:
        """The running stage is `share` done."""
        if self._live and self._task is not None:
            self._bar.update(self._task, completed=share, message=message)
        elif time.monotonic() - self._spoken >= QUIET_S:
            self._spoken = time.monotonic()
            self._say(f"{self._stage}  {share:4.0%}  {message}")

    def finish(self, outcome: str) -> None:
        """The running stage is over. Stages with nothing to do are counted, not listed."""
        if outcome == CURRENT:
            self._current += 1
            return
        self._say_current()
        self._say(f"{self._stage:<48} {outcome:<8} {time.monotonic() - self._started:6.1f} s")

    def _say_current(self) -> None:
        if self._current:
            self._say(f"{self._current} stages are {CURRENT}")
        self._current = 0

    def _say(self, text: str) -> None:
        self._console.print(f"{self._clock()}  {text}", highlight=False, markup=False, soft_wrap=True)

    def _clock(self) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        return f"[{minutes:2d}:{seconds:02d}]"
