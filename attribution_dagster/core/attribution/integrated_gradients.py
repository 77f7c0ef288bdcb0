"""Integrated gradients: the gradient averaged on the straight line from a session of baselines to the session.

Sundararajan, Taly and Yan (2017). With the mean gradient G_t = integral over s in [0, 1] of g_t(baseline + s (x -
baseline)), signed_t = additive_t + G_t . x_t and centred_t = additive_t - mean additive + G_t . (x_t - mean event).
The additive part does not move along the path; its contributions are exact as they are. Baselines:

- mean event: all events average. The centred values, less their additive part, sum to score(x) - score(baseline).
- padding: all vectors 0, which is what the convolution sees before the first event (the embedding of the id 0 is never
  trained, so it stands for nothing). The signed values, less their additive part, sum to that difference.

The integral is Gauss-Legendre quadrature with 64 nodes, doubled for those sessions whose sum misses the difference by
more than 1 % of max(abs(difference), 0.1), up to 1,024. What it still misses is the residual. Limits: on the way all
events change together, through sessions that never occur; 64 times the price of gradient x input.
"""

import numpy as np
import torch

from attribution_dagster.core.attribution.contributions import Contributions, Explainable, Explainer, evaluating
from attribution_dagster.core.attribution.gradient_x_input import Dots, gradient_dots
from attribution_dagster.core.models.folding import Point
from attribution_dagster.core.sequences.batches import Batch

FIRST_STEPS, MOST_STEPS = 64, 1024
TOLERANCE, LEAST_DIFFERENCE = 0.01, 0.1


def integrated_gradients(model: Explainable) -> Explainer:
    """Return a function from a batch to contributions along the way from mean events; residual: of the centred sum."""
    return _along(model, from_mean=True)


def integrated_gradients_padding(model: Explainable) -> Explainer:
    """Return a function from a batch to contributions along the way from zero vectors; residual: of the signed sum."""
    return _along(model, from_mean=False)


def _along(model: Explainable, *, from_mean: bool) -> Explainer:
    dots = gradient_dots(model)

    def explain(batch: Batch) -> Contributions:
        with evaluating(model), torch.no_grad():
            embedded = model.embed(batch)
            logit = model.score(embedded, batch)
            start = model.mean_event.expand_as(embedded) if from_mean else torch.zeros_like(embedded)
            difference = logit - model.score(start, batch)
            bound = TOLERANCE * difference.abs().clamp(min=LEAST_DIFFERENCE)
            with_event, with_mean, residual = _adaptive(dots, batch, difference, bound, from_mean)
            additive = model.additive(batch)
            centred_additive = (additive - model.mean_additive) * batch.is_event
        return Contributions(
            logit=logit,
            signed=with_event + additive,
            centred=with_event - with_mean + centred_additive,
            residual=residual,
            bound=bound,
        )

    return explain


def _adaptive(
    dots: Dots, batch: Batch, difference: torch.Tensor, bound: torch.Tensor, from_mean: bool
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the mean gradient's products with events and mean, (B, T), and the residual (B,), at most the bound if it can be."""
    with_event, with_mean = torch.zeros(batch.is_event.shape), torch.zeros(batch.is_event.shape)
    residual, rows, steps = torch.zeros(len(difference)), torch.arange(len(difference)), FIRST_STEPS
    while len(rows) and steps <= MOST_STEPS:
        with_event[rows], with_mean[rows] = _mean_dots(dots, batch.take(rows), steps, from_mean)
        total = (with_event[rows] - with_mean[rows] if from_mean else with_event[rows]).sum(dim=1)
        residual[rows] = (total - difference[rows]).abs()
        rows, steps = rows[residual[rows] > bound[rows]], 2 * steps
    return with_event, with_mean, residual


def _mean_dots(dots: Dots, batch: Batch, steps: int, from_mean: bool) -> tuple[torch.Tensor, torch.Tensor]:
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    with_event, with_mean = torch.zeros(batch.is_event.shape), torch.zeros(batch.is_event.shape)
    for share, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
        _, event, mean = dots(batch, Point(scale=share, shift=1 - share if from_mean else 0.0))
        with_event.add_(event, alpha=weight)
        with_mean.add_(mean, alpha=weight)
    return with_event, with_mean
