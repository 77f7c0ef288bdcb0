"""How well conversion is predicted from a table of sessions: by chance folds, in time, with and without what may know the outcome."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from attribution_dagster.core.conversion.estimators import ESTIMATORS
from attribution_dagster.core.conversion.estimators.estimator import Floats
from attribution_dagster.core.conversion.evaluation import decile_rows, metric_rows
from attribution_dagster.core.conversion.fitting import ModelSet, candidates
from attribution_dagster.core.conversion.folds import fit_cross_calibrated
from attribution_dagster.core.conversion.reasons import summarise
from attribution_dagster.core.conversion.session_table import SessionTable

FULL, WITHOUT = "full", "without_suspected"
CROSS_VALIDATED, IN_TIME = "cross_validated", "all"
Rows = list[dict[str, Any]]


def measure_session_table(
    models: ModelSet, sessions: SessionTable, suspected: Sequence[str], *, explained: int, trees: int | None = None
) -> tuple[Rows, Rows, Rows]:
    """Return the rows of metrics, of deciles and of the SHAP summary, as mappings of columns.

    models: of the earlier sessions, which predict the later ones (segment `all`); chance folds over all sessions (`cross_validated`) use
    each estimator's first candidate, so that nothing was chosen by their figures. explained: about how many sessions SHAP values are of.
    """
    best, (earlier, later) = models.best, sessions.samples()
    probabilities = {name: model.probability(later.features) for name, model in models.models.items()}
    beside = probabilities | {"base_rate": np.full(len(later), earlier.label.mean())}
    metrics = _rows(FULL, IN_TIME, beside, sessions, best.name) + _cross_validated(FULL, sessions, best.name, trees)
    if suspected:
        fewer = sessions.without(suspected)
        known, predicted = fewer.samples()
        blind = fit_cross_calibrated(known, trials=1, trees=trees)
        said = {name: model.probability(predicted.features) for name, model in blind.models.items()}
        metrics += _rows(WITHOUT, IN_TIME, said, fewer, best.name) + _cross_validated(WITHOUT, fewer, best.name, trees)
    looked_at = later.features[:: max(1, len(later) // explained)]
    effects = summarise(later.names, looked_at, best.contributions(looked_at))
    return (
        metrics,
        [{"feature_set": FULL, **asdict(row)} for row in decile_rows(probabilities, later.label)],
        [{"feature_set": FULL, "model": best.name, **asdict(effect)} for effect in effects],
    )


def _cross_validated(feature_set: str, sessions: SessionTable, best: str, trees: int | None) -> Rows:
    scores = {}
    for name in ESTIMATORS:
        parameters, _ = next(candidates(name, trials=1, trees=trees))
        scores[name] = sessions.cross_validated(name, **parameters)
    return _rows(feature_set, CROSS_VALIDATED, scores, sessions, best)


def _rows(feature_set: str, segment: str, scores: Mapping[str, Floats], sessions: SessionTable, best: str) -> Rows:
    """Metrics of the scores, which are of all sessions or of the later ones."""
    of = sessions.later if segment == IN_TIME else np.ones(len(sessions.label), dtype=bool)
    found = metric_rows(scores, sessions.label[of], sessions.user[of], reference=best, segment=segment)
    return [
        {"feature_set": feature_set, **asdict(row), "is_chosen": feature_set == FULL and row.model == best}
        for row in found
    ]
