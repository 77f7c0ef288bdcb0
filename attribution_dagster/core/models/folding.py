"""The first maps of a trained model folded into one table per category column.

An event's projected embedding is a sum of one row per column, and so is any linear map of it. With frozen weights
those rows are computed once, and a batch looks them up and adds them instead of multiplying matrices. The same
identity spares the last step backwards: for a linear map y = W x the product g . x of x's gradient g = W^T dy is dy
. (W x), and W x is known.
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from attribution_dagster.core.models.encoder import EncoderLayer
from attribution_dagster.core.models.transformer import AttributionModel, LocalConvolution
from attribution_dagster.core.sequences.batches import Batch

_aten = torch.ops.aten


class FoldedMaps:
    """Looks up x_t (D wide) and linear maps of x_t (M wide) of a batch's events; `maps` is (M, D)."""

    def __init__(self, model: AttributionModel, maps: torch.Tensor) -> None:
        width, n_columns = model.spec.d_category, len(model.embeddings)
        parts = torch.split(model.projection.weight, [width] * n_columns + [len(model.spec.numbers)], dim=1)
        tables = [table.weight for table in model.embeddings if isinstance(table, nn.Embedding)]
        rows = [table @ part.t() for table, part in zip(tables, parts[:-1], strict=True)]
        sizes = torch.tensor([0, *(len(part) for part in rows[:-1])])
        self.first_row = torch.cumsum(sizes, dim=0)
        self.embedding = torch.cat(rows)
        self.mapped = self.embedding @ maps.t()
        self.numbers, self.numbers_mapped = parts[-1].t().contiguous(), (maps @ parts[-1]).t().contiguous()
        self.bias, self.bias_mapped = model.projection.bias, maps @ model.projection.bias
        self.mean, self.mean_mapped = model.mean_event, maps @ model.mean_event

    def look_up(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Return x (B, T, D) and maps @ x (B, T, M)."""
        n_sessions, length = batch.is_event.shape
        ids = (batch.codes + self.first_row).flatten(0, 1)
        numbers = batch.numbers.flatten(0, 1)
        embedded = functional.embedding_bag(ids, self.embedding, mode="sum")
        mapped = functional.embedding_bag(ids, self.mapped, mode="sum")
        embedded.add_(torch.addmm(self.bias, numbers, self.numbers))
        mapped.add_(torch.addmm(self.bias_mapped, numbers, self.numbers_mapped))
        widths = embedded.shape[1], mapped.shape[1]
        return embedded.view(n_sessions, length, widths[0]), mapped.view(n_sessions, length, widths[1])


@dataclass(frozen=True, kw_only=True)
class Point:
    """Where the model is differentiated: at scale * x_t + shift * (mean event) for every event t; at x_t by default."""

    scale: float = 1.0
    shift: float = 0.0

    def of(self, values: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
        """Return the point for `values` (B, T, W) and the mean's (W,), both x itself or a linear map of it."""
        if self.scale == 1.0 and self.shift == 0.0:
            return values
        return torch.add(self.shift * mean, values, alpha=self.scale)


AT_THE_EVENTS = Point()


@dataclass(frozen=True, kw_only=True, eq=False)
class Entry:
    """What the encoder starts from, and what the way back needs.

    hidden: (B, L, D); projected: (B, L, 3D) queries, keys and values of the first layer; embedded, mapped: what was
    looked up, wherever the point is; logit: (B,) what is read before the encoder; active: (B, T, D) hidden units of the convolution;
    weights: (B, T) of the positions.
    """

    hidden: torch.Tensor
    projected: torch.Tensor
    embedded: torch.Tensor
    mapped: torch.Tensor
    logit: torch.Tensor
    active: torch.Tensor | None = None
    weights: torch.Tensor | None = None


class DirectInput:
    """Events enter the first attention as they are: its queries, keys and values are looked up, too."""

    def __init__(self, model: AttributionModel, first: EncoderLayer) -> None:
        weight, bias = first.self_attn.in_proj_weight, first.self_attn.in_proj_bias
        self.fold = FoldedMaps(model, weight)
        self.position, self.cls = model.position, model.cls
        self.position_projected = model.position @ weight.t() + bias
        self.cls_projected = weight @ model.cls + bias

    def enter(self, batch: Batch, point: Point) -> Entry:
        """Return the encoder's input for a batch."""
        fold = self.fold
        embedded, mapped = fold.look_up(batch)
        projected = point.of(mapped, fold.mean_mapped)
        return Entry(
            hidden=_with_first(self.cls, point.of(embedded, fold.mean), self.position),
            projected=_with_first(self.cls_projected, projected, self.position_projected),
            embedded=embedded,
            mapped=mapped,
            logit=torch.zeros(len(embedded)),
        )

    def dots(
        self, entry: Entry, hidden: torch.Tensor, projected: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the gradient's products with x_t and with the mean event, (B, T), from the entry's two gradients."""
        hidden = hidden[:, 1:]
        with_event, with_mean = (hidden * entry.embedded).sum(-1), hidden @ self.fold.mean
        if projected is not None:
            projected = projected[:, 1:]
            with_event += (projected * entry.mapped).sum(-1)
            with_mean += projected @ self.fold.mean_mapped
        return with_event, with_mean


class ConvolvedInput:
    """Events pass the local convolution; its first layer is looked up, and never differentiated."""

    def __init__(self, model: AttributionModel, convolution: LocalConvolution, first: EncoderLayer) -> None:
        self.fold = FoldedMaps(model, torch.cat([convolution.this.weight, convolution.before.weight]))
        self.model, self.bias, self.out = model, convolution.this.bias, convolution.out.weight
        self.head = torch.zeros(model.spec.d_model) if model.local_head is None else model.local_head
        self.head_of_active, self.head_of_bias = self.head @ self.out, self.head @ convolution.out.bias
        self.position, self.cls = model.position + convolution.out.bias, model.cls
        self.weight, self.projection_bias = first.self_attn.in_proj_weight, first.self_attn.in_proj_bias

    def enter(self, batch: Batch, point: Point) -> Entry:
        """Return the encoder's input for a batch."""
        embedded, mapped = self.fold.look_up(batch)
        there = point.of(embedded, self.fold.mean)
        this, before = point.of(mapped, self.fold.mean_mapped).chunk(2, dim=-1)
        active = this + self.bias
        active[:, 1:] += before[:, :-1]
        active.relu_()
        convolved = torch.addmm(there.flatten(0, 1), active.flatten(0, 1), self.out.t()).view_as(embedded)
        hidden = _with_first(self.cls, convolved, self.position)
        projected = functional.linear(hidden, self.weight, self.projection_bias)
        weights = torch.zeros(()) if self.model.local_head is None else self.model.position_weights(batch.is_event)
        logit = ((active @ self.head_of_active + self.head_of_bias) * weights).sum(dim=1)
        return Entry(
            hidden=hidden,
            projected=projected,
            embedded=embedded,
            mapped=mapped,
            logit=logit,
            active=active,
            weights=weights,
        )

    def dots(
        self, entry: Entry, hidden: torch.Tensor, projected: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the gradient's products with x_t and with the mean event, (B, T), from the entry's two gradients."""
        assert entry.active is not None and entry.weights is not None
        if projected is not None:
            hidden = torch.addmm(hidden.flatten(0, 1), projected.flatten(0, 1), self.weight).view_as(hidden)
        hidden = hidden[:, 1:].contiguous()
        inner = hidden @ self.out
        if self.model.local_head is not None:
            inner.addcmul_(entry.weights[:, :, None], self.head_of_active)
        inner = _aten.threshold_backward.grad_input(inner, entry.active, 0, grad_input=inner)
        following = functional.pad(inner[:, 1:], (0, 0, 0, 1))
        inner = torch.cat([inner, following], dim=-1)
        with_event = (hidden * entry.embedded).sum(-1) + (inner * entry.mapped).sum(-1)
        return with_event, hidden @ self.fold.mean + inner @ self.fold.mean_mapped


def _with_first(first: torch.Tensor, events: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
    """Return (B, 1 + T, W): `first`, then events plus their positions."""
    n_sessions, length, width = events.shape
    joined = torch.empty(n_sessions, length + 1, width)
    joined[:, 0] = first
    torch.add(events, position[:length], out=joined[:, 1:])
    return joined
