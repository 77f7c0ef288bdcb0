"""What a boosted model on counts loses without an event type: the same question to all types at once."""

from collections.abc import Sequence

import numpy as np

from attribution_dagster.core.attribution.leakage_figures import Bools, Floats, Ints
from attribution_dagster.core.models.metrics import auc

FOLDS = 2
MAX_TYPES = 40
"""Types that a model may be refitted without: those that occur in most sessions. The others have no figure."""
Changes = tuple[float | None, float | None]


def auc_changes(counts: Floats, converted: Bools, user: Ints, suspected: Bools, seed: int = 0) -> Sequence[Changes]:
    """Return for each type by how much the AUC falls without it, and rises with it where no suspected type is seen.

    counts: (S, T); converted, user: (S,); suspected: (T,). The fall is that of the model on all types. Steps of a funnel
    stand in for each other, so that the fall without one of them can be nothing; hence the rise: of the model on the
    types that are not suspected, when this one joins them (for one of these: when it is there). A figure is None for
    types beyond the 40 most frequent.

    Cross-fitted: each session is scored by a model that has not seen its user.
    """
    frequent = sorted(np.argsort(-(counts > 0).sum(axis=0), kind="stable")[:MAX_TYPES].tolist())
    fold = _folds(user, seed)

    def measured(columns: Sequence[int]) -> float:
        return _cross_fitted_auc(counts[:, columns], converted, fold, seed)

    innocent = [c for c in frequent if not suspected[c]]
    everything, without_suspects = measured(frequent), measured(innocent)
    changes: list[Changes] = [(None, None)] * counts.shape[1]
    for column in frequent:
        fall = everything - measured([c for c in frequent if c != column])
        if not suspected.any():
            rise = fall
        elif suspected[column]:
            rise = measured([*innocent, column]) - without_suspects
        else:
            rise = without_suspects - measured([c for c in innocent if c != column])
        changes[column] = fall, rise
    return changes


def _folds(user: Ints, seed: int) -> Ints:
    """Fold of each session, (S,): users are dealt out at random, each with all of their sessions."""
    dealt = np.random.default_rng(seed).permutation(int(user.max()) + 1) % FOLDS
    return dealt[user].astype(np.int64)


def _cross_fitted_auc(features: Floats, converted: Bools, fold: Ints, seed: int) -> float:
    """AUC of scores that each fold got from a model of the others; .5 without features or where a fold lacks a class."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    if features.shape[1] == 0:
        return 0.5
    scores = np.zeros(len(converted))
    for held_out in range(FOLDS):
        inside = fold == held_out
        if len(np.unique(converted[~inside])) < 2:
            return 0.5
        model = HistGradientBoostingClassifier(
            max_iter=20,
            max_leaf_nodes=6,
            learning_rate=0.2,
            min_samples_leaf=10,
            max_bins=32,
            early_stopping=False,
            random_state=seed,
        )
        with threadpool_limits(
            limits=1
        ):  # so small a model gains nothing from threads, and loses much on a busy machine
            model.fit(features[~inside], converted[~inside])
        scores[inside] = model.decision_function(features[inside])
    return auc(scores, converted)
