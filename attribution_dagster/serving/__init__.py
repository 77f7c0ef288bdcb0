"""Scoring over HTTP: the champion as an MLflow model, and MLflow's own server over it."""
