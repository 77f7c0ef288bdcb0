"""Scores of sessions as they come: raw events in, probability and reasons out."""
