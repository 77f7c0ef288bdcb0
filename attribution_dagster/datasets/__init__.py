"""Datasets: what an event stream means. One YAML profile each, with its staging SQL beside the other SQL."""

from attribution_dagster.datasets.profile import Profile
from attribution_dagster.datasets.registry import known_datasets, load_profile

__all__ = ["Profile", "known_datasets", "load_profile"]
