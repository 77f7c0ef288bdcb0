"""Tells people of failed checks and failed runs, each once: what is read of Dagster's history, where each target stands in it, what is said."""
