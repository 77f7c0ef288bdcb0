"""Whom to target: what a policy earns and costs, and the experiment that would confirm it."""
