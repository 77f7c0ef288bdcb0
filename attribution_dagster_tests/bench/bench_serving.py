"""Scoring one session with its reasons, in process and over HTTP, against the full-size model's own passes.

`python -m attribution_dagster_tests.bench.bench_serving [rounds]` . Arms take turns: the plain forward pass of a batch of one, forward and
gradient of it, the service in process (raw JSON values in, answer out), and MLflow's server over loopback.
"""

import json
import os
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import torch

from attribution_dagster.core.attribution.registry import ATTRIBUTORS
from attribution_dagster.core.models.spec import ModelSpec
from attribution_dagster.core.models.storage import save_model
from attribution_dagster.core.models.transformer import AttributionModel
from attribution_dagster.serving.app import MAX_BODY_BYTES, MODEL
from attribution_dagster.serving.packaging import save
from attribution_dagster.serving.service import Described, ScoringService
from attribution_dagster_tests.bench.measuring import row
from attribution_dagster_tests.deployment.servers import free_port, server
from attribution_dagster_tests.models.worlds import FULL_COLUMNS, NUMBERS, random_model, sessions

N_EVENTS = 26  # the mean of the benchmarks of attribution
N_SESSIONS = 64  # for throughput
AT_ONCE = 4


def request(n_sessions: int, seed: int = 0) -> list[dict[str, Any]]:
    """Sessions as JSON values, of the vocabulary of the model."""
    rng, start = np.random.default_rng(seed), datetime(2026, 1, 31, 12)
    return [
        {
            "session_id": f"s{number}",
            "events": [
                {
                    "event_at": (start + timedelta(seconds=20 * place)).isoformat(),
                    "event_id": f"{number}-{place}",
                    **{name: f"{name}_{rng.integers(3)}" for name in FULL_COLUMNS},
                    "is_nv": bool(rng.integers(2)),
                }
                for place in range(N_EVENTS)
            ],
        }
        for number in range(n_sessions)
    ]


def prepared(folder: Path) -> AttributionModel:
    """A full-size model with random weights, stored in the folder with what the service wants to know."""
    world = sessions([N_EVENTS] * 200, types=40, stores=600, columns=FULL_COLUMNS)
    model = random_model(world, ModelSpec(categories=FULL_COLUMNS, numbers=NUMBERS))
    save_model(model, folder)
    Described(
        model="bench version 1", leaks=False, conversion=["buy"], funnel=["cart"],
        funnel_rule="drop", method="gradient_x_input", reasons=5, max_sessions=256, max_events=1000, inactivity_s=1800.0,
        longest_s=43_200.0,
    ).write(folder)  # fmt: skip
    return model


@contextmanager
def served(files: Path, scratch: Path) -> Iterator[Callable[[bytes], bytes]]:
    """A function that posts a body to MLflow's server on the model."""
    save(files, scratch / "model")
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "attribution_dagster.serving.app:create",
        "--factory",
        "--port",
        str(port),
    ]
    environment = {**os.environ, MODEL: str(scratch / "model"), MAX_BODY_BYTES: "4000000"}

    def post(body: bytes) -> bytes:
        asked = urllib.request.Request(f"{address}/invocations", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return bytes(answer.read())

    def ready() -> bool:
        try:
            return urllib.request.urlopen(f"{address}/ping", timeout=10).status == 200
        except OSError:
            return False

    log = scratch / "log"
    with server(command, environment=environment, log=log, ready=ready, folder=scratch):
        yield post


def run(rounds: int = 300) -> list[dict]:
    """Rows of name, value, unit."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        files = Path(scratch) / "champion"
        model = prepared(files)
        with served(files, Path(scratch)) as post:
            return [
                *_latency(model, ScoringService(files), post, rounds),
                *_throughput(model, ScoringService(files), post),
            ]


def _latency(
    model: AttributionModel, service: ScoringService, post: Callable[[bytes], bytes], rounds: int
) -> list[dict]:
    one = request(1)
    data = model.encode(sessions([N_EVENTS], types=40, stores=600, columns=FULL_COLUMNS))
    batch, explain = data.batch(np.array([0])), ATTRIBUTORS["gradient_x_input"](model)
    body = json.dumps({"inputs": one}).encode()

    def forward() -> object:
        with torch.inference_mode():
            return model(batch.codes, batch.numbers, batch.is_event)

    arms: dict[str, Callable[[], object]] = {
        "forward pass": forward,
        "forward and gradient": lambda: explain(batch),
        "service in process": lambda: service.answer(one),
        "over HTTP": lambda: post(body),
    }
    seconds: dict[str, list[float]] = {name: [] for name in arms}
    worked: dict[str, list[float]] = {name: [] for name in arms}
    for number in range(rounds + 10):
        for name, arm in arms.items():
            started, cpu = time.perf_counter(), time.thread_time()
            arm()
            if number >= 10:
                seconds[name].append(time.perf_counter() - started)
                worked[name].append(time.thread_time() - cpu)
    rows = []
    for name, times in seconds.items():
        rows.append(row(f"one session of {N_EVENTS} events: {name}, median", 1e3 * np.median(times), "ms"))
        rows.append(row(f"one session of {N_EVENTS} events: {name}, p99", 1e3 * np.quantile(times, 0.99), "ms"))
    for ours in ("service in process", "over HTTP"):
        for base in ("forward pass", "forward and gradient"):
            ratio = float(np.median(np.divide(seconds[ours], seconds[base])))
            rows.append(row(f"one session of {N_EVENTS} events: {ours} over {base}, median of ratios", ratio, "times"))
    # Processor time says the same on a machine that is busy with other things; all arms but HTTP work in this thread.
    for base in ("forward pass", "forward and gradient"):
        ratio = float(np.median(worked["service in process"]) / np.median(worked[base]))
        rows.append(
            row(f"one session of {N_EVENTS} events: service in process over {base}, processor time", ratio, "times")
        )
    return rows


def _throughput(
    model: AttributionModel, service: ScoringService, post: Callable[[bytes], bytes], rounds: int = 5
) -> list[dict]:
    many = request(N_SESSIONS)
    data = model.encode(sessions([N_EVENTS] * N_SESSIONS, types=40, stores=600, columns=FULL_COLUMNS))
    body, single = json.dumps({"inputs": many}).encode(), json.dumps({"inputs": many[:1]}).encode()

    def forward() -> None:
        with torch.inference_mode():
            for rows in np.split(np.arange(N_SESSIONS), 2):
                batch = data.batch(rows)
                model(batch.codes, batch.numbers, batch.is_event)

    def side_by_side() -> None:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(post, [single] * N_SESSIONS))

    arms: dict[str, Callable[[], object]] = {
        "forward pass, batches of 32": forward,
        f"service in process, {N_SESSIONS} sessions a request": lambda: service.answer(many),
        f"over HTTP, {N_SESSIONS} sessions a request": lambda: post(body),
        f"over HTTP, one session a request, {AT_ONCE} at once": side_by_side,
    }
    seconds: dict[str, list[float]] = {name: [] for name in arms}
    for _ in range(rounds):
        for name, arm in arms.items():
            started = time.perf_counter()
            arm()
            seconds[name].append(time.perf_counter() - started)
    return [row(f"throughput: {name}", N_SESSIONS / np.median(times), "sessions/s") for name, times in seconds.items()]


if __name__ == "__main__":
    for each in run(*(int(a) for a in sys.argv[1:])):
        print(f"{each['name']:<95} {each['value']:>10,.2f} {each['unit']}")
