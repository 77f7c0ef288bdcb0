"""The gradient of the logit with respect to the events, by hand: what autograd computes, with less work and memory.

The encoder's backward pass is written out for frozen weights: no graph, no gradient of a weight, masks and buffers
reused. Two things are never computed: the last layer beyond CLS (see encoder.py) and the first linear maps'
gradients (see folding.py). `autograd_dots` in gradient_x_input.py is the reference that tests compare with, to
1e-6.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional

from attribution_dagster.core.models.encoder import EncoderLayer, attention_bias
from attribution_dagster.core.models.folding import AT_THE_EVENTS, ConvolvedInput, DirectInput, Point
from attribution_dagster.core.models.transformer import AttributionModel
from attribution_dagster.core.sequences.batches import Batch

_aten = torch.ops.aten
_INPUT_ONLY = [True, False, False]  # of a layer normalisation's three gradients: input, weight, bias


class InputGradient:
    """Logits and input gradients of a frozen model; prepared once, then called with batches."""

    def __init__(self, model: AttributionModel) -> None:
        layers = [layer for layer in model.encoder.layers if isinstance(layer, EncoderLayer)]
        with torch.no_grad():
            self.model, self.last = model, layers[-1]
            self.layers = [_FrozenLayer(layer) for layer in layers[:-1]]
            self.input = (
                DirectInput(model, layers[0])
                if model.convolution is None
                else ConvolvedInput(model, model.convolution, layers[0])
            )

    @torch.no_grad()
    def __call__(self, batch: Batch, point: Point = AT_THE_EVENTS) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return logits (B,), and the gradient's products with x_t and the mean, (B, T); logit and gradient at the point."""
        mask = None if bool(batch.is_event.all()) else attention_bias(batch.is_event)
        entry = self.input.enter(batch, point)
        hidden, states = entry.hidden, []
        for number, layer in enumerate(self.layers):
            hidden, state = layer.forward(hidden, entry.projected if number == 0 else layer.project(hidden), mask)
            states.append(state)
        logit, gradient = _last_layer(self.last, self.model.head, hidden, mask)
        projected = None
        for number in reversed(range(len(self.layers))):
            if projected is not None:
                gradient = self.layers[number + 1].through_projection(gradient, projected)
            gradient, projected = self.layers[number].backward(gradient, states.pop())
        with_event, with_mean = self.input.dots(entry, gradient, projected)
        logit += entry.logit + self.model.bias + self.model.additive_logit(batch)
        return logit, with_event * batch.is_event, with_mean * batch.is_event


@dataclass(frozen=True, kw_only=True, eq=False)
class _State:
    """What a layer's backward pass needs. queries, keys, values: (B*H, L, d); weights: (B*H, L, L)."""

    queries: torch.Tensor
    keys: torch.Tensor
    values: torch.Tensor
    weights: torch.Tensor
    norm1: tuple[torch.Tensor, torch.Tensor, torch.Tensor]
    expanded: torch.Tensor
    norm2: tuple[torch.Tensor, torch.Tensor, torch.Tensor]


