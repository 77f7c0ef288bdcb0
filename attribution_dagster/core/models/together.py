"""Training spread over processes, on one machine or many: what each process runs, and what the caller gets back.

Nothing is home-made: whoever starts the processes (torchrun, Spark's TorchDistributor) sets what torch's process group reads.
Work is shared, data is not: each process opens the whole set, which lies where all of them see it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import distributed

from attribution_dagster.core.models.spec import ModelSpec, TrainingSpec
from attribution_dagster.core.models.storage import load_model, save_model
from attribution_dagster.core.models.training import CurvePoint, TrainedModel, train
from attribution_dagster.core.sequences.sequence_set import SequenceSet

_TRAIN, _VALIDATION, _MODEL = "train", "validation", "model"


@dataclass(frozen=True, kw_only=True)
class SharedTraining:
    """A training that processes take up in a folder that all of them see: the sets go there, and the model comes out."""

    folder: Path
    spec: ModelSpec
    training: TrainingSpec
    seed: int
    population_prevalence: float
    threads: int = 1
    """Of each process."""

    def put(self, train_set: SequenceSet, validation_set: SequenceSet) -> None:
        """Write both sets to the folder."""
        train_set.save(self.folder / _TRAIN)
        validation_set.save(self.folder / _VALIDATION)

    def take(self, course: "Course") -> TrainedModel:
        """Return what the processes made of it."""
        return TrainedModel(
            model=load_model(self.folder / _MODEL),
            curves=course.curves,
            best_epoch=course.best_epoch,
            validation_logits=course.validation_logits,
        )


@dataclass(frozen=True, kw_only=True)
class Course:
    """How a training went, without its model, which is in the folder. validation_logits: (S,)."""

    curves: tuple[CurvePoint, ...]
    best_epoch: float
    validation_logits: npt.NDArray[np.float64]


def train_together(shared: SharedTraining) -> Course:
    """Train in this process together with the others of its group, and return how it went; the first writes the model.

    Raises what `train` raises, and RuntimeError where the group's address is not in the environment.
    """
    torch.set_num_threads(shared.threads)
    distributed.init_process_group("gloo")
    try:
        trained = train(
            SequenceSet.open(shared.folder / _TRAIN),
            SequenceSet.open(shared.folder / _VALIDATION),
            shared.spec,
            shared.training,
            seed=shared.seed,
            population_prevalence=shared.population_prevalence,
        )
        if distributed.get_rank() == 0:
            save_model(trained.model, shared.folder / _MODEL)
        distributed.barrier()
    finally:
        distributed.destroy_process_group()
    return Course(curves=trained.curves, best_epoch=trained.best_epoch, validation_logits=trained.validation_logits)
