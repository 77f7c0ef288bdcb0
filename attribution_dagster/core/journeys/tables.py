"""Rows of the published tables of counterfactuals: by campaign, by impression, and by what kind of impression it was."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from attribution_dagster.core.journeys.causal import Estimate
from attribution_dagster.core.journeys.counterfactuals import (
    Effects,
    group_by_campaign,
    group_by_impression,
    remove_each,
)
from attribution_dagster.core.journeys.estimates import bootstrap_error, campaign_counts
from attribution_dagster.core.journeys.importance import gap_names, position_names
from attribution_dagster.core.journeys.journeys import EXPOSURE, Journeys
from attribution_dagster.core.journeys.lstm import JourneyModel
from attribution_dagster.core.journeys.shapley import Credit, shapley
from attribution_dagster.core.uncertainty import Z_95, clustered_standard_error

ALL_ADS = "(all ads)"
_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Counterfactuals:
    """Rows of `ad_counterfactuals`, `ad_event_counterfactuals` and `ad_responses`; copies scored a second, on average."""

    campaigns: list[dict[str, Any]]
    impressions: list[dict[str, Any]]
    responses: list[dict[str, Any]]
    per_second: float


def counterfactuals(
    models: Sequence[JourneyModel],
    journeys: Journeys,
    spent: Mapping[str, Mapping[str, Any]],
    negative_control: str | None = None,
    seed: int = 0,
) -> Counterfactuals:
    """Return what each campaign and each impression added, by the first model; the others widen the intervals.

    spent: impressions and cost_usd of the window by campaign.
    """
    model, names = models[0], campaign_counts(journeys)[0]
    data = model.encode(journeys)
    by_campaign = {how: remove_each(model, data, group_by_campaign, how) for how in ("dropped", "masked")}
    by_impression = {how: remove_each(model, data, group_by_impression, how) for how in ("dropped", "masked")}
    credits = [shapley(each, each.encode(journeys), seed=seed) for each in models]
    impressions = _impressions(journeys, by_impression)
    removals = (*by_campaign.values(), *by_impression.values())
    speeds = [*(each.per_second for each in removals), credits[0].per_second]
    return Counterfactuals(
        campaigns=_campaigns(models, journeys, names, credits, by_campaign, spent, negative_control),
        impressions=impressions,
        responses=_responses(journeys, impressions),
        per_second=float(np.mean(speeds)),
    )


def _campaigns(
    models: Sequence[JourneyModel],
    journeys: Journeys,
    names: list[str],
    credits: Sequence[Credit],
    removed: Mapping[str, Effects],
    spent: Mapping[str, Mapping[str, Any]],
    negative_control: str | None,
) -> list[dict[str, Any]]:
    parts = [_per_journey(model, credit, names) for model, credit in zip(models, credits, strict=True)]
    value, error = parts[0].sum(axis=0), bootstrap_error(parts[0], journeys.user)
    if len(models) > 2:
        spread = np.std([part.sum(axis=0) for part in parts[1:]], axis=0, ddof=1)
        error = np.hypot(error, spread * float(stats.t.ppf(0.975, len(models) - 2)) / Z_95)
    sampling = _per_journey(models[0], credits[0], names, squared_errors=True).sum(axis=0) ** 0.5
    single = {how: _removed(models[0], effects, names) for how, effects in removed.items()}
    present = (campaign_counts(journeys)[1] > 0).sum(axis=0)
    rows = []
    for place, name in enumerate([ALL_ADS, *names]):
        of = spent.values() if place == 0 else [spent[name]] if name in spent else []
        cost = float(sum(each["cost_usd"] or 0.0 for each in of))
        estimate = Estimate(value=float(value[place]), error=float(error[place]))
        dropped = float(single["dropped"][place])
        # For all ads, what single removals leave unexplained; for a campaign, what it shares with others.
        shared = estimate.value - (float(single["dropped"][1:].sum()) if place == 0 else dropped)
        rows.append(
            {
                "campaign_id": name,
                "is_negative_control": name == negative_control,
                "journeys": int((journeys.sequences.lengths > 0).sum() if place == 0 else present[place - 1]),
                "impressions": int(sum(each["impressions"] for each in of)),
                "cost_usd": cost,
                "purchases_added": estimate.value,
                "standard_error": estimate.error,
                "effect_low": estimate.low,
                "effect_high": estimate.high,
                "sampling_error": float(sampling[place]),
                "removed_dropped": dropped,
                "removed_masked": float(single["masked"][place]),
                "interaction": shared,
                "cost_per_purchase_usd": cost / estimate.value if estimate.value > 0 else None,
            }
        )
    return rows


def _per_journey(model: JourneyModel, credit: Credit, names: list[str], squared_errors: bool = False) -> _Floats:
    """Return each journey's credit, (S, 1 + C): of all ads, then of each campaign; or its squared sampling errors."""
    ids = model.vocabulary.lookup("campaign_id", names)[: len(names)]
    amount = credit.error**2 if squared_errors else credit.credit
    parts = np.zeros((len(credit.total), 1 + len(names)))
    parts[:, 0] = np.bincount(credit.journey, amount, len(parts)) if squared_errors else credit.total
    # Campaigns too rare for the vocabulary share an id: they share its credit in equal parts.
    for each in np.unique(ids):
        places = np.flatnonzero(ids == each)
        chosen = credit.campaign == each
        sums = np.bincount(credit.journey[chosen], amount[chosen], len(parts))
        parts[:, 1 + places] = (sums / len(places))[:, None]
    return parts


