"""Attention from CLS: where the encoder looks. A diagnostic and not an explanation: it has no sign and no unit.

A weight says how much of an event's state is taken in, not what it does to the logit: Jain and Wallace (2019). It sees
the encoder only, neither the additive part nor the local head, and in the registry signed = centred = the weight.

Weights are computed in an explicit path. Hooks would see none: `scaled_dot_product_attention` returns no weights, and
the model's last layer computes CLS only. A test says that the path's logit equals the model's to 1e-5.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from attribution_dagster.core.attribution.contributions import Contributions, Explainable, Explainer, evaluating
from attribution_dagster.core.models.encoder import EncoderLayer, SelfAttention, attention_bias
from attribution_dagster.core.models.transformer import AttributionModel
from attribution_dagster.core.sequences.batches import Batch
from attribution_dagster.core.sequences.sequence_set import SequenceSet


@dataclass(frozen=True, kw_only=True, eq=False)
class Attention:
    """logit: (B,). weights: (B, layers, heads, 1 + T, 1 + T), from row to column, CLS first; a row sums to 1."""

    logit: torch.Tensor
    weights: torch.Tensor

    def from_cls(self) -> torch.Tensor:
        """Return the attention from CLS to each event, per layer and head, (B, layers, heads, T); CLS keeps the rest."""
        return self.weights[:, :, :, 0, 1:]


def attend(model: AttributionModel, batch: Batch) -> Attention:
    """Return all attention weights of these sessions; the model's mode is left as it was."""
    with evaluating(model), torch.no_grad():
        logit, hidden = model.tokens(model.embed(batch), batch.codes, batch.is_event)
        bias, found = attention_bias(batch.is_event), []
        for layer in model.encoder.layers:
            assert isinstance(layer, EncoderLayer)
            attended, weights = _self_attention(layer.self_attn, hidden, bias)
            hidden = layer.after_attention(hidden, attended)
            found.append(weights)
        return Attention(logit=logit + hidden[:, 0] @ model.head, weights=torch.stack(found, dim=1))


def attention_by_head(model: Explainable, sequences: SequenceSet) -> list[npt.NDArray[np.float64]]:
    """Return the attention from CLS to each event of each session, (T, layers, heads); NaN for events that the model doesn't read.

    Raises TypeError for a model without attention.
    """
    known = _with_attention(model)
    data, found = known.encode(sequences), []
    for row, (length, first) in enumerate(zip(sequences.lengths, data.first_event, strict=True)):
        weights = attend(known, data.batch(np.array([row]))).from_cls()[0]
        by_event = np.full((int(length), *weights.shape[:2]), np.nan)
        by_event[first:] = weights.permute(2, 0, 1).numpy()[: length - first]
        found.append(by_event)
    return found


def attention_mean(model: Explainable) -> Explainer:
    """Return a function from a batch to attention from CLS, averaged over layers and heads.

    Raises TypeError for a model without attention.
    """
    known = _with_attention(model)

    def explain(batch: Batch) -> Contributions:
        found = attend(known, batch)
        return _contributions(found.logit, found.from_cls().mean(dim=(1, 2)), batch)

    return explain


def attention_rollout(model: Explainable) -> Explainer:
    """Return a function from a batch to attention from CLS followed through the layers: Abnar and Zuidema (2020).

    Each layer's weights, averaged over heads, are mixed half and half with the identity, for the residual connection;
    the rollout is their product. It ignores what values, feed-forward layers and normalisations do.
    Raises TypeError for a model without attention.
    """
    known = _with_attention(model)

    def explain(batch: Batch) -> Contributions:
        found = attend(known, batch)
        by_layer = found.weights.mean(dim=2)
        reach = 0.5 * by_layer[:, -1, :1] + 0.5 * functional.one_hot(
            torch.zeros(1, dtype=torch.long), by_layer.shape[-1]
        )
        for layer in range(by_layer.shape[1] - 2, -1, -1):
            reach = 0.5 * reach @ by_layer[:, layer] + 0.5 * reach
        return _contributions(found.logit, reach[:, 0, 1:], batch)

    return explain


def _contributions(logit: torch.Tensor, weights: torch.Tensor, batch: Batch) -> Contributions:
    weights = weights * batch.is_event
    return Contributions(logit=logit, signed=weights, centred=weights.clone())


def _self_attention(
    attention: SelfAttention, hidden: torch.Tensor, bias: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the output (B, L, D) and the weights (B, H, L, L)."""
    n_sessions, length, d_model = hidden.shape
    projected = functional.linear(hidden, attention.in_proj_weight, attention.in_proj_bias)
    by_head = projected.view(n_sessions, length, 3, attention.n_heads, d_model // attention.n_heads)
    query, key, value = by_head.permute(2, 0, 3, 1, 4)
    weights = torch.softmax(query @ key.transpose(2, 3) * query.shape[-1] ** -0.5 + bias, dim=-1)
    context = (weights @ value).transpose(1, 2).reshape(n_sessions, length, d_model)
    return attention.out_proj(context), weights


def _with_attention(model: Explainable) -> AttributionModel:
    if not isinstance(model, AttributionModel):
        raise TypeError(f"a {type(model).__name__} has no attention to show; use another method")
    return model
