"""One MLflow run for each training: parameters, data, curves, metrics, pictures, the exported model; later, what it explained.

The run is opened before the training and tagged with the process and the Dagster run behind it. A killed process leaves
it RUNNING: `close_abandoned` finds such runs.
"""

import importlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from attribution_dagster.resources.liveness import HEARTBEAT, is_abandoned, process_tags

if TYPE_CHECKING:
    from attribution_dagster.core.conversion.estimators import Estimator

EXPERIMENT_PREFIX = "attribution"
_BEAT_S = 60.0
_RUNS_AT_ONCE = 500


@dataclass(frozen=True, kw_only=True)
class Training:
    """What is known of a training before it begins. `digest` and `source` are of the events it learns from."""

    dataset: str
    variant: str
    window_key: str
    parameters: Mapping[str, Any]
    tags: Mapping[str, str]
    digest: str
    source: str


class Tracker:
    """MLflow for one machine or a server. The store is sqlite, another database or a server's URL; MLflow refuses file stores."""

    def __init__(self, uri: str, artifacts: Path) -> None:
        self._uri = uri
        self._artifacts = artifacts

    @contextmanager
    def training(self, training: Training) -> "Iterator[TrainingRun]":
        """The open run of a training: FINISHED when the block ends well, FAILED when it raises."""
        import mlflow
        from mlflow.entities import Dataset, DatasetInput, InputTag

        self._artifacts.mkdir(parents=True, exist_ok=True)
        mlflow.set_tracking_uri(self._uri)
        with mlflow.start_run(
            experiment_id=self._experiment(training.dataset),
            run_name=f"{training.variant} {training.window_key}",
            tags={**training.tags, **process_tags(), HEARTBEAT: _now()},
        ) as run:
            mlflow.log_params({name: str(value) for name, value in training.parameters.items()})
            data = Dataset(name=training.dataset, digest=training.digest, source_type="local", source=training.source)
            learnt_from = DatasetInput(data, tags=[InputTag("mlflow.data.context", "training")])
            self._client().log_inputs(run.info.run_id, [learnt_from])
            yield TrainingRun(run.info.run_id, self._location(run.info))

    def log_window(self, run_id: str, window_key: str, metrics: Mapping[str, float], files: Path | None) -> bool:
        """Adds what a model explained to its run: files under `windows/<key>`, metrics at the step yyyymmdd.

        Said again, files are replaced and a metric that has not changed is left alone; one that has counts as the newest.
        False if the run is not in this store: it was deleted, or made in another.
        """
        from mlflow.exceptions import MlflowException

        client, step = self._client(), int(window_key.replace("-", ""))
        try:
            client.get_run(run_id)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return False
            raise
        for name, value in metrics.items():
            said = [m for m in client.get_metric_history(run_id, name) if m.step == step]
            if not said or max(said, key=lambda m: m.timestamp).value != value:
                client.log_metric(run_id, name, value, step=step)
        if files is not None:
            client.log_artifacts(run_id, str(files), f"windows/{window_key}")
        return True

    def close_abandoned(self, dataset: str, is_over: Callable[[str], bool | None]) -> list[str]:
        """Ids of the dataset's runs that were RUNNING though their process is gone; they are KILLED now.

        Args:
            is_over: whether a Dagster run has ended; None where nobody knows it.
        """
        client = self._client()
        experiment = client.get_experiment_by_name(f"{EXPERIMENT_PREFIX}/{dataset}")
        if experiment is None:
            return []
        running = client.search_runs(
            [experiment.experiment_id], "attributes.status = 'RUNNING'", max_results=_RUNS_AT_ONCE
        )
        abandoned = [r.info.run_id for r in running if is_abandoned(r.data.tags, is_over, datetime.now(UTC))]
        for run_id in abandoned:
            client.set_tag(run_id, "attribution.closed", "its process was gone")
            client.set_terminated(run_id, status="KILLED")
        return abandoned

    def ended_before(self, dataset: str, moment: datetime) -> set[str]:
        """Ids of the dataset's runs that ended before the moment."""
        client = self._client()
        experiment = client.get_experiment_by_name(f"{EXPERIMENT_PREFIX}/{dataset}")
        if experiment is None:
            return set()
        limit = f"attributes.end_time > 0 AND attributes.end_time < {int(moment.timestamp() * 1000)}"

        def page(token: str | None) -> Any:
            return client.search_runs([experiment.experiment_id], limit, max_results=_RUNS_AT_ONCE, page_token=token)

        pages = [page(None)]
        while pages[-1].token:
            pages.append(page(pages[-1].token))
        return {run.info.run_id for each in pages for run in each}

    def remove(self, run_id: str) -> None:
        """Deletes a run with its files and models. What is left is its name and numbers, in MLflow's trash until `mlflow gc`."""
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        client = self._client()
        run = client.get_run(run_id)
        for output in run.outputs.model_outputs:
            model = client.get_logged_model(output.model_id)
            get_artifact_repository(model.artifact_location, tracking_uri=self._uri).delete_artifacts()
            client.delete_logged_model(output.model_id)
        get_artifact_repository(run.info.artifact_uri, tracking_uri=self._uri).delete_artifacts()
        client.delete_run(run_id)

    def _client(self) -> Any:
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=self._uri)

    def link(self, location: str) -> dict[str, Any]:
        """A training's run as entries of a report: a link where there is a server, else its files and the command that shows it."""
        if location.startswith("http"):
            return {"mlflow": {"url": location}}
        store = self._uri if self._uri.startswith("sqlite") else '"$ATTRIBUTION_MLFLOW_TRACKING_URI"'
        return {"mlflow": {"path": location}, "mlflow_shown_by": f"mlflow ui --backend-store-uri {store}"}

    def _experiment(self, dataset: str) -> str:
        import mlflow
        from mlflow.exceptions import MlflowException

        name = f"{EXPERIMENT_PREFIX}/{dataset}"
        if mlflow.get_experiment_by_name(name) is None:
            # A server has artifacts of its own; beside a database there are none but ours.
            location = None if self._uri.startswith("http") else (self._artifacts / dataset).as_uri()
            try:
                mlflow.create_experiment(name, artifact_location=location)
            except MlflowException as error:  # the dataset's first runs may begin side by side
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
        return str(mlflow.get_experiment_by_name(name).experiment_id)

    def _location(self, info: Any) -> str:
        if self._uri.startswith(("http://", "https://")):
            return f"{_without_password(self._uri)}/#/experiments/{info.experiment_id}/runs/{info.run_id}"
        return str(info.artifact_uri)


