"""Event streams with known truth: a simulated marketplace, and files in the format of public data sets."""

from attribution_dagster.core.simulation.marketplace import SimulationSummary, simulate_marketplace
from attribution_dagster.core.simulation.retailrocket import generate_retailrocket
from attribution_dagster.core.simulation.world import MarketplaceWorld

__all__ = ["MarketplaceWorld", "SimulationSummary", "generate_retailrocket", "simulate_marketplace"]
