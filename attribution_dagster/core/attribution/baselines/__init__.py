"""What people used before: simple scores of events that a method of attribution has to beat. One file per family."""

from attribution_dagster.core.attribution.baselines.credit import first_event, last_event, shapley, time_decay
from attribution_dagster.core.attribution.baselines.markov import markov_removal
from attribution_dagster.core.attribution.baselines.regression import (
    logistic_bigrams,
    logistic_counts,
    logistic_positions,
)
from attribution_dagster.core.attribution.baselines.scores import Baseline, Scores
from attribution_dagster.core.attribution.baselines.univariate import univariate_difference

BASELINES: dict[str, Baseline] = {
    "logistic_counts": logistic_counts,
    "logistic_positions": logistic_positions,
    "logistic_bigrams": logistic_bigrams,
    "univariate_difference": univariate_difference,
    "last_event": last_event,
    "first_event": first_event,
    "time_decay": time_decay,
    "markov_removal": markov_removal,
    "shapley": shapley,
}
"""By name. To add one: a file beside this one, a line here."""
IN_LOGITS = frozenset({"logistic_counts", "logistic_positions", "logistic_bigrams"})
"""Baselines whose scores are effects in logits; those of others rank events, and their sizes say nothing."""

__all__ = ["BASELINES", "IN_LOGITS", "Baseline", "Scores"]
