"""Purchases that ads added, by every estimator, in all and by campaign: rows that stand beside each other.

A model's interval has two parts: other users among the journeys counted (a bootstrap over users), and other users to learn from (models
trained on users drawn anew). Neither covers intent that nobody logged.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy import stats

from attribution_dagster.core.journeys.causal import Estimate, doubly_robust, lost_auctions, naive_difference
from attribution_dagster.core.journeys.counterfactuals import group_by_campaign, remove_each
from attribution_dagster.core.journeys.journeys import INTENT, Journeys
from attribution_dagster.core.journeys.lstm import JourneyModel
from attribution_dagster.core.sequences.vocabulary import FIRST_TOKEN
from attribution_dagster.core.uncertainty import Z_95

_Floats = npt.NDArray[np.float64]
TRUSTS = {
    "naive_difference": "that the exposed would buy as often as the others: ignores intent",
    "naive_model": "the journey model without what is known of intent: ignores it",
    "adjusted_model": "that what the auctions log of intent is all there is, and the model's form",
    "doubly_robust": "that what the auctions log of intent is all there is, and one of two simple models",
    "lost_auctions": "that prices to beat know nothing of users; near the margin, for the bid that winners had",
}
"""Estimator -> what has to hold for it to be right. The order in which they are shown."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """An estimator's answer for one campaign, or for all ads (None)."""

    campaign: str | None
    estimator: str
    estimate: Estimate


def design_estimates(journeys: Journeys, auctions: pa.Table | None, days_ratio: float = 1.0) -> list[Row]:
    """Return the estimates that need no journey model, in all and by campaign.

    auctions: rows of `sql/journeys/ad_auction_outcomes.sql`; None where there are none. days_ratio: days of journeys over days of auctions.
    """
    names, counts = campaign_counts(journeys)
    rows = []
    for campaign in (None, *names):
        of = slice(None) if campaign is None else slice(names.index(campaign), names.index(campaign) + 1)
        exposed = counts[:, of].sum(axis=1) > 0
        others = np.log1p(counts.sum(axis=1) - counts[:, of].sum(axis=1))[:, None]
        rows += _by_design(journeys, exposed, others, campaign)
        if auctions is not None:
            found = _by_auctions(auctions, campaign, days_ratio)
            rows += [Row(campaign=campaign, estimator="lost_auctions", estimate=found)] if found else []
    return rows


def model_estimates(name: str, models: Sequence[JourneyModel], journeys: Journeys, seed: int = 0) -> list[Row]:
    """Return what the first model says ads added, in all and by campaign removed; the others, of other users, widen the interval."""
    names = campaign_counts(journeys)[0]
    parts = [_removals(model, journeys, names) for model in models]
    value, error = parts[0].sum(axis=0), bootstrap_error(parts[0], journeys.user, seed)
    if len(models) > 2:
        spread = np.std([part.sum(axis=0) for part in parts[1:]], axis=0, ddof=1)
        # A few models tell the spread only roughly; Student's quantile allows for it.
        error = np.hypot(error, spread * float(stats.t.ppf(0.975, len(models) - 2)) / Z_95)
    return [
        Row(campaign=campaign, estimator=name, estimate=Estimate(value=float(v), error=float(e)))
        for campaign, v, e in zip((None, *names), value, error, strict=True)
    ]


def campaign_counts(journeys: Journeys) -> tuple[list[str], _Floats]:
    """Return the campaigns by name, and how many events of each are in each journey, (S, C)."""
    sequences = journeys.sequences
    known = list(sequences.dictionaries["campaign_id"])
    order = sorted(range(len(known)), key=lambda place: known[place])
    counts = np.zeros((sequences.n_sessions, len(known)))
    codes = sequences.codes["campaign_id"]
    named = codes >= 0
    np.add.at(counts, (journeys.journey_of_event[named], codes[named]), 1.0)
    return [known[place] for place in order], counts[:, order]


def bootstrap_error(parts: _Floats, user: npt.NDArray[np.int64], seed: int = 0, draws: int = 200) -> _Floats:
    """Return the standard errors of the columns' sums (S, K) over users drawn with replacement, (K,)."""
    sums = np.stack([np.bincount(user, column) for column in parts.T], axis=1)
    n = len(sums)
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=draws) @ sums
    return np.asarray(drawn.std(axis=0, ddof=1))


def _removals(model: JourneyModel, journeys: Journeys, names: Sequence[str]) -> _Floats:
    """Return what all ads, then each campaign, added to each journey, (S, 1 + C)."""
    effects = remove_each(model, model.encode(journeys), group_by_campaign)
    ids = model.vocabulary.lookup("campaign_id", list(names))[: len(names)]
    parts = np.zeros((len(effects.total), 1 + len(names)))
    parts[:, 0] = effects.total
    for place, each in enumerate(ids, start=1):
        chosen = (effects.group == each) & (each >= FIRST_TOKEN)
        parts[:, place] = np.bincount(effects.journey[chosen], effects.effect[chosen], len(parts))
    return parts


def _by_design(journeys: Journeys, exposed: npt.NDArray[np.bool_], others: _Floats, campaign: str | None) -> list[Row]:
    if not exposed.any() or exposed.all():
        return []
    # Of who took part in no auction nothing is known, and nothing can have been shown: they are like nobody who was.
    known = journeys.context[:, INTENT.index("has_relevance")] > 0
    found = [
        Row(
            campaign=campaign,
            estimator="naive_difference",
            estimate=naive_difference(journeys.label, exposed, journeys.user),
        )
    ]
    if known[exposed].all() and (known & ~exposed).any():
        beside = [journeys.context[:, [0, 2]].astype(np.float64)] + ([others] if campaign is not None else [])
        inputs = np.concatenate(beside, axis=1)
        robust = doubly_robust(journeys.label[known], exposed[known], inputs[known], journeys.user[known])
        found.append(Row(campaign=campaign, estimator="doubly_robust", estimate=robust))
    return found


def _by_auctions(auctions: pa.Table, campaign: str | None, days_ratio: float) -> Estimate | None:
    names = np.array(auctions["campaign_id"].to_pylist(), dtype=object)
    of = np.ones(len(names), dtype=np.bool_) if campaign is None else names == campaign
    user = np.unique(np.array(auctions["user_id"].to_pylist(), dtype=object).astype(str), return_inverse=True)[1]
    columns = {name: auctions[name].to_numpy()[of] for name in ("bid_usd", "price_to_win_usd", "purchases")}
    won = auctions["is_won"].to_numpy(zero_copy_only=False).astype(np.bool_)[of]
    try:
        return lost_auctions(
            won,
            columns["bid_usd"],
            columns["price_to_win_usd"],
            columns["purchases"].astype(np.float64),
            user[of],
            days_ratio=days_ratio,
        )
    except ValueError:  # too few auctions near the margin: the estimator has no answer
        return None
