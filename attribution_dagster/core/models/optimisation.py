"""One optimiser step after another: parts of a batch side by side in threads and processes, gradients summed, AdamW.

Each part has its own random generator, seeded by (seed, step, part), and its loss is differentiated without touching
shared gradients; the sum runs in a fixed order. So the weights depend on the number of threads, not on their timing; and
processes of one thread each find what one process with as many threads does, up to the order of sums.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from types import TracebackType

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from attribution_dagster.core.models.dropout import drawing_from
from attribution_dagster.core.models.processes import added_up, rank_and_size
from attribution_dagster.core.models.readout import Labelled
from attribution_dagster.core.models.spec import TrainingSpec
from attribution_dagster.core.models.threads import batch_threads
from attribution_dagster.core.models.transformer import AttributionModel
from attribution_dagster.core.sequences.batches import Batch
from attribution_dagster.core.sequences.vocabulary import FIRST_TOKEN, UNKNOWN

ADDITIVE_RATE = 0.1  # of the learning rate: it starts at its optimum
_MINIMUM_RATE = 0.02  # of the peak learning rate, at the end


class Optimisation:
    """AdamW with warm-up, linear decay and clipped gradients over the batches that `step` is given."""

    def __init__(
        self, model: AttributionModel, train: Labelled, training: TrainingSpec, n_steps: int, seed: int
    ) -> None:
        self.model, self.data, self.training, self.seed = model, train.data, training, seed
        self.label = torch.from_numpy(train.label).float()
        self.parameters = [value for value in model.parameters() if value.requires_grad]
        self.optimiser = torch.optim.AdamW(
            _parameter_groups(model, training), lr=training.learning_rate, betas=(0.9, 0.98), fused=True
        )
        warm_up = max(round(n_steps * training.warm_up_share), 1)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimiser,
            lambda step: min((step + 1) / warm_up, max((n_steps - step) / max(n_steps - warm_up, 1), _MINIMUM_RATE)),
        )
        self.sessions_per_step = max(np.count_nonzero(self.data.lengths) * training.max_epochs / n_steps, 1.0)
        self.number, self._loss, self._seen = 0, 0.0, 0
        self._averages = [value.detach().clone() for value in self.parameters]

    def __enter__(self) -> "Optimisation":
        self._stack = ExitStack()
        self._n_threads, self._pool = self._stack.enter_context(batch_threads())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def learning_rate(self) -> float:
        """The rate of the next step."""
        return float(self.schedule.get_last_lr()[0])

    @property
    def mean_loss(self) -> float:
        """Mean loss per session since `take_mean_loss` was called."""
        return self._loss / max(self._seen, 1)

    def take_mean_loss(self) -> float:
        """Return the mean loss per session since the last call."""
        mean, self._loss, self._seen = self.mean_loss, 0.0, 0
        return mean

    def step(self, rows: npt.NDArray[np.int64]) -> None:
        """Take one step on these sessions. Each weighs the same in an epoch, however many share its batch.

        Raises FloatingPointError when the loss is not finite.
        """
        self.model.train()
        loss, gradients = self._summed(rows)
        if not np.isfinite(loss):
            raise FloatingPointError(
                f"the training loss became {loss} in step {self.number + 1}; lower learning_rate="
                f"{self.training.learning_rate} or gradient_norm={self.training.gradient_norm}"
            )
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = gradient / self.sessions_per_step
        torch.nn.utils.clip_grad_norm_(self.parameters, self.training.gradient_norm)
        self.optimiser.step()
        self.schedule.step()
        keep = min(self.training.averaging, (1 + self.number) / (10 + self.number))
        torch._foreach_lerp_(self._averages, [value.detach() for value in self.parameters], 1.0 - keep)
        self.number, self._loss, self._seen = self.number + 1, self._loss + loss, self._seen + len(rows)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Let the model have the moving average of its weights inside the block (Polyak and Juditsky 1992)."""
        latest = [value.detach().clone() for value in self.parameters]
        self._set(self._averages)
        try:
            yield
        finally:
            self._set(latest)

    @torch.no_grad()
    def _set(self, values: list[torch.Tensor]) -> None:
        for parameter, value in zip(self.parameters, values, strict=True):
            parameter.copy_(value)

    def _summed(self, rows: npt.NDArray[np.int64]) -> tuple[float, list[torch.Tensor]]:
        """Return the loss of these sessions and its gradients; each process computes every so-manieth part."""
        rank, n_processes = rank_and_size()
        n_parts = min(self._n_threads * n_processes, len(rows))
        mine = range(rank, n_parts, n_processes)
        parts = list(self._pool.map(self._part, mine, (rows[part::n_parts] for part in mine)))
        gradients = [sum(each[1:], each[0]) for each in zip(*(found for _, found in parts), strict=True)]
        if not parts:  # a last batch of fewer sessions than processes
            gradients = [torch.zeros_like(value) for value in self.parameters]
        loss = torch.tensor(sum(value for value, _ in parts), dtype=torch.float64)
        return float(added_up([loss])[0]), added_up(gradients)

    def _part(self, part: int, rows: npt.NDArray[np.int64]) -> tuple[float, tuple[torch.Tensor, ...]]:
        """Return the summed loss of these sessions and its gradients."""
        entropy = np.random.SeedSequence([self.seed, self.number, part]).generate_state(1, np.uint64)
        generator = torch.Generator().manual_seed(int(entropy[0] >> np.uint64(1)))
        batch = self._with_unknowns(self.data.batch(rows), generator)
        with drawing_from(generator):
            logits = self.model(batch.codes, batch.numbers, batch.is_event)
        loss = functional.binary_cross_entropy_with_logits(logits, self.label[rows], reduction="sum")
        return float(loss.detach()), torch.autograd.grad(loss, self.parameters, materialize_grads=True)

    def _with_unknowns(self, batch: Batch, generator: torch.Generator) -> Batch:
        drawn = torch.rand(batch.codes.shape, generator=generator) < self.training.unknown_dropout
        return replace(batch, codes=batch.codes.masked_fill(drawn & (batch.codes >= FIRST_TOKEN), UNKNOWN))


def _parameter_groups(model: AttributionModel, training: TrainingSpec) -> list[dict[str, object]]:
    """Return all parameters, with weight decay on matrices that multiply and a slow rate for the additive part."""
    groups: list[dict[str, object]] = [
        {"params": [], "weight_decay": training.weight_decay},
        {"params": [], "weight_decay": 0.0},
        {"params": [], "weight_decay": 0.0, "lr": training.learning_rate * ADDITIVE_RATE},
    ]
    for name, value in model.named_parameters():
        looked_up = name.startswith(("embeddings.", "position"))
        group = 2 if name.startswith("additive_term.") else int(value.ndim == 1 or looked_up)
        if value.requires_grad:
            groups[group]["params"].append(value)  # type: ignore[attr-defined]
    return groups
