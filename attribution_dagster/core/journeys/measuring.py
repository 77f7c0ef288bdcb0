"""How well journey models predict a window, beside predictors that anybody can have; and the states they end in."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from attribution_dagster.core.journeys.estimates import campaign_counts
from attribution_dagster.core.journeys.journeys import Journeys
from attribution_dagster.core.journeys.lstm import JourneyModel
from attribution_dagster.core.journeys.training import all_batches, predict
from attribution_dagster.core.models.metrics import evaluate

_Floats = npt.NDArray[np.float64]


def measured(models: Mapping[str, JourneyModel], train: Journeys, explained: Journeys) -> list[dict[str, Any]]:
    """Return a row of metrics for each model, logistic regression on counts, the last campaign touched, and the prior."""
    scores = {name: predict(model, explained) for name, model in models.items()} | _simple(train, explained)
    rows = []
    for name, probability in scores.items():
        clipped = np.clip(probability, 1e-9, 1 - 1e-9)
        found = asdict(evaluate(np.log(clipped / (1 - clipped)), explained.label, probability))
        kept = ("auc", "average_precision", "log_loss", "brier", "ece")
        counts = {"n_journeys": found["n_sessions"], "n_bought": found["n_converted"]}
        total = float(probability.sum())
        rows.append({"model": name, **counts, **{k: found[k] for k in kept}, "predicted_purchases": total})
    return rows


def embeddings(model: JourneyModel, journeys: Journeys) -> list[dict[str, Any]]:
    """Return a row with the last state of each journey that has ads, as a JSON list, and its probability."""
    data, probability = model.encode(journeys), predict(model, journeys)
    state = np.zeros((len(data.lengths), model.spec.d_hidden), dtype=np.float32)
    with torch.inference_mode():
        for rows in all_batches(data.lengths, 16_384):
            batch = data.batch(rows)
            state[rows] = model.pooled(*model.states(model.embed(batch), batch.is_event)).numpy()
    ids, users = journeys.sequences.session_id.to_pylist(), journeys.sequences.user_id.to_pylist()
    return [
        {
            "journey_id": ids[row],
            "user_id": users[row],
            "label": int(journeys.label[row]),
            "probability": float(probability[row]),
            "embedding": json.dumps([round(float(x), 5) for x in state[row]]),
        }
        for row in np.flatnonzero(data.lengths)
    ]


def trajectory(model: JourneyModel, journeys: Journeys) -> _Floats:
    """Return the probability after each event of one journey, (T + 1,), before the first of them at the start."""
    (length,) = model.encode(journeys).lengths
    batch = model.encode(journeys).batch(np.zeros(length + 1, dtype=np.int64))
    seen = torch.arange(batch.is_event.shape[1]) < torch.arange(length + 1)[:, None]
    with torch.inference_mode():
        return model.probability(model(replace(batch, is_event=batch.is_event & seen)))


def _simple(train: Journeys, explained: Journeys) -> dict[str, _Floats]:
    from sklearn.linear_model import LogisticRegression

    rate = float(train.label.mean())
    names = campaign_counts(train)[0]
    inputs = [_counts(part, names) for part in (train, explained)]
    fitted = LogisticRegression(max_iter=500).fit(inputs[0], train.label)
    return {
        "logistic_counts": np.asarray(fitted.predict_proba(inputs[1])[:, 1]),
        "last_touch": _rate_of_last(train, explained, rate),
        "prior": np.full(len(explained.label), rate),
    }


def _counts(journeys: Journeys, names: list[str]) -> _Floats:
    """Return counts of each campaign's events, of names known in training, and the context, (S, C + 3)."""
    known, counts = campaign_counts(journeys)
    columns = [counts[:, known.index(name)] if name in known else np.zeros(len(counts)) for name in names]
    return np.stack([*columns, *journeys.context.T.astype(np.float64)], axis=1)


def _rate_of_last(train: Journeys, explained: Journeys, rate: float) -> _Floats:
    """Return the training purchase rate of journeys that ended with the same campaign, or without any."""
    keys, labels = _last_campaign(train), train.label
    rates = {key: float(labels[keys == key].mean()) for key in set(keys)}
    return np.array([rates.get(key, rate) for key in _last_campaign(explained)])


def _last_campaign(journeys: Journeys) -> npt.NDArray[np.object_]:
    sequences = journeys.sequences
    names = np.array([*sequences.dictionaries["campaign_id"], ""], dtype=object)
    last = np.full(sequences.n_sessions, "", dtype=object)
    has = sequences.lengths > 0
    last[has] = names[sequences.codes["campaign_id"][sequences.offsets[1:][has] - 1]]
    return last
