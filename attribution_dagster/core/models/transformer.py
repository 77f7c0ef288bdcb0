"""The model: event embeddings, a local convolution, a post-norm encoder read at CLS, and an additive term beside it.

    logit = bias + sum_t p_t (w[event t] + v[event t-1, event t] + local_head . m_t) + head . encoder([CLS, x_t + m_t + position_t])

with the additive weights w, v and p of event type (and store), of the few pairs of neighbours that proved themselves,
and of position; and m_t = m(x_t, x_(t-1)) the local
convolution. It is read once directly: an average under a softmax, which is all the encoder sees of many events, forgets
how often two neighbours met. x_t is the projected embedding of event t, and gradients for attribution are taken there:
before the convolution, before positions, and with no layer normalisation directly after it. A normalisation does not
see scale, so x . df/dx = 0 for whatever feeds one directly.
"""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from attribution_dagster.core.models.additive import AdditiveTerm
from attribution_dagster.core.models.calibration import Calibration
from attribution_dagster.core.models.encoder import Encoder, attention_bias
from attribution_dagster.core.models.spec import ModelSpec
from attribution_dagster.core.sequences.batches import Batch, EncodedSequences, encode
from attribution_dagster.core.sequences.dropping import drop_events
from attribution_dagster.core.sequences.sequence_set import SequenceSet
from attribution_dagster.core.sequences.vocabulary import NumberScaling, Vocabulary

ADDITIVE_COLUMNS = ("event_type", "store_id")


class LocalConvolution(nn.Module):
    """m_t = W2 relu(W_this x_t + W_before x_(t-1) + b1) + b2, with x_(-1) = 0: what two neighbours say together."""

    def __init__(self, d_model: int) -> None:
        super().__init__()
        self.this = nn.Linear(d_model, d_model)
        self.before = nn.Linear(d_model, d_model, bias=False)
        self.out = nn.Linear(d_model, d_model)

    def forward(self, embedded: torch.Tensor) -> torch.Tensor:
        """Return m (B, T, D) for x (B, T, D)."""
        before = functional.pad(embedded, (0, 0, 1, -1))  # one step later, a zero first
        return self.out(functional.relu(self.this(embedded) + self.before(before)))  # type: ignore[no-any-return]


