"""Training in several processes finds what one process does that has as many threads."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from attribution_dagster.core.models.spec import TrainingSpec
from attribution_dagster.core.models.together import Course, SharedTraining
from attribution_dagster.core.models.training import TrainedModel, train
from attribution_dagster.core.sequences.sequence_set import SequenceSet
from attribution_dagster_tests.deployment.servers import HANGING_S
from attribution_dagster_tests.models.worlds import planted_world, small_spec

PROCESSES = 2
SPEC = small_spec(readout="plain")
TRAINING = TrainingSpec(max_epochs=2, token_budget=512)
SEED = 5


def worlds() -> tuple[SequenceSet, SequenceSet]:
    """A small world to train on, and another to stop on."""
    return planted_world(500, seed=1)[0], planted_world(300, seed=2)[0]


def shared_training(folder: Path) -> SharedTraining:
    """A training of a small world, put into the folder."""
    shared = SharedTraining(folder=folder, spec=SPEC, training=TRAINING, seed=SEED, population_prevalence=0.1)
    shared.put(*worlds())
    return shared


def trained_here(threads: int) -> TrainedModel:
    """The same training in this process."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return train(*worlds(), SPEC, TRAINING, seed=SEED, population_prevalence=0.1)
    finally:
        torch.set_num_threads(before)


def assert_alike(one: TrainedModel, other: TrainedModel) -> None:
    """The same weights, curves, predictions and calibration, bit for bit."""
    weights, others = one.model.state_dict(), other.model.state_dict()
    assert [name for name in weights if not torch.equal(weights[name], others[name])] == []
    assert one.curves == other.curves and one.best_epoch == other.best_epoch
    assert np.array_equal(one.validation_logits, other.validation_logits)
    assert one.calibration == other.calibration


@pytest.fixture(scope="module")
def courses(tmp_path_factory: pytest.TempPathFactory) -> tuple[SharedTraining, list[Course]]:
    """What each of two processes, started by torchrun, says of one training."""
    folder = tmp_path_factory.mktemp("together")
    shared = shared_training(folder)
    (folder / "shared").write_bytes(pickle.dumps(shared))
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={PROCESSES}"]
    done = subprocess.run(
        [*torchrun, "-m", "attribution_dagster_tests.models.joins", str(folder / "shared")],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}, capture_output=True, text=True, timeout=HANGING_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return shared, [pickle.loads((folder / f"course-{rank}").read_bytes()) for rank in range(PROCESSES)]


def test_two_processes_of_one_thread_find_what_one_of_two_threads_finds(
    courses: tuple[SharedTraining, list[Course]],
) -> None:
    shared, (first, second) = courses
    found = shared.take(first)
    assert_alike(found, trained_here(threads=PROCESSES))
    assert found.best_epoch > 0 and len(found.curves) == 1 + 2 * TRAINING.max_epochs
    # They were replicas all along: what the other says of its model is the same.
    assert first.curves == second.curves and np.array_equal(first.validation_logits, second.validation_logits)


def test_the_work_was_shared(courses: tuple[SharedTraining, list[Course]]) -> None:
    """One thread draws other random numbers than two parts of a batch do: equality would say that one process did it all."""
    shared, (first, _) = courses
    alone = trained_here(threads=1).model.state_dict()
    assert any(not torch.equal(value, alone[name]) for name, value in shared.take(first).model.state_dict().items())
