"""Gradient x input at the projected event, on the logit: a_t = additive_t + sum_d g_td x_td.

Baehrens et al. (2010), Shrikumar et al. (2016). Taken on the logit, whose slope does not die when the model is
sure, and for the same logit in both classes. The centred version replaces x_t by x_t minus the mean training event,
and the additive part by its distance from the mean additive contribution of a training event.
"""

import torch

from attribution_dagster.core.attribution.contributions import Contributions, Explainable, Explainer, evaluating
from attribution_dagster.core.models.input_gradient import InputGradient
from attribution_dagster.core.models.transformer import AttributionModel
from attribution_dagster.core.sequences.batches import Batch


def gradient_x_input(model: Explainable) -> Explainer:
    """Return a function from a batch to its contributions; the model's weights, gradients and mode are left alone.

    A model of this package is differentiated by hand (same values to 1e-6, faster), any other one by autograd.
    """
    by_hand = InputGradient(model) if isinstance(model, AttributionModel) else None

    def explain(batch: Batch) -> Contributions:
        with evaluating(model), torch.no_grad():
            logit, with_event, with_mean = by_hand(batch) if by_hand else autograd_dots(model, batch)
            additive = model.additive(batch)
            centred_additive = (additive - model.mean_additive) * batch.is_event
        return Contributions(
            logit=logit, signed=with_event + additive, centred=with_event - with_mean + centred_additive
        )

    return explain


def autograd_dots(model: Explainable, batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return logits (B,), and the gradient's products with each event and with the mean event, (B, T), 0 at padding."""
    with torch.no_grad():
        embedded = model.embed(batch)
    with torch.enable_grad():
        leaf = embedded.detach().requires_grad_(True)
        logit = model.score(leaf, batch)
        (gradient,) = torch.autograd.grad(logit.sum(), leaf)
    gradient = gradient * batch.is_event[:, :, None]
    return logit.detach(), (gradient * embedded).sum(dim=-1), gradient @ model.mean_event
