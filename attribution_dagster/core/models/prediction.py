"""Logits of many sessions, and the mean event of the training windows."""

import numpy as np
import numpy.typing as npt
import torch

from attribution_dagster.core.models.threads import map_batches
from attribution_dagster.core.models.transformer import AttributionModel
from attribution_dagster.core.sequences.batches import EncodedSequences, budget_batches
from attribution_dagster.core.sequences.sequence_set import SequenceSet

TOKEN_BUDGET = 2048


def predict(
    model: AttributionModel, sequences: SequenceSet, token_budget: int = TOKEN_BUDGET
) -> npt.NDArray[np.float64]:
    """Return logits (S,); a session without events gets the base rate's. The model's mode is left as it was."""
    return predict_encoded(model, model.encode(sequences), token_budget)


def predict_encoded(
    model: AttributionModel, data: EncodedSequences, token_budget: int = TOKEN_BUDGET
) -> npt.NDArray[np.float64]:
    """Return logits (S,) of sequences that the model has encoded."""
    logits = np.full(len(data.lengths), float(model.base_logit))
    was_training = model.training
    model.eval()

    @torch.inference_mode()
    def score(rows: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        batch = data.batch(rows)
        return rows, model(batch.codes, batch.numbers, batch.is_event).numpy()

    for rows, values in map_batches(score, budget_batches(data.lengths, token_budget)):
        logits[rows] = values
    model.train(was_training)
    return logits


def mean_event(model: AttributionModel, data: EncodedSequences) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the mean projected event (D,) and the mean additive contribution of an event, over all events."""
    event_sum = torch.zeros(model.spec.d_model, dtype=torch.float64)
    additive_sum = torch.zeros((), dtype=torch.float64)
    with torch.inference_mode():
        for rows in budget_batches(data.lengths, 8 * TOKEN_BUDGET):
            batch = data.batch(rows)
            event_sum += model.embed(batch)[batch.is_event].sum(dim=0, dtype=torch.float64)
            additive_sum += model.additive(batch).sum(dtype=torch.float64)
    n_events = max(int(data.lengths.sum()), 1)
    return (event_sum / n_events).float(), (additive_sum / n_events).float()
