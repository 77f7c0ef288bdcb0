"""The models of one feature set on sessions that none was trained on: metrics, deciles, and what moves predictions."""

from dataclasses import asdict
from typing import Any

import numpy as np

from attribution_dagster.core.conversion.estimators import LogisticRegression
from attribution_dagster.core.conversion.estimators.estimator import Floats
from attribution_dagster.core.conversion.evaluation import decile_rows, metric_rows
from attribution_dagster.core.conversion.fitting import ModelSet
from attribution_dagster.core.conversion.reasons import summarise
from attribution_dagster.core.conversion.sample import Sample
from attribution_dagster.core.conversion.segments import adversarial_auc, segments

_COMPARED_SESSIONS = 20_000
"""Of either side, for the model that tells sessions learnt from and sessions predicted apart."""
Rows = list[dict[str, Any]]


def measure(models: ModelSet, sample: Sample, learnt_from: Sample, *, explained: int) -> tuple[Rows, Rows, Rows]:
    """Return the rows of metrics, of deciles and of the SHAP summary, as mappings of columns.

    sample: the sessions predicted; learnt_from: those that the models were fitted on, for baselines and comparison;
    explained: about how many sessions the SHAP values are computed of.
    """
    best = models.best
    probabilities = {name: model.probability(sample.features) for name, model in models.models.items()}
    beside = probabilities | _baselines(sample, learnt_from)
    metrics = metric_rows(beside, sample.label, sample.user, reference=best.name)
    for name, chosen in segments(sample):
        part = {model: values[chosen] for model, values in probabilities.items()}
        if chosen.any():
            metrics += metric_rows(part, sample.label[chosen], sample.user[chosen], reference=best.name, segment=name)
    rows = [asdict(row) | {"is_chosen": row.model == best.name} for row in metrics]
    looked_at = sample.features[:: max(1, len(sample) // explained)]
    effects = summarise(sample.names, looked_at, best.contributions(looked_at))
    return (
        rows + _adversarial(sample, learnt_from),
        [asdict(row) for row in decile_rows(probabilities, sample.label)],
        [{"model": best.name, **asdict(effect)} for effect in effects],
    )


def _baselines(sample: Sample, learnt_from: Sample) -> dict[str, Floats]:
    """What knows nothing, and what knows only how long a session is."""
    length = LogisticRegression().fit(_length(learnt_from), learnt_from.label)
    return {
        "length": length.predict_proba(_length(sample)),
        "base_rate": np.full(len(sample), learnt_from.label.mean()),
    }


def _length(sample: Sample) -> Floats:
    return sample.column("n_events")[:, None]


def _adversarial(sample: Sample, learnt_from: Sample) -> Rows:
    value, leans_on = adversarial_auc(learnt_from.limited(_COMPARED_SESSIONS), sample.limited(_COMPARED_SESSIONS))
    return [
        {
            "model": "adversarial",
            "segment": f"all, by {leans_on}" if leans_on else "all",
            "metric": "auc",
            "n_sessions": len(sample),
            "n_converted": int(sample.label.sum()),
            "prevalence": float(sample.label.mean()),
            "value": value,
            "is_chosen": False,
        }
    ]
