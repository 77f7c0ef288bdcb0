"""The world of ads: what is planted is what happens, and the four tables fit together."""

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from attribution_dagster.core.simulation.ads import ad_tables, campaign_truth, simulate_ads
from attribution_dagster.core.simulation.ads_world import LOOK_BACK_DAYS, AdsWorld, draw

START = date(2025, 1, 6)
WORLD = AdsWorld()


def test_both_potential_outcomes_share_their_luck_and_differ_only_after_ads() -> None:
    outcomes = draw(WORLD, 300, 14, 1).outcomes
    unseen = outcomes.stock.sum(axis=2) == 0
    assert (outcomes.bought == outcomes.bought_without_ads)[unseen].all() and unseen.any()
    without = outcomes.probability(np.zeros(len(WORLD.campaigns), dtype=np.bool_))
    assert np.allclose(without, 1 / (1 + np.exp(-outcomes.base)))
    assert (outcomes.bought & ~outcomes.bought_without_ads).any() and (
        ~outcomes.bought & outcomes.bought_without_ads
    ).any()


def test_a_fresh_impression_is_worth_its_lift_saturated_and_half_of_that_stock_after_the_half_life() -> None:
    drawn = draw(WORLD, 200, 12, 2)
    auctions, stock = drawn.auctions, drawn.outcomes.stock
    alone = next(n for n in np.flatnonzero(auctions.shown & ~auctions.clicked) if auctions.days[n] < 2)
    user, campaign, at = auctions.user[alone], auctions.campaign[alone], auctions.days[alone]
    same = (auctions.user == user) & (auctions.campaign == campaign) & auctions.shown
    day = int(np.ceil(at)) + 1
    ages = day - auctions.days[same & (auctions.days < day) & (day - auctions.days <= LOOK_BACK_DAYS)]
    weight = np.where(
        auctions.clicked[same & (auctions.days < day) & (day - auctions.days <= LOOK_BACK_DAYS)], WORLD.click_weight, 1
    )
    assert stock[day, user, campaign] == pytest.approx(
        float((weight * 2 ** (-ages / WORLD.half_life_days)).sum()), rel=1e-5
    )


def test_the_negative_control_does_nothing_and_one_campaign_puts_people_off() -> None:
    lost = dict(
        zip(
            *[
                campaign_truth(WORLD, draw(WORLD, 400, 14, 3))[c].to_pylist()
                for c in ("campaign_id", "purchases_lost_without")
            ],
            strict=True,
        )
    )
    assert lost[WORLD.negative_control] == 0 and lost["nagging"] < 0 < lost["weekend_deal"] < lost["brand_film"]


def test_ads_go_to_those_who_would_buy_anyway_and_hidden_intent_is_in_no_table() -> None:
    drawn = draw(AdsWorld(hidden=0.6), 2000, 7, 4)
    shown = np.bincount(drawn.auctions.user, drawn.auctions.shown, 2000)
    assert np.corrcoef(shown, drawn.intent)[0, 1] > 0.2
    assert np.corrcoef(drawn.visible, drawn.intent)[0, 1] == pytest.approx(np.sqrt(0.4), abs=0.05)
    table = ad_tables(AdsWorld(hidden=0.6), drawn, START, 4)["auctions"]
    assert np.allclose(table["relevance"].to_numpy(), drawn.visible[drawn.auctions.user], atol=1e-3)


def test_four_tables_fit_together_and_one_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        simulate_ads(tmp_path / name, users=150, weeks=2, start=START, seed=9)
    read = {
        n: pq.read_table(tmp_path / "a" / n)
        for n in ("impressions", "clicks", "purchases", "auctions", "truth/journeys.parquet")
    }
    for name, table in read.items():
        assert table.equals(pq.read_table(tmp_path / "b" / name)) and table.num_rows > 0, name
    won = {a for a, w in zip(*[read["auctions"][c].to_pylist() for c in ("auction_id", "is_won")], strict=True) if w}
    shown, clicked = (set(read[n]["auction_id"].to_pylist()) for n in ("impressions", "clicks"))
    assert clicked <= shown <= won and 0.93 < len(shown) / len(won) < 1
    assert sum(read["truth/journeys.parquet"]["bought"].to_pylist()) == read["purchases"].num_rows
    with pytest.raises(ValueError, match="not generated here"):
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "letter.txt").write_text("dear")
        simulate_ads(tmp_path / "mine", users=10, weeks=1, start=START, seed=1)


def test_nonsense_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"hidden=1.0 must lie in \[0, 1\)"):
        AdsWorld(hidden=1.0)
    with pytest.raises(ValueError, match="negative_control='x' is no campaign"):
        AdsWorld(negative_control="x")
