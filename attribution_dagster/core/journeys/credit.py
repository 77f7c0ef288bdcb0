"""Rules that people hand out credit by, per campaign, beside the increment: they divide the purchases that came after ads."""

from dataclasses import replace

import numpy as np

from attribution_dagster.core.attribution.baselines import BASELINES, Baseline
from attribution_dagster.core.attribution.baselines.credit import time_decay_of
from attribution_dagster.core.journeys.journeys import Journeys
from attribution_dagster.core.sequences.sequence_set import SequenceSet

_HALF_LIFE_S = 2 * 86_400.0
CREDIT_RULES: dict[str, Baseline] = {
    "last_touch": BASELINES["last_event"],
    "time_decay": time_decay_of(_HALF_LIFE_S),
    "markov_removal": BASELINES["markov_removal"],
    "shapley_of_paths": BASELINES["shapley"],
}
"""By name. Each counts journeys without a purchase too, where its rule knows them: Markov's chain has them as null paths."""


def credited_purchases(journeys: Journeys) -> dict[tuple[str, str], float]:
    """Return purchases credited by rule and campaign; journeys without ads get none."""
    by_campaign = _campaign_as_type(journeys.sequences)
    if not (by_campaign.label[by_campaign.lengths > 0] > 0).any():
        return {}
    codes, names = by_campaign.codes["event_type"], by_campaign.dictionaries["event_type"]
    found: dict[tuple[str, str], float] = {}
    for rule, baseline in CREDIT_RULES.items():
        sums = np.bincount(codes, baseline(by_campaign, by_campaign).by_occurrence, len(names))
        found |= {(rule, name): float(total) for name, total in zip(names, sums, strict=True)}
    return found


def _campaign_as_type(sequences: SequenceSet) -> SequenceSet:
    """Return the journeys that have ads, with campaigns in the place of event types."""
    seen = sequences.select(np.flatnonzero(sequences.lengths > 0))
    names = [*seen.dictionaries["campaign_id"], "(none)"]
    codes = np.where(seen.codes["campaign_id"] >= 0, seen.codes["campaign_id"], len(names) - 1).astype(np.int32)
    return replace(
        seen, codes={**seen.codes, "event_type": codes}, dictionaries={**seen.dictionaries, "event_type": names}
    )