class AttributionModel(nn.Module):
    """Logits of sessions, with the vocabulary, scaling and calibration that belong to these weights.

    mean_event: (D,) mean x_t over the training events; mean_additive: mean additive contribution of one; base_logit:
    the logit of an empty session.
    """

    mean_event: torch.Tensor
    mean_additive: torch.Tensor
    base_logit: torch.Tensor

    def __init__(self, spec: ModelSpec, vocabulary: Vocabulary, scaling: NumberScaling) -> None:
        super().__init__()
        self.spec, self.vocabulary, self.scaling = spec, vocabulary, scaling
        self.calibration = Calibration()
        sizes = [vocabulary.size(column) for column in spec.categories]
        self.embeddings = nn.ModuleList(nn.Embedding(size, spec.d_category) for size in sizes)
        self.projection = nn.Linear(len(sizes) * spec.d_category + len(spec.numbers), spec.d_model)
        self.convolution = LocalConvolution(spec.d_model) if spec.local_convolution else None
        self.position = nn.Parameter(torch.randn(spec.max_events, spec.d_model) * 0.1)
        self.cls = nn.Parameter(torch.randn(spec.d_model) * 0.1)
        self.encoder = Encoder(spec.d_model, spec.n_heads, spec.n_layers, spec.d_feedforward, spec.dropout)
        self.head = nn.Parameter(torch.randn(spec.d_model) * spec.d_model**-0.5)
        self.bias = nn.Parameter(torch.zeros(()))
        self.additive_term = self._additive_term(sizes) if spec.readout == "additive" else None
        is_local = spec.local_convolution and spec.readout == "additive"
        self.local_head = nn.Parameter(torch.zeros(spec.d_model)) if is_local else None
        self.register_buffer("mean_event", torch.zeros(spec.d_model))
        self.register_buffer("mean_additive", torch.zeros(()))
        self.register_buffer("base_logit", torch.zeros(()))

    def _additive_term(self, sizes: Sequence[int]) -> AdditiveTerm:
        places = {name: self.spec.categories.index(name) for name in ADDITIVE_COLUMNS if name in self.spec.categories}
        return AdditiveTerm({name: (place, sizes[place]) for name, place in places.items()}, self.spec.max_events)

    def embed(self, batch: Batch) -> torch.Tensor:
        """Return x, the projected events (B, T, D), before convolution and position."""
        return self._embed(batch.codes, batch.numbers)

    def score(self, embedded: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return logits (B,) for projected events (B, T, D); the additive part comes from the batch."""
        return self._score(embedded, batch.codes, batch.is_event)

    def additive(self, batch: Batch) -> torch.Tensor:
        """Return what the additive part loses with each event, (B, T); 0 with a plain readout. A pair counts at both."""
        if self.additive_term is None:
            return torch.zeros(batch.codes.shape[:2])
        return self.additive_term.worth(batch.codes, batch.is_event)

    def drop(self, batch: Batch, dropped: torch.Tensor) -> Batch:
        """Return the batch without the events of `dropped` (B, T): neighbours, ranks and gaps as if they had not been."""
        return drop_events(batch, dropped, self.spec.numbers, self.scaling)

    def additive_logit(self, batch: Batch) -> torch.Tensor:
        """Return what the additive part adds to the logit, (B,)."""
        return self._additive(batch.codes, batch.is_event).sum(dim=1)

    def forward(self, codes: torch.Tensor, numbers: torch.Tensor, is_event: torch.Tensor) -> torch.Tensor:
        """Return logits (B,) for ids (B, T, C), scaled numbers (B, T, K) and the mask (B, T)."""
        return self._score(self._embed(codes, numbers), codes, is_event)

    def encode(self, sequences: SequenceSet) -> EncodedSequences:
        """Return the set as this model reads it."""
        return encode(sequences, self.vocabulary, self.scaling, self.spec.numbers, self.spec.max_events)

    def _embed(self, codes: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        columns = [embedding(codes[:, :, place]) for place, embedding in enumerate(self.embeddings)]
        return self.projection(torch.cat([*columns, numbers], dim=-1))  # type: ignore[no-any-return]

    def _score(self, embedded: torch.Tensor, codes: torch.Tensor, is_event: torch.Tensor) -> torch.Tensor:
        logit, hidden = self.tokens(embedded, codes, is_event)
        return logit + self.encoder(hidden, attention_bias(is_event)) @ self.head  # type: ignore[no-any-return]

    def tokens(
        self, embedded: torch.Tensor, codes: torch.Tensor, is_event: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what is read beside the encoder (B,), and its input (B, 1 + T, D), CLS first."""
        logit = self.bias + self._additive(codes, is_event).sum(dim=1)
        hidden = embedded
        if self.convolution is not None:
            local = self.convolution(embedded)
            hidden = embedded + local
            if self.local_head is not None:
                logit = logit + ((local @ self.local_head) * self.position_weights(is_event)).sum(dim=1)
        hidden = hidden + self.position[: hidden.shape[1]]
        return logit, torch.cat([self.cls.expand(hidden.shape[0], 1, -1), hidden], dim=1)

    def position_weights(self, is_event: torch.Tensor) -> torch.Tensor:
        """Return the additive term's weight of each event's position, (B, T); 0 at padding."""
        assert self.additive_term is not None
        return self.additive_term.position_weights()[: is_event.shape[1]] * is_event

    def _additive(self, codes: torch.Tensor, is_event: torch.Tensor) -> torch.Tensor:
        if self.additive_term is None:
            return torch.zeros(codes.shape[:2])
        return self.additive_term(codes, is_event)  # type: ignore[no-any-return]
