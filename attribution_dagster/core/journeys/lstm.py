"""The journey model: an LSTM over a user's ad events, read at its last state, beside what is known of the user's intent.

    logit = bias + context . w + response(events) + head . state(x_1 ... x_T);   x_t = projection of event type, campaign, ad type, product, gaps

`response` is the term of response.py, fitted first. `state` is the hidden state after the last event (h_t = LSTM(x_t, h_(t-1)),
Hochreiter and Schmidhuber 1997), or a softmax-weighted mean of all of them, and zero for a journey without ads: its logit is the base
rate, given the context. It offers `embed`, `score` and `drop` as the transformer does, so every attribution method of the registry explains it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from attribution_dagster.core.journeys.journeys import (
    CATEGORIES,
    EXPOSURE,
    INTENT,
    NUMBERS,
    EncodedJourneys,
    JourneyBatch,
    Journeys,
)
from attribution_dagster.core.journeys.response import Response
from attribution_dagster.core.models.calibration import Calibration
from attribution_dagster.core.sequences.batches import Batch, encode
from attribution_dagster.core.sequences.dropping import drop_events
from attribution_dagster.core.sequences.vocabulary import NumberScaling, Vocabulary


@dataclass(frozen=True, kw_only=True)
class JourneySpec:
    """What the model is made of. uses_intent: whether it sees the context; attention: pool all states, not the last alone."""

    d_category: int = 8
    d_model: int = 24
    d_hidden: int = 24
    max_events: int = 60
    uses_intent: bool = True
    attention: bool = False

    def __post_init__(self) -> None:
        for name in ("d_category", "d_model", "d_hidden", "max_events"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} must be at least 1")

    def to_json(self) -> dict[str, Any]:
        """Return a value that json can write."""
        return asdict(self)


class JourneyModel(nn.Module):
    """Logits of journeys, with the vocabulary, scaling and calibration that belong to these weights.

    mean_event: (D,) mean projected event of the training journeys; base_logit: of a journey without ads and mean context.
    """

    mean_event: torch.Tensor
    mean_additive: torch.Tensor
    base_logit: torch.Tensor
    context_mean: torch.Tensor
    context_scale: torch.Tensor

    def __init__(self, spec: JourneySpec, vocabulary: Vocabulary, scaling: NumberScaling) -> None:
        super().__init__()
        self.spec, self.vocabulary, self.scaling = spec, vocabulary, scaling
        self.calibration = Calibration()
        self.embeddings = nn.ModuleList(nn.Embedding(vocabulary.size(name), spec.d_category) for name in CATEGORIES)
        self.projection = nn.Linear(len(CATEGORIES) * spec.d_category + len(NUMBERS), spec.d_model)
        self.lstm = nn.LSTM(spec.d_model, spec.d_hidden, batch_first=True)
        self.head = nn.Linear(spec.d_hidden, 1, bias=False)
        self.bias = nn.Parameter(torch.zeros(()))
        self.pooling = nn.Linear(spec.d_hidden, 1) if spec.attention else None
        self.response = Response(vocabulary, scaling)
        self.context_weight = nn.Parameter(torch.zeros(2 * len(INTENT)))
        nn.init.zeros_(self.head.weight)
        for name, size in (("mean_event", spec.d_model), ("context_mean", len(INTENT))):
            self.register_buffer(name, torch.zeros(size))
        self.register_buffer("context_scale", torch.ones(len(INTENT)))
        self.register_buffer("mean_additive", torch.zeros(()))
        self.register_buffer("base_logit", torch.zeros(()))

    def embed(self, batch: Batch) -> torch.Tensor:
        """Return x, the projected events (B, T, D)."""
        columns = [embedding(batch.codes[:, :, place]) for place, embedding in enumerate(self.embeddings)]
        return self.projection(torch.cat([*columns, batch.numbers], dim=-1))  # type: ignore[no-any-return]

    def score(self, embedded: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return logits (B,) for projected events (B, T, D). What is no event is passed over: the state stays as it was."""
        if self.is_silent and not torch.is_grad_enabled():
            return self.without_ads(batch) + self.response(batch)  # type: ignore[no-any-return]
        state = self.pooled(*self.states(embedded, batch.is_event))
        return self.without_ads(batch) + self.response(batch) + self.head(state)[:, 0]  # type: ignore[no-any-return]

    @property
    def is_silent(self) -> bool:
        """Whether the network adds nothing, as where validation kept the fitted start: it need not be run then."""
        return not bool(self.head.weight.any())

    def without_ads(self, batch: Batch) -> torch.Tensor:
        """Return the logits (B,) of these journeys had they no events: the base rate, given what is known of intent."""
        if not self.spec.uses_intent or not isinstance(batch, JourneyBatch):
            return self.bias.expand(len(batch.is_event))
        return self.bias + self.context_features(batch.context) @ self.context_weight

    def context_features(self, context: torch.Tensor) -> torch.Tensor:
        """Return the scaled context and its squares, (B, 2 K)."""
        known = (context - self.context_mean) / self.context_scale
        return torch.cat([known, known**2], dim=1)

    def states(self, embedded: torch.Tensor, is_event: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the hidden states after each event (B, T', H), events moved together, and how many there are (B,)."""
        order = torch.argsort((~is_event).byte(), dim=1, stable=True)
        together = embedded.gather(1, order[:, :, None].expand_as(embedded))
        lengths = is_event.sum(dim=1)
        packed = pack_padded_sequence(together, lengths.clamp(min=1), batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(self.lstm(packed)[0], batch_first=True)[0], lengths

    def pooled(self, states: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Return one state per journey (B, H): the last, or the attention-weighted mean; zero without events."""
        if self.pooling is None:
            last = (lengths - 1).clamp(min=0)[:, None, None].expand(-1, 1, states.shape[2])
            state = states.gather(1, last)[:, 0]
        else:
            is_there = torch.arange(states.shape[1]) < lengths.clamp(min=1)[:, None]
            weights = self.pooling(states)[:, :, 0].masked_fill(~is_there, -torch.inf).softmax(dim=1)
            state = (weights[:, :, None] * states).sum(dim=1)
        return state * (lengths > 0)[:, None]

    def forward(self, batch: Batch) -> torch.Tensor:
        """Return logits (B,)."""
        return self.score(self.embed(batch), batch)

    def additive(self, batch: Batch) -> torch.Tensor:
        """Return what the response term loses with each event alone, (B, T)."""
        return self.response.worth(batch)

    def drop(self, batch: Batch, dropped: torch.Tensor) -> Batch:
        """Return the batch without the events of `dropped` (B, T): ranks and gaps as if they had not been."""
        return drop_events(batch, dropped, NUMBERS, self.scaling)

    def encode(self, journeys: Journeys) -> EncodedJourneys:
        """Return the journeys as this model reads them."""
        sequences, size = journeys.sequences, self.spec.max_events
        data = encode(sequences, self.vocabulary, self.scaling, NUMBERS, size)
        lengths = data.lengths
        events = np.repeat(sequences.offsets[1:] - data.offsets[1:], lengths) + np.arange(data.offsets[-1])
        exposure = sequences.numbers[EXPOSURE][events].astype(np.int64)
        return EncodedJourneys(data=data, context=journeys.context, exposure=exposure)

    def probability(self, logits: torch.Tensor) -> npt.NDArray[np.float64]:
        """Return calibrated probabilities of logits."""
        return self.calibration.probability(logits.detach().double().numpy())

    def share_products(self, vectors: Mapping[str, npt.ArrayLike]) -> int:
        """Start product embeddings from vectors learnt elsewhere, such as traits'; how many products had one.

        Raises ValueError for a vector of another size than `d_category`.
        """
        place, found = CATEGORIES.index("product_id"), 0
        weight = cast(nn.Embedding, self.embeddings[place]).weight
        codes = self.vocabulary.lookup("product_id", list(vectors))
        with torch.no_grad():
            for code, (token, vector) in zip(codes, vectors.items(), strict=False):
                if np.shape(vector) != (self.spec.d_category,):
                    raise ValueError(
                        f"product {token!r} has a vector of {np.shape(vector)}; d_category={self.spec.d_category}"
                    )
                if int(code) > 2:
                    weight[int(code)] = torch.as_tensor(np.asarray(vector), dtype=weight.dtype)
                    found += 1
        return found
