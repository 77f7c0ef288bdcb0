"""Datasets: what an event stream means. One YAML profile each, with its staging SQL beside the other SQL."""