def _removed(model: JourneyModel, effects: Effects, names: list[str]) -> _Floats:
    """Return purchases lost without all ads, then without each campaign, (1 + C,)."""
    ids = model.vocabulary.lookup("campaign_id", names)[: len(names)]
    sums = np.bincount(effects.group, effects.effect, max(int(ids.max(initial=0)) + 1, 1))
    shared = np.array([np.sum(ids == each) for each in ids])
    return np.concatenate([[effects.total.sum()], sums[ids] / np.maximum(shared, 1)])


def _impressions(journeys: Journeys, removed: Mapping[str, Effects]) -> list[dict[str, Any]]:
    sequences, effects = journeys.sequences, removed["dropped"]
    exposure, types = sequences.numbers[EXPOSURE].astype(np.int64), sequences.dictionaries["event_type"]
    is_click = sequences.codes["event_type"] == (list(types).index("click") if "click" in types else -2)
    key = journeys.journey_of_event * (int(exposure.max(initial=0)) + 1) + exposure
    clicked = set(key[is_click].tolist())
    place = {int(k): i for i, k in zip(np.flatnonzero(~is_click), key[~is_click], strict=True)}
    order = np.lexsort((effects.group, effects.journey))
    masked = removed["masked"]
    of_masked = masked.effect[np.lexsort((masked.group, masked.journey))]
    ids, users = sequences.session_id.to_pylist(), sequences.user_id.to_pylist()
    campaign, ad_type = (_named(journeys, name) for name in ("campaign_id", "ad_type"))
    rows = []
    for at, other in zip(order, of_masked, strict=True):
        journey, group = int(effects.journey[at]), int(effects.group[at])
        number = journey * (int(exposure.max(initial=0)) + 1) + group
        event = place.get(number)
        if event is None:  # a click whose impression is before the last events that the model reads
            continue
        rows.append(
            {
                "journey_id": ids[journey],
                "user_id": users[journey],
                "exposure": group,
                "campaign_id": campaign[event],
                "ad_type": ad_type[event],
                "hours_before": float(sequences.numbers["hours_before"][event]),
                "is_clicked": number in clicked,
                "probability": float(effects.with_all[journey]),
                "effect_dropped": float(effects.effect[at]),
                "effect_masked": float(other),
            }
        )
    return rows


def _named(journeys: Journeys, name: str) -> npt.NDArray[np.object_]:
    names = np.array([*journeys.sequences.dictionaries[name], None], dtype=object)  # the last stands for code -1
    return names[journeys.sequences.codes[name]]


def _responses(journeys: Journeys, impressions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    if not impressions:
        return []
    effect = np.array([row["effect_dropped"] for row in impressions])
    users = np.array([row["user_id"] for row in impressions], dtype=str)
    grouped = {
        "ad_type": np.array([row["ad_type"] or "(none)" for row in impressions], dtype=object),
        "position": position_names([row["exposure"] for row in impressions]),
        "gap": gap_names([row["hours_before"] for row in impressions]),
        "clicked": np.array(["yes" if row["is_clicked"] else "no" for row in impressions], dtype=object),
    }
    return [
        _response(dimension, value, effect[values == value], users[values == value])
        for dimension, values in grouped.items()
        for value in sorted(set(values))
    ]


def _response(dimension: str, value: str, effect: _Floats, users: npt.NDArray[np.str_]) -> dict[str, Any]:
    mean, error = float(effect.mean()), clustered_standard_error(effect, users)
    known = bool(np.isfinite(error))
    return {
        "dimension": dimension,
        "value": value,
        "impressions": len(effect),
        "mean_effect": mean,
        "standard_error": error if known else None,
        "effect_low": mean - Z_95 * error if known else None,
        "effect_high": mean + Z_95 * error if known else None,
        "purchases_added": float(effect.sum()),
    }