class _FrozenLayer:
    def __init__(self, layer: EncoderLayer) -> None:
        self.layer, self.n_heads = layer, layer.self_attn.n_heads
        self.weight, self.bias = layer.self_attn.in_proj_weight, layer.self_attn.in_proj_bias

    def project(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return queries, keys and values (B, L, 3D)."""
        return functional.linear(hidden, self.weight, self.bias)

    def through_projection(self, gradient: torch.Tensor, projected: torch.Tensor) -> torch.Tensor:
        """Return the gradient at the layer's input, given that at the residual and at queries, keys and values."""
        return torch.addmm(gradient.flatten(0, 1), projected.flatten(0, 1), self.weight).view_as(gradient)

    def forward(
        self, hidden: torch.Tensor, projected: torch.Tensor, mask: torch.Tensor | None
    ) -> tuple[torch.Tensor, _State]:
        """Return the layer's output (B, L, D) and what `backward` needs."""
        n_sessions, length, width = hidden.shape
        layer, heads = self.layer, self.n_heads
        split = projected.view(n_sessions, length, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
        queries, keys, values = split.reshape(3, n_sessions * heads, length, width // heads)
        scores = torch.bmm(queries, keys.transpose(1, 2)).mul_(queries.shape[-1] ** -0.5)
        if mask is not None:
            scores.view(n_sessions, heads, length, length).add_(mask)
        weights = torch.softmax(scores, dim=-1)
        context = torch.bmm(weights, values).view(n_sessions, heads, length, width // heads)
        context = context.transpose(1, 2).reshape(-1, width)
        out = layer.self_attn.out_proj
        summed = torch.addmm(out.bias, context, out.weight.t()).add_(hidden.flatten(0, 1))
        middle, norm1 = _normalise(layer.norm1, summed)
        expanded = torch.addmm(layer.linear1.bias, middle, layer.linear1.weight.t()).relu_()
        summed = torch.addmm(layer.linear2.bias, expanded, layer.linear2.weight.t()).add_(middle)
        output, norm2 = _normalise(layer.norm2, summed)
        state = _State(
            queries=queries, keys=keys, values=values, weights=weights, norm1=norm1, expanded=expanded, norm2=norm2
        )
        return output.view_as(hidden), state

    def backward(self, gradient: torch.Tensor, state: _State) -> tuple[torch.Tensor, torch.Tensor]:
        """Return gradients at the residual input (B, L, D) and at queries, keys and values (B, L, 3D)."""
        layer = self.layer
        flat = _normalise_backward(layer.norm2, gradient.flatten(0, 1), state.norm2)
        expanded = torch.mm(flat, layer.linear2.weight)
        _aten.threshold_backward.grad_input(expanded, state.expanded, 0, grad_input=expanded)
        flat = _normalise_backward(layer.norm1, torch.addmm(flat, expanded, layer.linear1.weight), state.norm1)
        context = torch.mm(flat, layer.self_attn.out_proj.weight)
        return flat.view_as(gradient), self._attention_backward(context.view_as(gradient), state)

    def _attention_backward(self, context: torch.Tensor, state: _State) -> torch.Tensor:
        n_sessions, length, width = context.shape
        by_head = context.view(n_sessions, length, self.n_heads, width // self.n_heads).transpose(1, 2)
        by_head = by_head.reshape(n_sessions * self.n_heads, length, width // self.n_heads)
        weights = torch.bmm(by_head, state.values.transpose(1, 2))
        scores = _aten._softmax_backward_data(weights, state.weights, -1, torch.float32)
        scores.mul_(state.queries.shape[-1] ** -0.5)
        projected = torch.empty(n_sessions, length, 3, self.n_heads, width // self.n_heads)
        by_part = projected.permute(2, 0, 3, 1, 4)  # (3, B, H, L, d)
        shape = by_part.shape[1:]
        by_part[0] = torch.bmm(scores, state.keys).view(shape)
        by_part[1] = torch.bmm(scores.transpose(1, 2), state.queries).view(shape)
        by_part[2] = torch.bmm(state.weights.transpose(1, 2), by_head).view(shape)
        return projected.view(n_sessions, length, 3 * width)


def _last_layer(
    layer: EncoderLayer, head: torch.Tensor, hidden: torch.Tensor, mask: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the logit read at CLS (B,) and its gradient with respect to the layer's input (B, L, D).

    Only rows of CLS go through autograd. Token t receives ds_t u + a_t dc per head, for its score gradient ds_t and
    attention a_t, the score direction u = W_k^T q and the gradient dc at the head's weighted mean of h.
    """
    first = hidden[:, 0].clone().requires_grad_(True)
    with torch.enable_grad():
        directions = layer.self_attn.directions(first)  # (B, H, D)
    scores = torch.bmm(directions.detach(), hidden.transpose(1, 2))
    if mask is not None:
        scores.add_(mask[:, 0])
    weights = torch.softmax(scores, dim=-1)
    mean = torch.bmm(weights, hidden).requires_grad_(True)
    with torch.enable_grad():
        logit = layer.after_attention(first, layer.self_attn.read_out(mean)) @ head
        mean_gradient, first_gradient = torch.autograd.grad(logit.sum(), (mean, first))
    weights_gradient = torch.bmm(mean_gradient, hidden.transpose(1, 2))
    scores_gradient = _aten._softmax_backward_data(weights_gradient, weights, -1, torch.float32)
    through_scores = torch.bmm(scores_gradient, hidden)
    (second_gradient,) = torch.autograd.grad(directions, first, through_scores)
    coefficients = torch.cat([scores_gradient, weights], dim=1).transpose(1, 2)  # (B, L, 2H)
    gradient = torch.bmm(coefficients, torch.cat([directions.detach(), mean_gradient], dim=1))
    gradient[:, 0] += first_gradient + second_gradient
    return logit.detach(), gradient


def _normalise(
    norm: torch.nn.LayerNorm, values: torch.Tensor
) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    output, mean, deviation = _aten.native_layer_norm(values, norm.normalized_shape, norm.weight, norm.bias, norm.eps)
    return output, (values, mean, deviation)


def _normalise_backward(
    norm: torch.nn.LayerNorm, gradient: torch.Tensor, state: tuple[torch.Tensor, torch.Tensor, torch.Tensor]
) -> torch.Tensor:
    values, mean, deviation = state
    result = _aten.native_layer_norm_backward(
        gradient, values, norm.normalized_shape, mean, deviation, norm.weight, norm.bias, _INPUT_ONLY
    )
    return result[0]  # type: ignore[no-any-return]
