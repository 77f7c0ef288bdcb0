"""Models that were trained otherwise: on halves of the users, on single windows, on permuted labels, or with their weights shuffled.

Each is trained as long as the model was, and keeps what it has then. Were validation asked again, a network would often stay
silent on half the users where the model's did not: such pairs agree without having anything in common with the model.

Halves. The additive part is fitted to its optimum, so another seed alone changes hardly anything, and would make the
attribution look steadier than it is. What a retraining would meet is other users. So the training users are split in two at
random, a model is trained on each half, and the effects are compared: two answers that share no user. Half the difference
of two halves has the variance of the whole sample's estimate (delete-half jackknife, Shao and Wu 1989), which gives each
effect a retraining error.

Windows. A model on each window that the model learnt from tells whether an effect held all the time, or comes of one of them.

Permuted labels. The same training, on labels dealt to the sessions at random, shows what it finds where nothing is.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from attribution_dagster.core.models.prediction import mean_event
from attribution_dagster.core.models.spec import ModelSpec, TrainingSpec
from attribution_dagster.core.models.training import train
from attribution_dagster.core.models.transformer import AttributionModel
from attribution_dagster.core.sequences.batches import EncodedSequences
from attribution_dagster.core.sequences.sequence_set import SequenceSet


@dataclass(frozen=True, kw_only=True, eq=False)
class Training:
    """How a model came about, so that it can be trained again: its sessions, specifications, and epochs (0: additive part alone).

    windows: the same training and validation sessions, window by window.
    """

    train_set: SequenceSet
    validation_set: SequenceSet
    windows: tuple[SequenceSet, ...] = ()
    spec: ModelSpec
    training: TrainingSpec
    epochs: int

    def again(self, train_set: SequenceSet, validation_set: SequenceSet, seed: int) -> AttributionModel:
        """Return a model trained in the same way on other sessions."""
        return train(train_set, validation_set, self.spec, self.training, seed, epochs=self.epochs).model


def trained_on_halves(training: Training, pairs: int, seed: int = 0) -> list[tuple[AttributionModel, AttributionModel]]:
    """Return pairs of models, the two of a pair trained on the sessions of complementary halves of the users.

    Both use all validation sessions. A pair in which a half lacks converted or other sessions is left out.
    """
    users, user = np.unique(np.asarray(training.train_set.user_id.to_pylist(), dtype=object), return_inverse=True)
    generator = np.random.default_rng(seed)
    found = []
    for number in range(pairs):
        in_first = generator.permutation(len(users)) < len(users) // 2
        halves = [training.train_set.select(in_first[user] == side) for side in (True, False)]
        if all(_has_both_classes(half) for half in halves):
            first, second = (training.again(half, training.validation_set, seed + number) for half in halves)
            found.append((first, second))
    return found


def trained_on_windows(training: Training, seed: int = 0) -> list[tuple[SequenceSet, AttributionModel]]:
    """Return for each window that the model learnt from its sessions, and a model trained on them alone.

    All use the same validation sessions, which are the latest. A window that lacks converted or other sessions is left out.
    """
    return [
        (window, training.again(window, training.validation_set, seed))
        for window in training.windows
        if _has_both_classes(window)
    ]


def trained_on_permuted_labels(training: Training, models: int, seed: int = 0) -> list[AttributionModel]:
    """Return models trained on labels that were dealt to the sessions at random, in the training and validation sets each."""
    generator = np.random.default_rng(seed)
    return [
        training.again(
            permuted(training.train_set, generator), permuted(training.validation_set, generator), seed + number
        )
        for number in range(models)
    ]


def permuted(sequences: SequenceSet, generator: np.random.Generator) -> SequenceSet:
    """Return the same sessions with their labels dealt anew, as many of each kind, among sessions with events."""
    label, with_events = np.array(sequences.label), np.flatnonzero(sequences.lengths > 0)
    label[with_events] = label[generator.permutation(with_events)]
    return replace(sequences, label=label)


def with_shuffled_weights(model: AttributionModel, data: EncodedSequences, seed: int) -> AttributionModel:
    """Return a copy whose every tensor of weights, additive ones too, has its entries in random order (Adebayo et al. 2018).

    The averages that centred attributions refer to are those of these sessions under the shuffled weights.
    """
    shuffled = copy.deepcopy(model)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for value in shuffled.parameters():
            value.copy_(value.flatten()[torch.randperm(value.numel(), generator=generator)].view_as(value))
        event, additive = mean_event(shuffled, data)
        shuffled.mean_event.copy_(event)
        shuffled.mean_additive.copy_(additive)
    return shuffled


def _has_both_classes(sequences: SequenceSet) -> bool:
    label: Sequence[int] = np.asarray(sequences.label)[sequences.lengths > 0].tolist()
    return 0 < sum(label) < len(label)
