"""What moves the journey model, by what an ad event was: attribution of every event, through the registry of methods."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from attribution_dagster.core.attribution.registry import ATTRIBUTORS
from attribution_dagster.core.journeys.journeys import Journeys
from attribution_dagster.core.journeys.lstm import JourneyModel
from attribution_dagster.core.journeys.training import all_batches
from attribution_dagster.core.uncertainty import clustered_standard_error

METHODS = ("gradient_x_input", "occlusion_masked")
GAP_EDGES_HOURS = (12, 24, 48, 96)
GAP_NAMES = ("under 12 h", "12 to 24 h", "24 to 48 h", "48 to 96 h", "96 h and more")
POSITION_NAMES = ("1st", "2nd", "3rd", "4th to 6th", "7th on")
_POSITION_EDGES = (1, 2, 3, 6)
_Floats = npt.NDArray[np.float64]


def event_contributions(model: JourneyModel, journeys: Journeys, method: str, token_budget: int = 4096) -> _Floats:
    """Return what each event adds to its journey's logit, (E,), NaN before the last events that the model reads."""
    explain, data = ATTRIBUTORS[method](model), model.encode(journeys)
    found = np.full(journeys.sequences.n_events, np.nan)
    for rows in all_batches(data.lengths, token_budget):
        batch = data.batch(rows)
        is_event = batch.is_event.numpy()
        places = journeys.sequences.offsets[:-1][rows][:, None] + data.data.first_event[rows][:, None]
        found[(places + np.arange(is_event.shape[1]))[is_event]] = explain(batch).signed.numpy()[is_event]
    return found


def feature_importance(
    model: JourneyModel, journeys: Journeys, methods: Sequence[str] = METHODS
) -> list[dict[str, Any]]:
    """Return rows with feature, value, method, mean_effect in logits, its standard_error over users, and occurrences."""
    user, rows = journeys.user[journeys.journey_of_event], []
    described = features_of(journeys)
    for method in methods:
        effect = event_contributions(model, journeys, method)
        for feature, values in described.items():
            for value in sorted(set(values)):
                chosen = (values == value) & np.isfinite(effect)
                if chosen.any():
                    rows.append(_row(feature, value, method, effect[chosen], user[chosen]))
    return rows


def features_of(journeys: Journeys) -> Mapping[str, npt.NDArray[np.object_]]:
    """Return what is told apart of events, (E,) texts each: type, campaign, ad type, gap to the day, place in the journey."""
    sequences = journeys.sequences
    rank = np.arange(sequences.n_events) - sequences.offsets[:-1][journeys.journey_of_event] + 1
    return {
        **{name: _texts(journeys, name) for name in ("event_type", "campaign_id", "ad_type")},
        "gap": gap_names(sequences.numbers["hours_before"]),
        "position": position_names(rank),
    }


def gap_names(hours: npt.ArrayLike) -> npt.NDArray[np.object_]:
    """Return the bin of each gap between an event and the day it precedes."""
    return np.array(GAP_NAMES, dtype=object)[np.searchsorted(GAP_EDGES_HOURS, np.asarray(hours), side="right")]


def position_names(rank: npt.ArrayLike) -> npt.NDArray[np.object_]:
    """Return the bin of each 1-based position."""
    return np.array(POSITION_NAMES, dtype=object)[np.searchsorted(_POSITION_EDGES, np.asarray(rank))]


def _texts(journeys: Journeys, name: str) -> npt.NDArray[np.object_]:
    names = np.array([*journeys.sequences.dictionaries[name], "(none)"], dtype=object)  # the last stands for code -1
    return names[journeys.sequences.codes[name]]


def _row(feature: str, value: str, method: str, effect: _Floats, user: npt.NDArray[np.int64]) -> dict[str, Any]:
    error = clustered_standard_error(effect, user)
    return {
        "feature": feature,
        "value": value,
        "method": method,
        "mean_effect": float(effect.mean()),
        "standard_error": error if np.isfinite(error) else None,
        "occurrences": len(effect),
    }
