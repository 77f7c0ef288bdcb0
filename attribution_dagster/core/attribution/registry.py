"""The attribution methods by name. To add one: a file beside this one, a line here."""

from attribution_dagster.core.attribution.attention import attention_mean, attention_rollout
from attribution_dagster.core.attribution.contributions import Attributor
from attribution_dagster.core.attribution.gradient_x_input import gradient_x_input
from attribution_dagster.core.attribution.integrated_gradients import (
    integrated_gradients,
    integrated_gradients_padding,
)
from attribution_dagster.core.attribution.occlusion import occlusion_dropped, occlusion_masked
from attribution_dagster.core.attribution.random import random

ATTRIBUTORS: dict[str, Attributor] = {
    "gradient_x_input": gradient_x_input,
    "integrated_gradients": integrated_gradients,
    "integrated_gradients_padding": integrated_gradients_padding,
    "occlusion_masked": occlusion_masked,
    "occlusion_dropped": occlusion_dropped,
    "attention_mean": attention_mean,
    "attention_rollout": attention_rollout,
    "random": random,
}
WITHOUT_UNIT = frozenset({"attention_mean", "attention_rollout", "random"})
"""Methods whose values aren't logits: they rank events, and their sums and sizes say nothing."""
