"""Why a model says what it says: the parts of its log-odds, over all sessions and for one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from attribution_dagster.core.conversion.estimators.estimator import Floats

REASONS = 3
"""Reasons that a session gets in the table."""


@dataclass(frozen=True, kw_only=True)
class FeatureEffect:
    """How much a feature moves predictions: mean size, and whether high values raise them (rank correlation above 0)."""

    feature: str
    importance_rank: int
    mean_abs_effect: float
    mean_effect: float
    direction: float | None
    missing_share: float


def summarise(names: Sequence[str], features: Floats, contributions: Floats) -> list[FeatureEffect]:
    """Return a row per feature, that with the largest mean absolute effect (log-odds) first.

    features: (N, K); contributions: (N, K + 1), the constant last.
    """
    from scipy.stats import spearmanr

    sizes = np.abs(contributions[:, :-1]).mean(axis=0)
    rows = []
    for rank, column in enumerate(np.argsort(-sizes, kind="stable").tolist(), start=1):
        value, effect = features[:, column], contributions[:, column]
        known = ~np.isnan(value)
        varies = known.sum() > 2 and np.ptp(value[known]) > 0 and np.ptp(effect[known]) > 0
        rows.append(
            FeatureEffect(
                feature=names[column],
                importance_rank=rank,
                mean_abs_effect=float(sizes[column]),
                mean_effect=float(effect.mean()),
                direction=float(spearmanr(value[known], effect[known]).statistic) if varies else None,
                missing_share=float((~known).mean()),
            )
        )
    return rows


def reason(name: str, value: float, effect: float) -> str:
    """Return one reason as a person reads it: `n_carts = 2 (+0.83)`, the effect in log-odds."""
    said = "missing" if np.isnan(value) else f"{value:.4g}"
    return f"{name} = {said} ({effect:+.2f})"


def top_reasons(names: Sequence[str], features: Floats, contributions: Floats, count: int = REASONS) -> list[list[str]]:
    """Return for each session what raises its log-odds most, at most `count` reasons; none that lowers it."""
    effects = contributions[:, :-1]
    order = np.argsort(-effects, axis=1, kind="stable")[:, :count]
    return [
        [reason(names[k], features[row, k], effects[row, k]) for k in columns.tolist() if effects[row, k] > 0]
        for row, columns in enumerate(order)
    ]
