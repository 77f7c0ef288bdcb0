"""Groups of sessions for which metrics are given apart, and how far the sessions predicted differ from those learnt from."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from attribution_dagster.core.conversion.estimators import XGBoost
from attribution_dagster.core.conversion.sample import Sample
from attribution_dagster.core.models.metrics import auc

CATEGORIES = 5
"""The categories that most sessions are about get metrics of their own."""
_FOLDS = 2


def segments(sample: Sample) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """Yield name and mask, (N,): new and returning users, their devices, main categories."""
    is_new = sample.column("user_visits_before") == 0
    knows_device = sample.column("device_events_before") > 0
    yield "user: new", is_new
    yield "user: returning", ~is_new
    yield "device: used before", sample.has_device & knows_device
    yield "device: not used before", sample.has_device & ~knows_device
    yield "device: not stated", ~sample.has_device
    counted = Counter(name for name in sample.category.tolist() if name is not None)
    for name, _ in sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:CATEGORIES]:
        yield f"category: {name}", sample.category == name


def adversarial_auc(learnt_from: Sample, predicted: Sample, *, seed: int = 0) -> tuple[float, str | None]:
    """Return how well a model tells the two apart (.5: not at all), and the feature that it leans on most.

    Cross-fitted: each session is scored by a model that has not seen its user. None where it leans on none.
    """
    features = np.concatenate([learnt_from.features, predicted.features])
    is_predicted = np.repeat([0, 1], [len(learnt_from), len(predicted)])
    _, user = np.unique(np.concatenate([learnt_from.user, predicted.user]).astype(str), return_inverse=True)
    fold = (np.random.default_rng(seed).permutation(int(user.max()) + 1) % _FOLDS)[user]
    scores, weight = np.zeros(len(user)), np.zeros(features.shape[1])
    for held_out in range(_FOLDS):
        inside = fold != held_out
        if len(np.unique(is_predicted[inside])) < 2:
            return 0.5, None
        model = XGBoost(trees=30, depth=3, learning_rate=0.2, seed=seed).fit(features[inside], is_predicted[inside])
        scores[~inside] = model.log_odds(features[~inside])
        weight += np.abs(model.contributions(features[~inside])[:, :-1]).mean(axis=0)
    leans_on = learnt_from.names[int(weight.argmax())] if weight.any() else None
    return auc(scores, is_predicted), leans_on
