"""One MLflow run for each training: parameters, curves, metrics, the exported model and what is needed to read its input."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

EXPERIMENT_PREFIX = "attribution"


@dataclass(frozen=True, kw_only=True)
class TrainingRun:
    """What is worth keeping of one training."""

    dataset: str
    variant: str
    window_key: str
    parameters: Mapping[str, Any]
    curves: Mapping[str, Sequence[float]]
    """Metric name -> its value after each epoch."""
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    model_folder: Path
    """Holds the weights, the vocabularies and the scaling."""


@dataclass(frozen=True, kw_only=True)
class TrackedRun:
    """Where a training can be looked up."""

    run_id: str
    location: str


class Tracker:
    """MLflow behind one verb. The store is sqlite or a server; file stores are refused by MLflow itself."""

    def __init__(self, uri: str, artifacts: Path) -> None:
        self._uri = uri
        self._artifacts = artifacts

    def log_training(self, training: TrainingRun, module: Any, example: tuple[Any, ...]) -> TrackedRun:
        """The finished MLflow run of a training. The model is exported (`pt2`, no pickle) with a signature of named tensors.

        A run is marked FAILED when logging fails, so that none is left RUNNING.
        """
        import mlflow

        self._artifacts.mkdir(parents=True, exist_ok=True)
        mlflow.set_tracking_uri(self._uri)
        name = f"{training.variant} {training.window_key}"
        with mlflow.start_run(
            experiment_id=self._experiment(training.dataset), run_name=name, tags=dict(training.tags)
        ) as run:
            mlflow.log_params(dict(training.parameters))
            for metric, values in training.curves.items():
                for epoch, value in enumerate(values, start=1):
                    mlflow.log_metric(metric, value, step=epoch)
            mlflow.log_metrics(dict(training.metrics))
            mlflow.log_artifacts(str(training.model_folder), artifact_path="attribution_model")
            self._log_model(module, example)
            return TrackedRun(run_id=run.info.run_id, location=self._location(run.info))

    def link(self, location: str) -> dict[str, Any]:
        """A training's run as entries of a report: a link where there is a server, else its files and the command that shows it."""
        if location.startswith("http"):
            return {"mlflow": {"url": location}}
        store = self._uri if self._uri.startswith("sqlite") else '"$ATTRIBUTION_MLFLOW_TRACKING_URI"'
        return {"mlflow": {"path": location}, "mlflow_shown_by": f"mlflow ui --backend-store-uri {store}"}

    def _experiment(self, dataset: str) -> str:
        import mlflow

        name = f"{EXPERIMENT_PREFIX}/{dataset}"
        found = mlflow.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        location = (self._artifacts / dataset).as_uri() if self._uri.startswith("sqlite") else None
        return str(mlflow.create_experiment(name, artifact_location=location))

    def _location(self, info: Any) -> str:
        if self._uri.startswith(("http://", "https://")):
            return f"{_without_password(self._uri)}/#/experiments/{info.experiment_id}/runs/{info.run_id}"
        return str(info.artifact_uri)

    @staticmethod
    def _log_model(module: Any, example: tuple[Any, ...]) -> None:
        import mlflow
        import numpy as np
        import torch
        from mlflow.models import ModelSignature
        from mlflow.types import Schema, TensorSpec

        inputs = [
            TensorSpec(array.dtype, (-1, -1, *array.shape[2:]), name)
            for name, array in zip(("codes", "numbers", "is_event"), (np.asarray(e) for e in example), strict=True)
        ]
        signature = ModelSignature(
            inputs=Schema(inputs), outputs=Schema([TensorSpec(np.dtype("float32"), (-1,), "logit")])
        )
        mlflow.pytorch.log_model(
            module,
            name="model",
            signature=signature,
            input_example=example,
            serialization_format="pt2",
            pip_requirements=[f"torch=={torch.__version__.split('+')[0]}"],
        )


def _without_password(uri: str) -> str:
    """The server's address as a person may see it."""
    parts = urlsplit(uri)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[-1])).rstrip("/")
