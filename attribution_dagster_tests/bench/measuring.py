"""Timing of arms that take turns, so that a busy minute hits all of them, with each arm's peak memory."""

import statistics
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import torch


def interleaved(
    arms: Mapping[str, Callable[[], object]], rounds: int
) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Return seconds per arm and round, and the most memory (MB) an arm added to the process while it ran."""
    seconds: dict[str, list[float]] = {name: [] for name in arms}
    memory = dict.fromkeys(arms, 0.0)
    for _ in range(rounds):
        for name, arm in arms.items():
            with _PeakMemory() as peak:
                started = time.perf_counter()
                arm()
                seconds[name].append(time.perf_counter() - started)
            memory[name] = max(memory[name], peak.added_mb)
    return seconds, memory


def summary(
    title: str,
    seconds: Mapping[str, list[float]],
    memory: Mapping[str, float],
    work: int,
    unit: str,
    ours: str = "ours",
) -> list[dict]:
    """Return rows: the rate and memory of each arm, and the median over rounds of `ours` over each other arm."""
    rows = []
    for name, times in seconds.items():
        rows.append(row(f"{title}: {name}", work / statistics.median(times), unit))
        rows.append(row(f"{title}: {name}, memory added", memory[name], "MB"))
    for name in seconds:
        if name != ours:
            ratio = statistics.median(other / own for other, own in zip(seconds[name], seconds[ours], strict=True))
            rows.append(row(f"{title}: {ours} over {name}", ratio, "times"))
    return rows


def gemm_rate(rows: int = 2048, width: int = 192, hidden: int = 768) -> float:
    """Return this machine's FLOP/s in float32 on the model's largest product, the best of 200: undisturbed."""
    left, right = torch.randn(rows, width), torch.randn(width, hidden)
    times = []
    for _ in range(200):
        started = time.perf_counter()
        torch.mm(left, right)
        times.append(time.perf_counter() - started)
    return 2 * rows * width * hidden / min(times)


class _PeakMemory:
    """Watches the process's resident memory from a thread, every 5 ms."""

    def __enter__(self) -> "_PeakMemory":
        self._start = self._peak = _resident_mb()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def added_mb(self) -> float:
        return self._peak - self._start

    def _watch(self) -> None:
        while not self._stop.wait(0.005):
            self._peak = max(self._peak, _resident_mb())


def _resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


def peak_memory_mb() -> float:
    """Return the most memory this process has held. Not `ru_maxrss`: a child starts that with its parent's."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6


def row(name: str, value: float, unit: str) -> dict:
    """Return one figure of a benchmark."""
    return {"name": name, "value": float(value), "unit": unit}
