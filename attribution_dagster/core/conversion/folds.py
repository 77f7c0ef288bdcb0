"""Folds dealt by chance, and models that are chosen and calibrated on what other folds say of each session."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from attribution_dagster.core.conversion.estimators import ESTIMATORS
from attribution_dagster.core.conversion.fitting import FittedModel, ModelSet, candidates
from attribution_dagster.core.conversion.sample import Sample
from attribution_dagster.core.models.calibration import fit_platt
from attribution_dagster.core.models.metrics import log_loss

FOLDS = 5


def chance_folds(
    label: npt.NDArray[np.int64], user: npt.NDArray[np.object_], seed: int = 0
) -> Iterator[npt.NDArray[np.bool_]]:
    """Yield (N,) masks of five folds with nearly equal shares of both classes; all sessions of a user are in one."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    some = np.zeros((len(label), 1))
    if len(np.unique(user.astype(str))) == len(user):
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(some, label)
    else:
        folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed).split(some, label, user.astype(str))
    for _, held_out in folds:
        mask = np.zeros(len(label), dtype=bool)
        mask[held_out] = True
        yield mask


def fit_cross_calibrated(
    sample: Sample, *, trials: int, trees: int | None = None, threads: int = 1, seed: int = 0
) -> ModelSet:
    """Return all models of the registry on all sessions; parameters and calibration are those that fit the other folds' log-odds best.

    For sessions without times, where no later slice can be set aside. `trees` replaces the candidates' number of trees.
    Raises ValueError where a fold lacks a class.
    """
    folds = list(chance_folds(sample.label, sample.user, seed))
    models = {}
    for name, kind in ESTIMATORS.items():
        found = []
        for parameters, machine in candidates(name, trials=trials, trees=trees, threads=threads):
            raw = np.zeros(len(sample))
            for held_out in folds:
                model = kind(**parameters, **machine, seed=seed)
                model.fit(sample.features[~held_out], sample.label[~held_out])
                raw[held_out] = model.log_odds(sample.features[held_out])
            calibration = fit_platt(raw, sample.label)
            loss = log_loss(calibration.slope * raw + calibration.intercept, sample.label)
            found.append((loss, parameters, machine, calibration))
        loss, parameters, machine, calibration = min(found, key=lambda each: each[0])
        estimator = kind(**parameters, **machine, seed=seed).fit(sample.features, sample.label)
        models[name] = FittedModel(
            name=name, estimator=estimator, calibration=calibration, parameters=parameters, loss=loss
        )
    return ModelSet(names=sample.names, models=models)