class TrainingRun:
    """A run that is open in this thread."""

    def __init__(self, run_id: str, location: str) -> None:
        self.run_id, self.location = run_id, location
        self._beaten = time.monotonic()

    def beat(self) -> None:
        """Says, at most once a minute, that the training goes on."""
        import mlflow

        if time.monotonic() - self._beaten >= _BEAT_S:
            self._beaten = time.monotonic()
            mlflow.set_tag(HEARTBEAT, _now())

    def log_curves(self, curves: Mapping[str, Sequence[float]]) -> None:
        """Logs each metric's values, one step an evaluation; a curve called `epoch` says where in the training it was."""
        import mlflow

        for metric, values in curves.items():
            for step, value in enumerate(values):
                mlflow.log_metric(metric, value, step=step)

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Logs single values."""
        import mlflow

        mlflow.log_metrics(dict(metrics))

    def log_files(self, folder: Path, path: str | None = None) -> None:
        """Uploads the files of a folder."""
        import mlflow

        mlflow.log_artifacts(str(folder), artifact_path=path)

    def log_picture(self, name: str, png: bytes) -> None:
        """Uploads a picture under `pictures/`."""
        import tempfile

        import mlflow

        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / name).write_bytes(png)
            mlflow.log_artifact(str(Path(folder) / name), "pictures")

    def log_model(self, module: Any, example: Mapping[str, Any]) -> str:
        """Id of the model, exported without pickle (`pt2`) with a signature of named tensors and an input example."""
        import mlflow
        import numpy as np
        import torch
        from mlflow.models import ModelSignature
        from mlflow.types import Schema, TensorSpec

        arrays = {name: np.asarray(tensor) for name, tensor in example.items()}
        inputs = [TensorSpec(array.dtype, (-1, -1, *array.shape[2:]), name) for name, array in arrays.items()]
        outputs = Schema([TensorSpec(np.dtype("float32"), (-1,), "logit")])
        logged = mlflow.pytorch.log_model(
            module,
            name="model",
            signature=ModelSignature(inputs=Schema(inputs), outputs=outputs),
            input_example=tuple(example.values()),
            serialization_format="pt2",
            pip_requirements=[f"torch=={torch.__version__.split('+')[0]}"],
        )
        # MLflow exports with the example of several inputs but doesn't keep it.
        mlflow.log_dict({name: array.tolist() for name, array in arrays.items()}, "input_example.json")
        return str(logged.model_id)

    def log_estimator(self, estimator: "Estimator", example: Any) -> str:
        """Id of the model, logged in its library's own format with a signature: raw scores of a matrix of features."""
        import mlflow
        from mlflow.models import infer_signature

        flavour, options = _FLAVOURS[estimator.file_name]
        log_model = importlib.import_module(f"mlflow.{flavour}").log_model
        package = "xgboost-cpu" if flavour == "xgboost" else {"sklearn": "scikit-learn"}.get(flavour, flavour)
        logged = log_model(
            estimator.native,
            name="model",
            signature=infer_signature(example, estimator.log_odds(example)),
            pip_requirements=[f"{package}=={version(package)}"],
            **options,
        )
        mlflow.log_dict({"features": example.tolist()}, "input_example.json")
        return str(logged.model_id)


_FLAVOURS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "catboost_model.cbm": ("catboost", {}),
    "xgboost_model.json": ("xgboost", {"model_format": "json"}),
    "logistic_regression.skops": (
        "sklearn",
        {"serialization_format": "skops", "skops_trusted_types": ["numpy.dtype"], "pyfunc_predict_fn": "predict_proba"},
    ),
}
"""File name of an estimator -> MLflow's flavour for it, and how it keeps clear of pickle."""


def _without_password(uri: str) -> str:
    """The server's address as a person may see it."""
    parts = urlsplit(uri)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[-1])).rstrip("/")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
