"""Shapley credit of campaigns: the parts add up to what all ads together added to the journey (Shapley 1953).

The game of a journey: v(S) = P(purchase) with the ads of the campaigns S only. A campaign that is not in the journey gets nothing, so only those
that are play. Up to twelve are counted out exactly, over all 2^k coalitions; more are sampled, over random orders and their reverses,
with a standard error.
"""

import math
import time
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch

from attribution_dagster.core.journeys.counterfactuals import (
    REMOVALS,
    TOKEN_BUDGET,
    batches_of,
    group_by_campaign,
    score,
)
from attribution_dagster.core.journeys.journeys import CATEGORIES, EncodedJourneys, JourneyBatch
from attribution_dagster.core.journeys.lstm import JourneyModel

EXACT_UP_TO = 12
ORDERS = 32
_CAMPAIGN = CATEGORIES.index("campaign_id")
_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Credit:
    """G credits: journey (G,), campaign id (G,), credit (G,) in probability, its standard error (G,), 0 where exact.

    total: (S,) what all ads added to each journey; the journey's credits sum to it.
    """

    journey: _Ints
    campaign: _Ints
    credit: _Floats
    error: _Floats
    total: _Floats
    per_second: float


def shapley(
    model: JourneyModel,
    data: EncodedJourneys,
    removal: str = "dropped",
    *,
    exact_up_to: int = EXACT_UP_TO,
    orders: int = ORDERS,
    seed: int = 0,
    token_budget: int = TOKEN_BUDGET,
) -> Credit:
    """Return each campaign's credit in each journey. orders: random orders where there are more campaigns than `exact_up_to`."""
    players = _players(data)
    counts = np.array([len(each) for each in players])
    total, began, copies = np.zeros(len(counts)), time.perf_counter(), 0
    found: list[tuple[_Ints, _Ints, _Floats, _Floats]] = []
    for count in np.unique(counts[counts > 0]):
        exact = count <= exact_up_to
        coalitions = _all_coalitions(count) if exact else _prefixes(count, orders, seed)
        of_size = np.flatnonzero(counts == count)
        longest = int(data.lengths[of_size].max())
        for rows in batches_of(of_size, longest * len(coalitions), token_budget):
            playing = np.stack([players[row] for row in rows])
            values = _values(model, data.batch(rows), playing, coalitions, removal)
            credit, error = _exact(values, count) if exact else _sampled(values, coalitions, count)
            total[rows] = values[:, -1] - values[:, 0] if exact else credit.sum(axis=1)
            found.append((np.repeat(rows, count), playing.ravel(), credit.ravel(), error.ravel()))
            copies += values.size
    seconds = max(time.perf_counter() - began, 1e-9)
    empty = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
    journey, campaign, credit, error = (np.concatenate(part) for part in zip(*(found or [empty]), strict=True))
    return Credit(
        journey=journey, campaign=campaign, credit=credit, error=error, total=total, per_second=copies / seconds
    )


def _players(data: EncodedJourneys) -> list[_Ints]:
    """Return the ids of the campaigns in each journey."""
    codes, offsets = data.data.codes[:, _CAMPAIGN].astype(np.int64), data.data.offsets
    return [np.unique(codes[start:end]) for start, end in pairwise(offsets)]


def _values(
    model: JourneyModel, batch: JourneyBatch, players: _Ints, coalitions: npt.NDArray[np.bool_], removal: str
) -> _Floats:
    """Return v (B, N) of the coalitions (N, k) among the players (B, k), all copies in one forward pass."""
    n = len(coalitions)
    chosen = batch.take(torch.arange(len(players)).repeat_interleave(n))
    of_event = group_by_campaign(chosen)
    plays = torch.from_numpy(np.tile(coalitions, (len(players), 1)))
    is_player = of_event[:, :, None] == torch.from_numpy(players).repeat_interleave(n, dim=0)[:, None, :]
    stays = (is_player & plays[:, None, :]).any(dim=2)
    return score(model, REMOVALS[removal](model, chosen, chosen.is_event & ~stays)).reshape(len(players), n)


def _all_coalitions(count: int) -> npt.NDArray[np.bool_]:
    """Return all subsets of `count` players, (2^count, count); the empty one first, the whole one last."""
    return (np.arange(2**count)[:, None] >> np.arange(count) & 1).astype(np.bool_)


def _exact(values: _Floats, count: int) -> tuple[_Floats, _Floats]:
    coalitions = _all_coalitions(count)
    size = coalitions.sum(axis=1)
    joined = np.array([math.factorial(s) * math.factorial(count - s - 1) for s in range(count)]) / math.factorial(count)
    credit = np.zeros((len(values), count))
    for player in range(count):
        without = np.flatnonzero(~coalitions[:, player])
        gained = values[:, without | (1 << player)] - values[:, without]
        credit[:, player] = gained @ joined[size[without]]
    return credit, np.zeros_like(credit)


def _prefixes(count: int, orders: int, seed: int) -> npt.NDArray[np.bool_]:
    """Return the coalitions that form as players join in random orders and their reverses, (2 orders (count + 1), count)."""
    rng = np.random.default_rng([seed, count])
    drawn = [rng.permutation(count) for _ in range(orders)]
    both = np.array([order for each in drawn for order in (each, each[::-1])])
    place = np.argsort(both, axis=1)
    joined = place[:, None, :] < np.arange(count + 1)[None, :, None]
    return joined.reshape(-1, count)


def _sampled(values: _Floats, coalitions: npt.NDArray[np.bool_], count: int) -> tuple[_Floats, _Floats]:
    """Return mean gains over the orders, and their standard errors; an order and its reverse are one draw."""
    steps = values.reshape(len(values), -1, count + 1)
    joins = coalitions.reshape(-1, count + 1, count)
    gains = np.diff(steps, axis=2)
    joining = np.argmax(np.diff(joins.astype(np.int8), axis=1), axis=2)
    of_player = np.zeros((len(values), len(joining), count))
    np.put_along_axis(of_player, np.broadcast_to(joining, gains.shape), gains, axis=2)
    pairs = of_player.reshape(len(values), -1, 2, count).mean(axis=2)
    return pairs.mean(axis=1), pairs.std(axis=1, ddof=1) / np.sqrt(pairs.shape[1])
