"""What a model says of sessions whose events were taken away in place, and what a method says of all their events.

A deleted event loses its additive contribution, its pairs and its share of the attention, and its neighbours no longer see
it in the local convolution. The others keep their places. Many copies of a session, with other events deleted in each,
are scored from one embedding.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from attribution_dagster.core.attribution.contributions import Contributions, Explainer, evaluating
from attribution_dagster.core.models.threads import map_batches
from attribution_dagster.core.models.transformer import AttributionModel
from attribution_dagster.core.sequences.batches import Batch, EncodedSequences, budget_batches
from attribution_dagster.core.sequences.vocabulary import PADDING

TOKEN_BUDGET = 2048
_Floats = npt.NDArray[np.float64]
_Flags = npt.NDArray[np.bool_]
_Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Explained:
    """signed, centred: (E,) contributions in logits; logit: (S,)."""

    signed: _Floats
    centred: _Floats
    logit: _Floats


def explain_events(explain: Explainer, model: AttributionModel, data: EncodedSequences) -> Explained:
    """Return what a method says of every event that the model reads, in the order of the data."""
    found = Explained(
        signed=np.zeros(int(data.offsets[-1])),
        centred=np.zeros(int(data.offsets[-1])),
        logit=np.full(len(data.lengths), float(model.base_logit)),
    )

    def explain_rows(rows: _Indices) -> tuple[_Indices, _Flags, Contributions]:
        batch = data.batch(rows)
        return rows, batch.is_event.numpy(), explain(batch)

    with evaluating(model):
        for rows, is_event, said in map_batches(explain_rows, budget_batches(data.lengths, TOKEN_BUDGET)):
            events = cells(data, rows, is_event.shape[1])[is_event]
            found.signed[events] = said.signed.detach().numpy()[is_event]
            found.centred[events] = said.centred.detach().numpy()[is_event]
            found.logit[rows] = said.logit.detach().numpy()
    return found


def deleted_logits(model: AttributionModel, data: EncodedSequences, kept: _Flags) -> _Floats:
    """Return logits (K, S) of K copies of the sessions, of which copy k holds the events where kept (K, E) is true.

    A session that is left without events keeps its CLS token, and has the logit of the model's reading of nothing.
    """
    logits = np.full((len(kept), len(data.lengths)), float(model.base_logit))

    @torch.inference_mode()
    def score(rows: _Indices) -> tuple[_Indices, _Floats]:
        batch = data.batch(rows)
        here = kept[:, cells(data, rows, batch.is_event.shape[1])] & batch.is_event.numpy()
        embedded = model.embed(batch)
        return rows, np.stack([_logit(model, batch, embedded, torch.from_numpy(each)) for each in here])

    with evaluating(model):
        for rows, values in map_batches(score, budget_batches(data.lengths, TOKEN_BUDGET)):
            logits[:, rows] = values
    return logits


def cells(data: EncodedSequences, rows: _Indices, length: int) -> _Indices:
    """Return the number of the event in each cell of a batch of these sessions, (B, length); 0 at padding."""
    steps = np.arange(length)
    return np.where(steps < data.lengths[rows][:, None], data.offsets[:-1][rows][:, None] + steps, 0)


def _logit(
    model: AttributionModel, batch: Batch, embedded: torch.Tensor, kept: torch.Tensor
) -> npt.NDArray[np.float32]:
    masked = Batch(
        codes=batch.codes.masked_fill(~kept[:, :, None], PADDING),
        numbers=batch.numbers * kept[:, :, None],
        is_event=kept,
        rows=batch.rows,
    )
    return model.score(embedded * kept[:, :, None], masked).numpy()
