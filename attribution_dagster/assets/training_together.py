"""Training in one process, or spread over Spark's executors where the settings say so."""

import shutil
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.protocol import Gatherer

if TYPE_CHECKING:
    from attribution_dagster.core.models.spec import ModelSpec, TrainingSpec
    from attribution_dagster.core.models.training import Progress, TrainedModel
    from attribution_dagster.core.sequences.sequence_set import SequenceSet

_TOLD_EVERY_S = 30


def trainer(workspace: Workspace, folder: Path) -> "Callable[..., TrainedModel]":
    """What trains, called as `train` is. Processes meet in a new subfolder of `folder`, which all machines see, and leave nothing in it."""
    from attribution_dagster.core.models.training import train

    if workspace.settings.spark_training_processes == 1:
        return train
    return partial(_train_on_spark, workspace, folder)


def _train_on_spark(
    workspace: Workspace, folder: Path, train_set: "SequenceSet", validation_set: "SequenceSet", spec: "ModelSpec", training: "TrainingSpec", *,
    seed: int, progress: "Progress", population_prevalence: float,
) -> "TrainedModel":  # fmt: skip
    """What `train` returns, made by several processes."""
    from attribution_dagster.core.models.together import SharedTraining, train_together

    warehouse, processes = workspace.warehouse, workspace.settings.spark_training_processes
    assert isinstance(warehouse, Gatherer)  # the settings see to it
    meeting = folder / f".together-{uuid.uuid4().hex}"
    shared = SharedTraining(
        folder=meeting, spec=spec, training=training, seed=seed, population_prevalence=population_prevalence
    )
    try:
        shared.put(train_set, validation_set)
        with ThreadPoolExecutor(1) as beside:
            course = beside.submit(warehouse.run_together, processes, train_together, shared)
            while not wait([course], timeout=_TOLD_EVERY_S).done:
                progress(f"training in {processes} processes", 0.0)
        return shared.take(course.result())
    finally:
        shutil.rmtree(meeting, ignore_errors=True)
