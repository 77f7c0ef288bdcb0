"""The same network built from torch's own encoder: the reference for values and for speed."""

import torch
from torch import nn

from attribution_dagster.core.models.transformer import AttributionModel
from attribution_dagster.core.sequences.batches import Batch


class StockModel:
    """Runs a model's weights through `nn.TransformerEncoder`, all layers for all tokens."""

    def __init__(self, model: AttributionModel) -> None:
        spec = model.spec
        layer = nn.TransformerEncoderLayer(
            spec.d_model, spec.n_heads, spec.d_feedforward, spec.dropout, batch_first=True
        )
        self.model = model
        self.encoder = nn.TransformerEncoder(layer, spec.n_layers, enable_nested_tensor=False)
        self.encoder.load_state_dict(model.encoder.state_dict())
        self.encoder.eval()

    def score(self, embedded: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Logits (B,) for projected events (B, T, D)."""
        model = self.model
        logit, hidden = model.bias + model.additive_logit(batch), embedded
        if model.convolution is not None:
            local = model.convolution(embedded)
            hidden = embedded + local
            if model.local_head is not None:
                logit = logit + ((local @ model.local_head) * model.position_weights(batch.is_event)).sum(dim=1)
        hidden = hidden + model.position[: hidden.shape[1]]
        hidden = torch.cat([model.cls.expand(len(hidden), 1, -1), hidden], dim=1)
        padding = nn.functional.pad(~batch.is_event, (1, 0), value=False)
        return logit + self.encoder(hidden, src_key_padding_mask=padding)[:, 0] @ model.head
