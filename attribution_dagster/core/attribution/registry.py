"""The attribution methods by name. To add one: a file beside this one, a line here."""

from attribution_dagster.core.attribution.contributions import Attributor
from attribution_dagster.core.attribution.gradient_x_input import gradient_x_input

ATTRIBUTORS: dict[str, Attributor] = {
    "gradient_x_input": gradient_x_input,
}
