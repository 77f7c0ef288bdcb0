"""Journeys without some of their ads: what goes together, what is left, and credit that adds up."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from attribution_dagster.core.journeys.counterfactuals import (
    REMOVALS,
    group_by_campaign,
    group_by_impression,
    remove_each,
    score,
)
from attribution_dagster.core.journeys.credit import credited_purchases
from attribution_dagster.core.journeys.journeys import EXPOSURE, Journeys
from attribution_dagster.core.journeys.lstm import JourneyModel
from attribution_dagster.core.journeys.shapley import shapley
from attribution_dagster.core.journeys.tables import ALL_ADS, counterfactuals
from attribution_dagster.core.journeys.training import predict

_BOTH = pytest.mark.parametrize("removal", sorted(REMOVALS))


@_BOTH
@pytest.mark.parametrize("groups", [group_by_campaign, group_by_impression])
def test_one_pass_over_all_copies_says_what_one_journey_at_a_time_does(
    removal: str, groups, model: JourneyModel, some: Journeys
) -> None:  # type: ignore[no-untyped-def]
    data = model.encode(some)
    found = remove_each(model, data, groups, removal, token_budget=300)
    assert np.allclose(found.with_all, predict(model, some), atol=1e-6)
    for journey, group, effect in zip(found.journey, found.group, found.effect, strict=True):
        batch = data.batch(np.array([journey]))
        without = REMOVALS[removal](model, batch, groups(batch) == group)
        assert effect == pytest.approx(score(model, batch)[0] - score(model, without)[0], abs=1e-6)
    assert sorted(found.journey.tolist()) == sorted(
        np.repeat(
            np.arange(len(some.label)),
            [len(set(groups(data.batch(np.array([n])))[0].tolist()) - {0}) for n in range(len(some.label))],
        ).tolist()
    )


@_BOTH
def test_all_ads_gone_leave_the_base_rate_and_a_journey_without_ads_gains_nothing(
    removal: str, model: JourneyModel, some: Journeys
) -> None:
    data = model.encode(some)
    found = remove_each(model, data, group_by_campaign, removal)
    batch = data.batch(np.arange(len(some.label)))
    with torch.no_grad():
        assert np.allclose(found.without_any, model.probability(model.without_ads(batch)), atol=1e-6)
    assert not found.total[data.lengths == 0].any() and found.per_second > 0
    single = np.bincount(found.journey, minlength=len(some.label)) == 1
    alone = single[found.journey]
    assert np.allclose(found.effect[alone], found.total[found.journey[alone]], atol=1e-6)


def test_an_impression_takes_its_click_along_and_dropping_renumbers_what_is_left(
    model: JourneyModel, some: Journeys
) -> None:
    sequences = some.sequences
    clicks = sequences.codes["event_type"] == sequences.dictionaries["event_type"].index("click")
    journey = int(some.journey_of_event[np.flatnonzero(clicks)[0]])
    batch = model.encode(some.select([journey])).batch(np.array([0]))
    clicked = int(sequences.numbers[EXPOSURE][np.flatnonzero(clicks)[0]])
    removed = group_by_impression(batch) == clicked
    assert int(removed.sum()) == 2
    left = REMOVALS["dropped"](model, batch, removed)
    kept = int(left.is_event.sum())
    ranks = model.scaling.invert("event_rank", left.numbers[0, :kept, 0].numpy())
    assert kept == int(batch.is_event.sum()) - 2 and np.allclose(ranks, np.arange(1, kept + 1), atol=1e-3)
    masked = REMOVALS["masked"](model, batch, removed)
    assert torch.equal(masked.numbers, batch.numbers) and int(masked.is_event.sum()) == kept


@_BOTH
def test_shapley_by_all_orders_of_joining_and_adds_up(removal: str, model: JourneyModel, some: Journeys) -> None:
    data = model.encode(some)
    found = shapley(model, data, removal, token_budget=500)
    total = remove_each(model, data, group_by_campaign, removal).total
    assert np.allclose(np.bincount(found.journey, found.credit, len(total)), total, atol=1e-6)
    assert np.allclose(found.total, total, atol=1e-6) and not found.error.any()
    journey = int(np.argmax(np.bincount(found.journey)))
    mine = found.journey == journey
    batch, campaigns = data.batch(np.array([journey])), found.campaign[mine].tolist()
    value = {}
    for size in range(len(campaigns) + 1):
        for chosen in itertools.combinations(campaigns, size):
            stays = torch.isin(group_by_campaign(batch), torch.tensor(chosen, dtype=torch.long))
            value[frozenset(chosen)] = score(model, REMOVALS[removal](model, batch, batch.is_event & ~stays))[0]
    for campaign, credit in zip(campaigns, found.credit[mine], strict=True):
        gains = [
            value[frozenset(order[: order.index(campaign) + 1])] - value[frozenset(order[: order.index(campaign)])]
            for order in itertools.permutations(campaigns)
        ]
        assert credit == pytest.approx(sum(gains) / math.factorial(len(campaigns)), abs=1e-6)


def test_sampled_credit_adds_up_too_and_is_as_near_as_its_error_says(model: JourneyModel, some: Journeys) -> None:
    data = model.encode(some)
    exact, sampled = shapley(model, data), shapley(model, data, exact_up_to=1, orders=24, seed=3)
    order, other = (np.lexsort((c.campaign, c.journey)) for c in (exact, sampled))
    distance, error = sampled.credit[other] - exact.credit[order], sampled.error[other]
    assert np.allclose(np.bincount(sampled.journey, sampled.credit, len(exact.total)), exact.total, atol=1e-6)
    assert (np.abs(distance) <= 4 * error + 1e-7).mean() > 0.95 and error.max() > 0


def test_tables_add_up_are_signed_and_share_what_removal_leaves(model: JourneyModel, some: Journeys) -> None:
    spent = {"brand_film": {"campaign_id": "brand_film", "impressions": 10, "cost_usd": 5.0}}
    found = counterfactuals([model, model, model, model], some, spent, negative_control="house_ad")
    total, *campaigns = found.campaigns
    assert total["campaign_id"] == ALL_ADS and sum(r["purchases_added"] for r in campaigns) == pytest.approx(
        total["purchases_added"], abs=1e-6
    )
    assert total["interaction"] == pytest.approx(
        total["purchases_added"] - sum(r["removed_dropped"] for r in campaigns)
    )
    assert [r["campaign_id"] for r in campaigns if r["is_negative_control"]] == ["house_ad"] and total[
        "cost_usd"
    ] == 5.0
    assert {r["purchases_added"] > 0 for r in campaigns} == {True, False}
    of_dimension = {r["dimension"]: 0 for r in found.responses}
    for row in found.responses:
        of_dimension[row["dimension"]] += row["impressions"]
    assert set(of_dimension.values()) == {len(found.impressions)}


def test_a_hostile_campaign_name_and_one_that_is_none_stay_data(model: JourneyModel, some: Journeys) -> None:
    sequences = some.sequences
    names = [*sequences.dictionaries["campaign_id"]]
    names[0] = "'; DROP TABLE x; -- <script>"
    codes = sequences.codes["campaign_id"].copy()
    codes[0] = -1
    odd = Journeys(
        sequences=replace(
            sequences,
            codes={**sequences.codes, "campaign_id": codes},
            dictionaries={**sequences.dictionaries, "campaign_id": names},
        ),
        context=some.context,
    )
    found = counterfactuals([model], odd, {})
    assert names[0] in [r["campaign_id"] for r in found.campaigns]
    credit = credited_purchases(odd)
    bought = float(odd.label[odd.sequences.lengths > 0].sum())
    for rule in {rule for rule, _ in credit}:
        assert sum(v for (r, _), v in credit.items() if r == rule) == pytest.approx(bought, abs=1e-6)
