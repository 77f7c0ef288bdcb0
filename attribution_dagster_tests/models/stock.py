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
        hidden = embedded if model.convolution is None else model.convolution(embedded)
        hidden = hidden + model.position[: hidden.shape[1]]
        hidden = torch.cat([model.cls.expand(len(hidden), 1, -1), hidden], dim=1)
        padding = nn.functional.pad(~batch.is_event, (1, 0), value=False)
        read = self.encoder(hidden, src_key_padding_mask=padding)[:, 0]
        return model.bias + read @ model.head + model.additive(batch).sum(dim=1)
