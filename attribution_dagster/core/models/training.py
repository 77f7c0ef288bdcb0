"""Training: the additive part to its optimum first, then everything together, the network starting from silence."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from attribution_dagster.core.models.calibration import Calibration, correct_prevalence, fit_platt
from attribution_dagster.core.models.metrics import log_loss
from attribution_dagster.core.models.optimisation import Optimisation
from attribution_dagster.core.models.prediction import mean_event, predict_encoded
from attribution_dagster.core.models.processes import take_from_the_first
from attribution_dagster.core.models.readout import Labelled, start_readout
from attribution_dagster.core.models.spec import ModelSpec, TrainingSpec
from attribution_dagster.core.models.transformer import AttributionModel
from attribution_dagster.core.sequences.batches import EncodedSequences, shuffled_batches
from attribution_dagster.core.sequences.sequence_set import SequenceSet
from attribution_dagster.core.sequences.vocabulary import NumberScaling, Vocabulary

Progress = Callable[[str, float], None]


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """One evaluation: epochs done, mean training loss since the one before, validation loss, learning rate.

    At epoch 0 the training loss is that of the additive part alone, or of the base rate.
    """

    epoch: float
    training_loss: float
    validation_loss: float
    learning_rate: float


@dataclass(frozen=True, kw_only=True)
class TrainedModel:
    """The model with its best weights, in evaluation mode, and how it got there. validation_logits: (S,)."""

    model: AttributionModel
    curves: tuple[CurvePoint, ...]
    best_epoch: float
    validation_logits: npt.NDArray[np.float64]

    @property
    def calibration(self) -> Calibration:
        """From logits to probabilities in the population; the model carries it."""
        return self.model.calibration


def train(
    train_set: SequenceSet,
    validation_set: SequenceSet,
    spec: ModelSpec,
    training: TrainingSpec | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    population_prevalence: float | None = None,
    epochs: int | None = None,
) -> TrainedModel:
    """Return the model trained on one set, stopped and calibrated on the other.

    Where `torch.distributed` is initialised, its processes, called with the same arguments and number of threads, train one model together.
    The same seed gives the same weights bit for bit at a fixed number of threads; the caller's random state is left as
    it was. `population_prevalence` is the share of converted sessions that probabilities should have on average. `epochs`, if
    given, is how long it trains, without a choice by validation: the last weights are kept, and 0 leaves it at the additive part.
    Raises ValueError when a set holds one class only, FloatingPointError when the loss stops being finite.
    """
    for name, part in (("training", train_set), ("validation", validation_set)):
        _require_both_classes(name, part)
    training = training or TrainingSpec()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        vocabulary = Vocabulary.fit(train_set, spec.categories, training.min_count)
        model = AttributionModel(spec, vocabulary, NumberScaling.fit(train_set, spec.numbers))
    data, held_out = (
        Labelled(data=model.encode(part), label=np.asarray(part.label, dtype=np.float64))
        for part in (train_set, validation_set)
    )
    start_loss = start_readout(model, data, held_out, training.additive_penalty)
    take_from_the_first(list(model.state_dict().values()))
    course = _Course(model, held_out, training.patience, keeps_last=epochs is not None)
    course.evaluate(0.0, start_loss, 0.0)
    if epochs is not None:
        training = replace(training, max_epochs=max(epochs, 1), evaluations_per_epoch=1)
    if epochs != 0:
        _run_epochs(course, data, training, seed, progress or _silent)
    logits = _finish(course, data.data, population_prevalence)
    return TrainedModel(
        model=model, curves=tuple(course.curves), best_epoch=course.best_epoch, validation_logits=logits
    )


def _run_epochs(course: "_Course", data: Labelled, training: TrainingSpec, seed: int, progress: Progress) -> None:
    generator, lengths = np.random.default_rng(seed), data.data.lengths
    epochs = [shuffled_batches(lengths, training.token_budget, generator) for _ in range(training.max_epochs)]
    with Optimisation(course.model, data, training, sum(map(len, epochs)), seed) as optimisation:
        for epoch, batches in enumerate(epochs):
            marks = {
                round(len(batches) * part / training.evaluations_per_epoch)
                for part in range(1, training.evaluations_per_epoch + 1)
            }
            for number, rows in enumerate(batches, start=1):
                optimisation.step(rows)
                done = epoch + number / len(batches)
                progress(f"epoch {epoch + 1}, training log-loss {optimisation.mean_loss:.4f}", done / len(epochs))
                if number in marks:
                    with optimisation.averaged():
                        course.evaluate(done, optimisation.take_mean_loss(), optimisation.learning_rate)
                if course.is_exhausted:
                    return


class _Course:
    """The model's way over the validation slice: the curves so far and the best weights, or the last if those are kept."""

    def __init__(self, model: AttributionModel, held_out: Labelled, patience: int, keeps_last: bool) -> None:
        self.model, self.data, self.label = model, held_out.data, held_out.label
        self.patience, self.keeps_last = patience, keeps_last
        self.curves: list[CurvePoint] = []
        self.best_loss, self.best_epoch = np.inf, 0.0
        self.best_weights: dict[str, torch.Tensor] = {}

    @property
    def is_exhausted(self) -> bool:
        return sum(point.epoch > self.best_epoch for point in self.curves) >= self.patience

    def evaluate(self, epoch: float, training_loss: float, learning_rate: float) -> None:
        """Add a point to the curves and keep the weights if they are the best so far."""
        measured = torch.tensor(log_loss(predict_encoded(self.model, self.data), self.label), dtype=torch.float64)
        take_from_the_first([measured])
        loss = float(measured)
        if not np.isfinite(loss):
            raise FloatingPointError(f"the validation loss became {loss} at epoch {epoch:.2f}; lower learning_rate")
        self.curves.append(
            CurvePoint(epoch=epoch, training_loss=training_loss, validation_loss=loss, learning_rate=learning_rate)
        )
        if loss < self.best_loss or self.keeps_last:
            self.best_loss, self.best_epoch = loss, epoch
            self.best_weights = {name: value.clone() for name, value in self.model.state_dict().items()}


def _finish(course: _Course, data: EncodedSequences, population_prevalence: float | None) -> npt.NDArray[np.float64]:
    """Restore the best weights, add means and calibration, and return the validation logits."""
    model = course.model
    model.load_state_dict(course.best_weights)
    model.eval()
    event, additive = mean_event(model, data)
    model.mean_event.copy_(event)
    model.mean_additive.copy_(additive)
    logits = predict_encoded(model, course.data)
    calibration = fit_platt(logits, course.label)
    if population_prevalence is not None:
        calibration = correct_prevalence(calibration, float(course.label.mean()), population_prevalence)
    model.calibration = calibration
    return logits


def _require_both_classes(name: str, sequences: SequenceSet) -> None:
    label = np.asarray(sequences.label)[sequences.lengths > 0]
    converted = int(label.sum())
    if converted == 0 or converted == len(label):
        raise ValueError(
            f"the {name} set has {converted} converted and {len(label) - converted} other sessions with events; "
            "a model needs both: widen the windows, or check which event types are conversions"
        )


def _silent(message: str, done: float) -> None:
    """Report nothing."""
