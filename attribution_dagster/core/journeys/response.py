"""The part of the journey model that is fitted first: a logistic response to each campaign's stock of impressions.

    sum over campaigns c of w_c log(1 + stock_c) + w_click log(1 + clicked) + w_any 1[any ad]
    stock_c = sum over c's impressions of 2 ** -(hours before the day / half-life); clicked likewise, over all clicks

An advertising stock that decays, and a response that flattens (Broadbent 1979; Jin et al. 2017). It is a concave problem with
a dozen weights, so it says the size of what ads do from few purchases; the LSTM beside it starts from nothing, and adds what order, products
and gaps say beyond that. Without it the network, stopped early, found a sixth to a half of the planted purchases.
"""

import torch
from torch import nn

from attribution_dagster.core.journeys.journeys import CATEGORIES, NUMBERS
from attribution_dagster.core.sequences.batches import Batch
from attribution_dagster.core.sequences.vocabulary import NumberScaling, Vocabulary

_CAMPAIGN, _TYPE, _HOURS = (
    CATEGORIES.index("campaign_id"),
    CATEGORIES.index("event_type"),
    NUMBERS.index("hours_before"),
)


class Response(nn.Module):
    """The response term, (B,) logits of a batch. weight: (F,), one per campaign id, then clicks, then any ad."""

    half_life_hours: torch.Tensor

    def __init__(self, vocabulary: Vocabulary, scaling: NumberScaling) -> None:
        super().__init__()
        self.n_campaigns = vocabulary.size("campaign_id")
        self.click = int(vocabulary.lookup("event_type", ["click"])[0])
        self.scaling = scaling
        self.weight = nn.Parameter(torch.zeros(self.n_campaigns + 2))
        self.register_buffer("half_life_hours", torch.tensor(48.0))

    def features(self, batch: Batch) -> torch.Tensor:
        """Return what the weights multiply, (B, F)."""
        return self._features(self._stock(batch), batch.is_event.sum(dim=1))

    def forward(self, batch: Batch) -> torch.Tensor:
        """Return the logits (B,) that ads add beside the network."""
        return self.features(batch) @ self.weight

    def worth(self, batch: Batch) -> torch.Tensor:
        """Return what the term loses with each event alone, (B, T); 0 at padding."""
        stock, n_events = self._stock(batch), batch.is_event.sum(dim=1)
        whole, found = self._features(stock, n_events) @ self.weight, torch.zeros(batch.is_event.shape)
        single = self._single(batch)
        for place in range(batch.is_event.shape[1]):
            less = self._features((stock - single[:, place]).clamp(min=0.0), n_events - batch.is_event[:, place].long())
            found[:, place] = whole - less @ self.weight
        return found * batch.is_event

    def _single(self, batch: Batch) -> torch.Tensor:
        """Return each event's part of the stocks, (B, T, campaigns + 1); clicks come last."""
        hours = torch.from_numpy(self.scaling.invert("hours_before", batch.numbers[:, :, _HOURS].numpy())).float()
        weight = torch.exp2(-hours.clamp(min=0.0) / self.half_life_hours) * batch.is_event
        is_click = batch.codes[:, :, _TYPE] == self.click
        column = torch.where(is_click, self.n_campaigns, batch.codes[:, :, _CAMPAIGN])
        single = torch.zeros(*weight.shape, self.n_campaigns + 1)
        return single.scatter(2, column[:, :, None], weight[:, :, None])

    def _stock(self, batch: Batch) -> torch.Tensor:
        return self._single(batch).sum(dim=1)

    def _features(self, stock: torch.Tensor, n_events: torch.Tensor) -> torch.Tensor:
        return torch.cat([torch.log1p(stock), (n_events > 0).float()[:, None]], dim=1)
