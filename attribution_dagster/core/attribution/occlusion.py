"""Occlusion: what the logit loses when one event is left out and the model is asked again. One forward pass per event.

Zeiler and Fergus (2014). It is exact for what it asks, pairs of neighbours and stores included, and slow: a session of
n events costs n more passes (2n with the dropped version). Effects of events that stand in for each other are
missed: with either of two alone gone, the other one still carries the prediction.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch

from attribution_dagster.core.attribution.contributions import Contributions, Explainable, Explainer, evaluating
from attribution_dagster.core.sequences.batches import Batch
from attribution_dagster.core.sequences.vocabulary import PADDING

_Removal = Callable[[Explainable, Batch, torch.Tensor, torch.Tensor], torch.Tensor]


def occlusion_masked(model: Explainable) -> Explainer:
    """Return a function from a batch to contributions of events masked in place.

    signed: logit(session) - logit(session with event t blank). A blank event takes its place and nothing else: attention
    does not see it, its neighbours meet a zero beside them, it adds nothing and makes no pair; all others keep their
    positions, ranks and gaps. centred: logit(session) - logit(session with an average event in place of t), whose
    vector is the mean training event and whose additive contribution is the mean one.
    """

    def explain(batch: Batch) -> Contributions:
        with evaluating(model), torch.no_grad():
            embedded, is_event = model.embed(batch), batch.is_event
            logit = model.score(embedded, batch)
            without = _each_without(masked_logit, model, batch, embedded, logit)
            centred = logit[:, None] - _each_replaced(model, batch, embedded, logit)
        return Contributions(
            logit=logit,
            signed=(logit[:, None] - without) * is_event,
            centred=centred * is_event,
        )

    return explain


def occlusion_dropped(model: Explainable) -> Explainer:
    """Return a function from a batch to contributions of events dropped from their sessions.

    signed: logit(session) - logit(session as if event t had not happened): later events move up one position, ranks and
    gaps are recomputed, its two neighbours meet. A session that becomes empty has the base rate. centred: signed minus
    what dropping an average event costs this session, averaged over its places t: mean over t of logit(session with an
    average event in place of t) - logit(session without t).
    """

    def explain(batch: Batch) -> Contributions:
        with evaluating(model), torch.no_grad():
            embedded, is_event = model.embed(batch), batch.is_event
            logit = model.score(embedded, batch)
            without = _each_without(dropped_logit, model, batch, embedded, logit)
            average = (_each_replaced(model, batch, embedded, logit) - without) * is_event
            signed = (logit[:, None] - without) * is_event
            average = average.sum(dim=1, keepdim=True) / is_event.sum(dim=1, keepdim=True).clamp(min=1)
        return Contributions(logit=logit, signed=signed, centred=(signed - average) * is_event)

    return explain


def _each_without(
    removal: _Removal, model: Explainable, batch: Batch, embedded: torch.Tensor, logit: torch.Tensor
) -> torch.Tensor:
    """Return the logits without event t in column t, (B, T); at padding the session's own."""
    found = logit[:, None].repeat(1, batch.is_event.shape[1])
    for rows, place in _places(batch):
        removed = torch.zeros_like(batch.is_event[rows])
        removed[:, place] = True
        found[rows, place] = removal(model, batch.take(rows), embedded[rows], removed)
    return found


def masked_logit(model: Explainable, batch: Batch, embedded: torch.Tensor, removed: torch.Tensor) -> torch.Tensor:
    """Return the logits (B,) with the events of `removed` (B, T) blank in their places; embedded: (B, T, D) of all."""
    masked = replace(
        batch,
        codes=batch.codes.masked_fill(removed[:, :, None], PADDING),
        numbers=batch.numbers.masked_fill(removed[:, :, None], 0.0),
        is_event=batch.is_event & ~removed,
    )
    return model.score(embedded.masked_fill(removed[:, :, None], 0.0), masked)


def dropped_logit(model: Explainable, batch: Batch, embedded: torch.Tensor, removed: torch.Tensor) -> torch.Tensor:
    """Return the logits (B,) as if the events of `removed` (B, T) had not happened; that of the base rate where none is left."""
    shorter = model.drop(batch, removed)
    logit = model.score(model.embed(shorter), shorter)
    return torch.where(shorter.is_event.any(dim=1), logit, model.base_logit)


def _each_replaced(model: Explainable, batch: Batch, embedded: torch.Tensor, logit: torch.Tensor) -> torch.Tensor:
    """Return the logits with an average event in place of event t in column t, (B, T); at padding the session's own."""
    found = logit[:, None].repeat(1, batch.is_event.shape[1])
    lost = model.additive(batch) - model.mean_additive
    for rows, place in _places(batch):
        replaced = embedded[rows].clone()
        replaced[:, place] = model.mean_event
        found[rows, place] = model.score(replaced, batch.take(rows)) - lost[rows, place]
    return found


def _places(batch: Batch) -> Iterator[tuple[torch.Tensor, int]]:
    """Yield each place with the sessions (R,) that have an event there."""
    for place in range(batch.is_event.shape[1]):
        rows = torch.nonzero(batch.is_event[:, place])[:, 0]
        if len(rows):
            yield rows, place
