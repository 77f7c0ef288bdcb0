"""What a model says of many sessions: logits, the mean event, the worth of its pairs."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from attribution_dagster.core.models.pairs import N_PAIRS, Pair
from attribution_dagster.core.models.threads import map_batches
from attribution_dagster.core.models.transformer import AttributionModel
from attribution_dagster.core.sequences.batches import EncodedSequences, budget_batches
from attribution_dagster.core.sequences.sequence_set import SequenceSet
from attribution_dagster.core.sequences.vocabulary import FIRST_TOKEN

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
    was_training, silent = model.training, model.is_silent
    model.eval()

    @torch.inference_mode()
    def score(rows: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        batch = data.batch(rows)
        if silent:
            return rows, (model.bias + model.additive_logit(batch)).numpy()
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


@dataclass(frozen=True, kw_only=True)
class PairEffect:
    """A pair of neighbours that the additive part weighs: what it adds beyond both, and how often it occurs.

    mean_effect: in logits, over the occurrences; None without any.
    """

    first: str
    second: str
    same_store: bool
    mean_effect: float | None
    occurrences: int
    sessions: int


@torch.inference_mode()
def pair_effects(model: AttributionModel, data: EncodedSequences) -> list[PairEffect]:
    """Return the model's pairs with what they are worth in these sessions, the strongest first."""
    term = model.additive_term
    if term is None or not bool(term.is_pair_used.any()):
        return []
    effect, occurrences, sessions = (torch.zeros(N_PAIRS, dtype=torch.float64) for _ in range(3))
    for rows in budget_batches(data.lengths, 8 * TOKEN_BUDGET):
        batch = data.batch(rows)
        ids, effects = term.pair_ids(batch.codes, batch.is_event), term.pair_effects(batch.codes, batch.is_event)
        effect += torch.bincount(ids.flatten(), effects.flatten().double(), N_PAIRS)
        occurrences += torch.bincount(ids.flatten(), minlength=N_PAIRS)
        in_session = torch.unique(torch.arange(len(ids))[:, None] * N_PAIRS + ids) % N_PAIRS
        sessions += torch.bincount(in_session, minlength=N_PAIRS)
    tokens = model.vocabulary.tokens["event_type"]
    found = [
        PairEffect(
            first=tokens[Pair.of(number).first - FIRST_TOKEN],
            second=tokens[Pair.of(number).second - FIRST_TOKEN],
            same_store=Pair.of(number).same_store,
            mean_effect=float(effect[number] / occurrences[number]) if occurrences[number] else None,
            occurrences=int(occurrences[number]),
            sessions=int(sessions[number]),
        )
        for number in torch.nonzero(term.is_pair_used)[:, 0].tolist()
    ]
    return sorted(found, key=lambda each: -abs(each.mean_effect or 0.0))
