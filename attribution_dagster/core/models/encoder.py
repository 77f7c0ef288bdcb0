"""A post-norm transformer encoder that is read at its first token only.

Parameters carry the names of `torch.nn.TransformerEncoder`, so that its state dictionary loads as it is. Only the
output at CLS is wanted, and so the last layer never projects keys and values of all tokens: the score of token t in
a head is (W_k^T q) . h_t, and the head's context is W_v applied once to the attention-weighted mean of h. What b_k
adds is equal for all tokens and cancels in the softmax.
"""

import math

import torch
from torch import nn
from torch.nn import functional

from attribution_dagster.core.models.dropout import Dropout


class SelfAttention(nn.Module):
    """Weights of multi-head self-attention: in_proj (3D, D) for query, key and value, and the output projection."""

    def __init__(self, d_model: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * d_model, d_model))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * d_model))
        self.out_proj = nn.Linear(d_model, d_model)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.out_proj.bias)

    def forward(self, hidden: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        """Return (B, L, D) for `hidden` (B, L, D); `bias` (B, 1, 1, L) is 0 or -inf and added to the scores."""
        n_sessions, length, d_model = hidden.shape
        projected = functional.linear(hidden, self.in_proj_weight, self.in_proj_bias)
        query, key, value = projected.view(n_sessions, length, 3, self.n_heads, d_model // self.n_heads).permute(
            2, 0, 3, 1, 4
        )
        context = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)  # (B, H, L, d)
        return self.out_proj(context.transpose(1, 2).reshape(n_sessions, length, d_model))  # type: ignore[no-any-return]

    def first_token(self, hidden: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        """Return the attention output of token 0, (B, D), for `hidden` (B, L, D)."""
        scores = self.directions(hidden[:, 0]) @ hidden.transpose(1, 2)  # (B, H, L)
        weights = torch.softmax(scores if bias is None else scores + bias[:, 0], dim=-1)
        return self.read_out(weights @ hidden)

    def directions(self, first: torch.Tensor) -> torch.Tensor:
        """Return W_k^T q / sqrt(d) per head, (B, H, D), for token 0 (B, D): its product with h_t is the score of t."""
        n_sessions, d_model = first.shape
        query = functional.linear(first, self.in_proj_weight[:d_model], self.in_proj_bias[:d_model])
        w_key = self.in_proj_weight[d_model : 2 * d_model].view(self.n_heads, -1, d_model)  # (H, d, D)
        query = query.view(n_sessions, self.n_heads, d_model // self.n_heads) / math.sqrt(d_model // self.n_heads)
        return torch.einsum("bhe,hed->bhd", query, w_key)

    def read_out(self, mean: torch.Tensor) -> torch.Tensor:
        """Return the attention output (B, D) for each head's weighted mean of the tokens, (B, H, D)."""
        d_model = mean.shape[-1]
        w_value = self.in_proj_weight[2 * d_model :].view(self.n_heads, -1, d_model)
        context = torch.einsum("bhd,hed->bhe", mean, w_value).flatten(1)
        return self.out_proj(context + self.in_proj_bias[2 * d_model :])  # type: ignore[no-any-return]


class EncoderLayer(nn.Module):
    """h = norm1(h + attention(h)); h = norm2(h + linear2(relu(linear1(h)))); dropout on branches and hidden units."""

    def __init__(self, d_model: int, n_heads: int, d_feedforward: int, dropout: float) -> None:
        super().__init__()
        self.self_attn = SelfAttention(d_model, n_heads)
        self.linear1 = nn.Linear(d_model, d_feedforward)
        self.linear2 = nn.Linear(d_feedforward, d_model)
        self.norm1 = nn.LayerNorm(d_model)
        self.norm2 = nn.LayerNorm(d_model)
        self.dropout = Dropout(dropout)

    def forward(self, hidden: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        """Return (B, L, D)."""
        return self.after_attention(hidden, self.self_attn(hidden, bias))

    def first_token(self, hidden: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        """Return the layer's output at token 0 only, (B, D)."""
        return self.after_attention(hidden[:, 0], self.self_attn.first_token(hidden, bias))

    def after_attention(self, hidden: torch.Tensor, attended: torch.Tensor) -> torch.Tensor:
        """Return the layer's output for its input and what attention made of it, both (..., D)."""
        hidden = self.norm1(hidden + self.dropout(attended))
        expanded = self.dropout(functional.relu(self.linear1(hidden)))
        return self.norm2(hidden + self.dropout(self.linear2(expanded)))  # type: ignore[no-any-return]


class Encoder(nn.Module):
    """A stack of post-norm layers whose output is wanted at token 0 only."""

    def __init__(self, d_model: int, n_heads: int, n_layers: int, d_feedforward: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList(EncoderLayer(d_model, n_heads, d_feedforward, dropout) for _ in range(n_layers))

    def forward(self, hidden: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        """Return (B, D), the output at token 0, for `hidden` (B, L, D)."""
        for layer in self.layers[:-1]:
            hidden = layer(hidden, bias)
        last = self.layers[-1]
        assert isinstance(last, EncoderLayer)
        return last.first_token(hidden, bias)


def attention_bias(is_event: torch.Tensor) -> torch.Tensor:
    """Return (B, 1, 1, 1 + T): 0 for CLS and events, -inf for padding; to be added to attention scores."""
    is_token = functional.pad(is_event, (1, 0), value=True)
    return torch.zeros(is_token.shape).masked_fill(~is_token, -math.inf)[:, None, None, :]
