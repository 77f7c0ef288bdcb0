"""MLflow stores to test against: a sqlite file, and a real server on loopback."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from attribution_dagster.core.models.gate import Decision
from attribution_dagster.resources.tracker import Tracker, Training
from attribution_dagster_tests.deployment.servers import answers, free_port, server

GOOD = Decision(
    promoted=True, objections=(), sessions=500, converted=90, log_loss=0.4, calibration_error=0.02,
    champion_log_loss=None, log_loss_difference=None, standard_error=None,
)  # fmt: skip


@contextmanager
def mlflow_server(root: Path) -> Iterator[str]:
    """URL of `mlflow server` on sqlite; it is ended with its whole process group."""
    root.mkdir(parents=True, exist_ok=True)
    url = f"http://127.0.0.1:{(port := free_port())}"
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{root / 'server.db'}", "--artifacts-destination", str(root / "artifacts"),
    ]  # fmt: skip
    healthy = partial(answers, f"{url}/health")
    with server(command, environment=os.environ, log=root / "log", ready=healthy, folder=root, stop=signal.SIGKILL):
        yield url


def logged_model(tracker: Tracker, dataset: str = "shop") -> tuple[str, str]:
    """Ids of a model, the smallest there is, and of the run it was logged to with everything that a training logs."""
    with tracker.training(training("2025-01-20", dataset)) as run:
        run.log_curves({"epoch": [0.0, 0.5], "validation_loss": [0.7, 0.6]})
        run.log_metrics({"parameters": 8.0})
        run.log_picture("learning_curve.png", b"a picture")
        return run.log_model(*_model()), run.run_id


def training(window: str, dataset: str = "shop") -> Training:
    return Training(
        dataset=dataset, variant="no_funnel", window_key=window, parameters={"d_model": 8}, tags={"variant": "no_funnel"},
        digest="abc", source="events.csv",
    )  # fmt: skip


def _model() -> tuple[Any, dict[str, Any]]:
    import torch

    class Sum(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(()))

        def forward(self, codes, numbers, is_event):  # type: ignore[no-untyped-def]
            return self.weight * (numbers.sum(-1) * is_event).sum(-1) + 0 * codes.sum((-1, -2))

    example = {
        "codes": torch.ones(2, 5, 1, dtype=torch.long),
        "numbers": torch.ones(2, 5, 1),
        "is_event": torch.ones(2, 5, dtype=torch.bool),
    }
    return Sum().eval(), example
