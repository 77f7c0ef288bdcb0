"""Gradient x input at the projected event, on the logit: a_t = additive_t + sum_d g_td x_td.

Baehrens et al. (2010), Shrikumar et al. (2016). Taken on the logit, whose slope does not die when the model is
sure, and for the same logit in both classes. The centred version replaces x_t by x_t minus the mean training event,
and the additive part by its distance from the mean additive contribution of a training event.
"""

from collections.abc import Callable
from functools import partial

import torch

from attribution_dagster.core.attribution.contributions import Contributions, Explainable, Explainer, evaluating
from attribution_dagster.core.models.folding import AT_THE_EVENTS, Point
from attribution_dagster.core.models.input_gradient import InputGradient
from attribution_dagster.core.models.transformer import AttributionModel
from attribution_dagster.core.sequences.batches import Batch

Dots = Callable[[Batch, Point], tuple[torch.Tensor, torch.Tensor, torch.Tensor]]


def gradient_x_input(model: Explainable) -> Explainer:
    """Return a function from a batch to its contributions; the model's weights, gradients and mode are left alone.

    A model of this package is differentiated by hand (same values to 1e-6, faster), any other one by autograd.
    """
    dots = gradient_dots(model)

    def explain(batch: Batch) -> Contributions:
        with evaluating(model), torch.no_grad():
            logit, with_event, with_mean = dots(batch, AT_THE_EVENTS)
            additive = model.additive(batch)
            centred_additive = (additive - model.mean_additive) * batch.is_event
        return Contributions(
            logit=logit, signed=with_event + additive, centred=with_event - with_mean + centred_additive
        )

    return explain


def gradient_dots(model: Explainable) -> Dots:
    """Return a function from a batch and a point to what `autograd_dots` finds, by hand where the model allows it."""
    if isinstance(model, AttributionModel):
        return InputGradient(model)
    return partial(autograd_dots, model)


def autograd_dots(
    model: Explainable, batch: Batch, point: Point = AT_THE_EVENTS
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return logits (B,), and the gradient's products with each event and with the mean event, (B, T), 0 at padding.

    The gradient and the logit are those at the point, the products with x_t and the mean event themselves.
    """
    with torch.no_grad():
        embedded = model.embed(batch)
    with torch.enable_grad():
        leaf = point.of(embedded, model.mean_event).detach().requires_grad_(True)
        logit = model.score(leaf, batch)
        (gradient,) = torch.autograd.grad(logit.sum(), leaf)
    gradient = gradient * batch.is_event[:, :, None]
    return logit.detach(), (gradient * embedded).sum(dim=-1), gradient @ model.mean_event
