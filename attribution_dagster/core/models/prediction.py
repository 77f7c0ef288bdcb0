"""What a model says of many sessions: logits, the mean event, the worth of its pairs."""

from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt
import torch

from attribution_dagster.core.models.pairs import Pair
from attribution_dagster.core.models.processes import added_up, rank_and_size
from attribution_dagster.core.models.threads import map_batches
from attribution_dagster.core.models.transformer import AttributionModel
from attribution_dagster.core.sequences.batches import EncodedSequences, budget_batches
from attribution_dagster.core.sequences.sequence_set import SequenceSet
from attribution_dagster.core.sequences.vocabulary import FIRST_TOKEN
from attribution_dagster.core.uncertainty import clustered_standard_error

TOKEN_BUDGET = 2048
_Floats = npt.NDArray[np.float64]


def predict(
    model: AttributionModel, sequences: SequenceSet, token_budget: int = TOKEN_BUDGET
) -> npt.NDArray[np.float64]:
    """Return logits (S,); a session without events gets the base rate's. The model's mode is left as it was."""
    return predict_encoded(model, model.encode(sequences), token_budget)


def predict_encoded(
    model: AttributionModel, data: EncodedSequences, token_budget: int = TOKEN_BUDGET
) -> npt.NDArray[np.float64]:
    """Return logits (S,) of sequences that the model has encoded; processes that train together share the work."""
    rank, n_processes = rank_and_size()
    logits = np.zeros(len(data.lengths))
    was_training, silent = model.training, model.is_silent
    model.eval()

    @torch.inference_mode()
    def score(rows: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        batch = data.batch(rows)
        if silent:
            return rows, (model.bias + model.additive_logit(batch)).numpy()
        return rows, model(batch.codes, batch.numbers, batch.is_event).numpy()

    mine = islice(budget_batches(data.lengths, token_budget), rank, None, n_processes)
    for rows, values in map_batches(score, mine):
        logits[rows] = values
    model.train(was_training)
    [found] = added_up([torch.from_numpy(logits)])
    return np.where(data.lengths > 0, found.numpy(), float(model.base_logit))


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

    mean_effect: in logits, over the occurrences; None without any. standard_error: of that, clustered by user; None with
    fewer than two.
    """

    first: str
    second: str
    same_store: bool
    mean_effect: float | None
    standard_error: float | None
    occurrences: int
    sessions: int
    users: int


@torch.inference_mode()
def pair_effects(model: AttributionModel, data: EncodedSequences, users: npt.ArrayLike) -> list[PairEffect]:
    """Return the model's pairs with what they are worth in these sessions, of these users (S,), the strongest first."""
    term = model.additive_term
    if term is None or not bool(term.is_pair_used.any()):
        return []
    found: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], _Floats]] = []
    for rows in budget_batches(data.lengths, 8 * TOKEN_BUDGET):
        batch = data.batch(rows)
        ids, effects = term.pair_ids(batch.codes, batch.is_event), term.pair_effects(batch.codes, batch.is_event)
        session, place = torch.nonzero(term.is_pair_used[ids], as_tuple=True)
        found.append((rows[session.numpy()], ids[session, place].numpy(), effects[session, place].double().numpy()))
    session_of, pair_of, effect = (np.concatenate(parts) for parts in zip(*found, strict=True))
    user_of = np.unique(np.asarray(users), return_inverse=True)[1][session_of]
    tokens = model.vocabulary.tokens["event_type"]
    pairs = []
    for number in torch.nonzero(term.is_pair_used)[:, 0].tolist():
        here, pair = pair_of == number, Pair.of(number)
        n_users = len(np.unique(user_of[here]))
        pairs.append(
            PairEffect(
                first=tokens[pair.first - FIRST_TOKEN],
                second=tokens[pair.second - FIRST_TOKEN],
                same_store=pair.same_store,
                mean_effect=float(effect[here].mean()) if here.any() else None,
                standard_error=clustered_standard_error(effect[here], user_of[here]) if n_users > 1 else None,
                occurrences=int(here.sum()),
                sessions=len(np.unique(session_of[here])),
                users=n_users,
            )
        )
    return sorted(pairs, key=lambda each: -abs(each.mean_effect or 0.0))
