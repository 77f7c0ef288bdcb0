import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from attribution_dagster.alerts.delivery import Outcome, Progress, tick
from attribution_dagster.alerts.events import Position, dump_cursor
from attribution_dagster.alerts.messages import Writer
from attribution_dagster.resources.notifier import open_targets
from attribution_dagster_tests.alerts.servers import Webhook, webhook
from attribution_dagster_tests.alerts.toy import run

PATIENT = "cto=60&rto=60"
"""In a URL: whom a busy machine keeps from answering at once has not failed."""


def real_instance() -> dg.DagsterInstance:
    """An instance on files of its own, which calls nobody."""
    return dg.DagsterInstance.local_temp(overrides={"telemetry": {"enabled": False}})


@pytest.fixture(scope="package")
def instance() -> Iterator[dg.DagsterInstance]:
    """A real instance; tests add runs to it."""
    with real_instance() as opened:
        yield opened


@dataclass(frozen=True, kw_only=True)
class Failed:
    """An instance with three failures, and the cursor of somebody who has been told nothing of them. Tests add no runs to it."""

    instance: dg.DagsterInstance
    runs: dict[str, str]
    cursor: str


@pytest.fixture(scope="package")
def failed() -> Iterator[Failed]:
    cursor = dump_cursor({"json": Position(since=time.time())})
    with real_instance() as instance:
        runs = {faults: run(instance, faults).run_id for faults in ("hard soft", "step")}
        yield Failed(instance=instance, runs=runs, cursor=cursor)


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as opened:
        yield opened


@dataclass(kw_only=True)
class Ticker:
    """Ticks as Dagster's daemon does: the cursor that a tick gives back is what the next one is given."""

    instance: dg.DagsterInstance
    home: Path
    urls: list[str]
    cursor: str | None = None
    heartbeat_url: str | None = None
    timeout_s: float = 60.0

    def __call__(self, *, dies: bool = False) -> Outcome:
        outcome = tick(
            self.instance,
            self.cursor,
            targets=open_targets(self.urls, self.timeout_s),
            writer=Writer("http://ui.example", ["swordfish99"]),
            progress=Progress(self.home),
            heartbeat_url=self.heartbeat_url,
            clock=time.time,
        )
        if not dies:
            self.cursor = outcome.cursor
        return outcome


@pytest.fixture
def ticker(instance: dg.DagsterInstance, hook: Webhook, tmp_path: Path) -> Ticker:
    """Tells one webhook, from now on."""
    made = Ticker(instance=instance, home=tmp_path, urls=[f"json://127.0.0.1:{hook.port}/?{PATIENT}"])
    made()
    return made
