"""Training: the additive part to its optimum first, then everything together, the network starting from silence."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from attribution_dagster.core.models.additive import AdditiveEvents, fit_additive
from attribution_dagster.core.models.calibration import Calibration, correct_prevalence, fit_platt
from attribution_dagster.core.models.metrics import log_loss
from attribution_dagster.core.models.prediction import mean_event, predict_encoded
from attribution_dagster.core.models.spec import ModelSpec, TrainingSpec
from attribution_dagster.core.models.transformer import AttributionModel
from attribution_dagster.core.sequences.batches import Batch, EncodedSequences, shuffled_batches
from attribution_dagster.core.sequences.sequence_set import SequenceSet
from attribution_dagster.core.sequences.vocabulary import FIRST_TOKEN, UNKNOWN, NumberScaling, Vocabulary

Progress = Callable[[str, float], None]


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """One evaluation: epochs done, training loss since the last one, validation loss, learning rate."""

    epoch: float
    training_loss: float
    validation_loss: float
    learning_rate: float


@dataclass(frozen=True, kw_only=True)
class TrainedModel:
    """The model with its best weights, in evaluation mode, and how it got there."""

    model: AttributionModel
    curves: tuple[CurvePoint, ...]
    best_epoch: float
    validation_logits: npt.NDArray[np.float64]

    @property
    def calibration(self) -> Calibration:
        return self.model.calibration


def train(
    train_set: SequenceSet,
    validation_set: SequenceSet,
    spec: ModelSpec,
    training: TrainingSpec | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    population_prevalence: float | None = None,
) -> TrainedModel:
    """Return the model trained on one set, stopped and calibrated on the other.

    The same seed gives the same weights bit for bit at a fixed number of threads; the caller's random state is left as
    it was. `population_prevalence` is the share of converted sessions that probabilities should have on average.
    Raises ValueError when a set holds one class only, FloatingPointError when the loss stops being finite.
    """
    for name, part in (("training", train_set), ("validation", validation_set)):
        _require_both_classes(name, part)
    training = training or TrainingSpec()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        vocabulary = Vocabulary.fit(train_set, spec.categories, training.min_count)
        model = AttributionModel(spec, vocabulary, NumberScaling.fit(train_set, spec.numbers))
        run = _Run(model, train_set, validation_set, training, np.random.default_rng(seed), progress or _silent)
        return run.complete(population_prevalence)


class _Run:
    def __init__(
        self, model: AttributionModel, train_set: SequenceSet, validation_set: SequenceSet, training: TrainingSpec,
        generator: np.random.Generator, progress: Progress,
    ) -> None:
        self.model, self.training, self.generator, self.progress = model, training, generator, progress
        self.data, self.validation = model.encode(train_set), model.encode(validation_set)
        self.label = torch.from_numpy(train_set.label.astype(np.float32))
        self.validation_label = validation_set.label.astype(np.float64)
        self.curves: list[CurvePoint] = []
        self.best: tuple[float, float, dict[str, torch.Tensor]] = (np.inf, 0.0, {})

    def complete(self, population_prevalence: float | None) -> TrainedModel:
        prevalence = float(self.label.mean())
        start_readout(self.model, self.data, self.label.numpy(), self.training.additive_penalty)
        with torch.no_grad():
            self.model.base_logit.fill_(float(np.log(prevalence / (1 - prevalence))))
        self._optimise()
        self.model.load_state_dict(self.best[2])
        self.model.eval()
        event, additive = mean_event(self.model, self.data)
        self.model.mean_event.copy_(event)
        self.model.mean_additive.copy_(additive)
        logits = predict_encoded(self.model, self.validation)
        calibration = fit_platt(logits, self.validation_label)
        if population_prevalence is not None:
            calibration = correct_prevalence(calibration, float(self.validation_label.mean()), population_prevalence)
        self.model.calibration = calibration
        return TrainedModel(
            model=self.model, curves=tuple(self.curves), best_epoch=self.best[1], validation_logits=logits
        )

    def _optimise(self) -> None:
        lengths, budget = self.data.lengths, self.training.token_budget
        batches = shuffled_batches(lengths, budget, self.generator)
        total = len(batches) * self.training.max_epochs
        optimiser = _optimiser(self.model, self.training)
        warm_up = max(int(total * self.training.warm_up_share), 1)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda step: min((step + 1) / warm_up, max((total - step) / max(total - warm_up, 1), 0.02))
        )
        self._evaluate(0.0, float("nan"), 0.0)
        for epoch in range(self.training.max_epochs):
            if epoch:
                batches = shuffled_batches(lengths, budget, self.generator)
            if not self._epoch(epoch, batches, optimiser, schedule):
                return

    def _epoch(
        self, epoch: int, batches: list[npt.NDArray[np.int64]], optimiser: torch.optim.Optimizer,
        schedule: torch.optim.lr_scheduler.LambdaLR,
    ) -> bool:
        """Run one epoch; return False when validation has stopped improving."""
        marks = {len(batches) * (part + 1) // self.training.evaluations_per_epoch
                 for part in range(self.training.evaluations_per_epoch)}
        sessions_per_batch = sum(map(len, batches)) / len(batches)
        losses, seen = 0.0, 0
        for number, rows in enumerate(batches, start=1):
            losses += self._step(rows, sessions_per_batch, optimiser)
            seen += len(rows)
            schedule.step()
            done = epoch + number / len(batches)
            self.progress(f"epoch {epoch + 1}, training log-loss {losses / seen:.4f}", done / self.training.max_epochs)
            if number in marks:
                self._evaluate(done, losses / seen, schedule.get_last_lr()[0])
                losses, seen = 0.0, 0
                if self._is_exhausted():
                    return False
        return True

    def _step(self, rows: npt.NDArray[np.int64], per_batch: float, optimiser: torch.optim.Optimizer) -> float:
        """Take one step and return the summed loss. Each session weighs the same, however many share its batch."""
        batch = self._with_unknowns(self.data.batch(rows))
        self.model.train()
        logits = self.model(batch.codes, batch.numbers, batch.is_event)
        loss = functional.binary_cross_entropy_with_logits(logits, self.label[rows], reduction="sum")
        value = float(loss.detach())
        if not np.isfinite(value):
            raise FloatingPointError(
                f"the training loss became {value} after {len(self.curves)} evaluations; lower learning_rate="
                f"{self.training.learning_rate} or gradient_norm={self.training.gradient_norm}"
            )
        optimiser.zero_grad(set_to_none=True)
        (loss / per_batch).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.training.gradient_norm)
        optimiser.step()
        return value

    def _with_unknowns(self, batch: Batch) -> Batch:
        drawn = torch.rand(batch.codes.shape) < self.training.unknown_dropout
        return replace(batch, codes=batch.codes.masked_fill(drawn & (batch.codes >= FIRST_TOKEN), UNKNOWN))

    def _evaluate(self, epoch: float, training_loss: float, learning_rate: float) -> None:
        self.model.eval()
        validation_loss = log_loss(predict_encoded(self.model, self.validation), self.validation_label)
        if not np.isfinite(validation_loss):
            raise FloatingPointError(f"the validation loss became {validation_loss} at epoch {epoch:.2f}")
        self.curves.append(CurvePoint(epoch=epoch, training_loss=training_loss, validation_loss=validation_loss,
                                      learning_rate=learning_rate))
        if validation_loss < self.best[0]:
            weights = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
            self.best = (validation_loss, epoch, weights)

    def _is_exhausted(self) -> bool:
        since = [point for point in self.curves if point.epoch > self.best[1]]
        return len(since) >= self.training.patience


def start_readout(
    model: AttributionModel, data: EncodedSequences, label: npt.NDArray[Any], additive_penalty: float
) -> None:
    """Fit the additive part and silence the network's head; with a plain readout start at the base rate."""
    rate = float(np.mean(label))
    bias = float(np.log(rate / (1 - rate)))
    if model.additive_term is not None:
        places = list(model.additive_term.columns.values())
        session = np.repeat(np.arange(len(label)), data.lengths)
        events = AdditiveEvents(
            ids=data.codes[:, places].astype(np.int64),
            position=np.arange(len(session)) - data.offsets[:-1][session],
            session=session,
            label=label.astype(np.float64),
        )
        bias = fit_additive(model.additive_term, events, _penalties(model, additive_penalty))
    with torch.no_grad():
        model.bias.fill_(bias)
        if model.additive_term is not None:
            model.head.zero_()


def _penalties(model: AttributionModel, additive_penalty: float) -> Mapping[str, float]:
    assert model.additive_term is not None
    return {name: additive_penalty for name in model.additive_term.columns}


def _optimiser(model: AttributionModel, training: TrainingSpec) -> torch.optim.Optimizer:
    matrices = [value for name, value in model.named_parameters() if value.ndim > 1 and "embeddings" not in name]
    decayed = {id(value) for value in matrices}
    others = [value for value in model.parameters() if id(value) not in decayed]
    groups = [
        {"params": matrices, "weight_decay": training.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=training.learning_rate, betas=(0.9, 0.98), fused=True)


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
