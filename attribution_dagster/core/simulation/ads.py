"""Write a simulated world of ads to disk: four tables as an ad platform would hold them, and beside them both potential outcomes.

    out/GENERATED.txt                  says that nothing here is real
    out/impressions/part.parquet       what was shown; clicks/, purchases/ and auctions/ (won and lost) likewise
    out/truth/world.json               every number of the world, and users, days, start and seed
    out/truth/journeys.parquet         per user and day: P(buys) and purchase, with ads and without
    out/truth/campaigns.csv            per campaign: its lift, and the expected purchases that fewer would come without it

One seed gives identical tables. All is held in memory: some 100 bytes per user, day and campaign.
"""

import datetime
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from attribution_dagster.core.simulation.ads_world import AdsWorld, Drawn, Floats, Ints, draw
from attribution_dagster.core.simulation.folder import generated_folder

LABEL = "Simulated ads: nothing in this folder is real. Written by attribution_dagster."
_DAY_US = 86_400_000_000
_CLICK_DELAY_S = 40.0


def simulate_ads(
    out: Path,
    *,
    users: int,
    weeks: int,
    start: datetime.date,
    seed: int,
    world: AdsWorld | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> Drawn:
    """Return what was drawn, and write it to the folder `out`, which appears complete or not at all.

    Raises:
        ValueError: `out` holds files of somebody else's.
    """
    world, days = world or AdsWorld(), 7 * weeks
    drawn = draw(world, users, days, seed)
    if progress:
        progress(f"simulated {users:,} users", 0.5)
    with generated_folder(out, LABEL) as folder:
        for name, table in ad_tables(world, drawn, start, seed).items():
            (folder / name).mkdir()
            pq.write_table(table, folder / name / "part.parquet")
        (folder / "truth").mkdir()
        arguments = {"users": users, "days": days, "start": start.isoformat(), "seed": seed}
        (folder / "truth" / "world.json").write_text(json.dumps({**asdict(world), **arguments}, indent=1))
        pq.write_table(journey_truth(drawn, start), folder / "truth" / "journeys.parquet")
        pyarrow.csv.write_csv(campaign_truth(world, drawn), folder / "truth" / "campaigns.csv")
    return drawn


def ad_tables(world: AdsWorld, drawn: Drawn, start: datetime.date, seed: int) -> dict[str, pa.Table]:
    """Return `impressions`, `clicks`, `purchases` and `auctions`, as a platform would log them; no intent but `relevance`."""
    rng = np.random.default_rng([seed, 1])
    auctions, n = drawn.auctions, len(drawn.auctions.user)
    held_at = _times(start, auctions.days)
    campaigns = [c.name for c in world.campaigns]
    common = {
        "user_id": _ids("u", auctions.user),
        "ad_id": _labels([f"{name}_ad" for name in campaigns], auctions.campaign),
        "campaign_id": _labels(campaigns, auctions.campaign),
        "product_id": _ids("p", auctions.product),
        "ad_type": _labels([c.ad_type for c in world.campaigns], auctions.campaign),
    }
    auction_id = _ids("a", np.arange(n))
    table = pa.table(
        {
            "auction_id": auction_id,
            "held_at": held_at,
            **common,
            "relevance": np.round(drawn.visible[auctions.user], 3),
            "bid_usd": np.round(auctions.bid, 4),
            "price_to_win_usd": np.round(auctions.price, 4),
            "is_won": auctions.won,
        }
    )
    shown, clicked = np.flatnonzero(auctions.shown), np.flatnonzero(auctions.clicked)
    impressions = pa.table({"auction_id": auction_id, "shown_at": _later(held_at, np.ones(n)), **common}).take(shown)
    # The winner pays the price there was to beat.
    cost = pa.array(np.round(auctions.price[shown], 4))
    delay = _CLICK_DELAY_S * (0.2 + rng.exponential(1.0, n))
    clicks = pa.table({"auction_id": auction_id, "clicked_at": _later(held_at, delay), "user_id": common["user_id"]})
    return {
        "impressions": impressions.append_column("cost_usd", cost),
        "clicks": clicks.take(clicked),
        "purchases": _purchases(world, drawn, start, rng),
        "auctions": table,
    }


def journey_truth(drawn: Drawn, start: datetime.date) -> pa.Table:
    """Return both potential outcomes of every user and day."""
    outcomes = drawn.outcomes
    days, users = outcomes.bought.shape
    without = np.broadcast_to(1.0 / (1.0 + np.exp(-outcomes.base)), (days, users))
    dates = np.datetime64(start, "D") + np.arange(days)
    return pa.table(
        {
            "user_id": _ids("u", np.tile(np.arange(users), days)),
            "day": pa.array(np.repeat(dates, users)),
            "probability": outcomes.probability().ravel(),
            "probability_without_ads": without.ravel(),
            "bought": outcomes.bought.ravel(),
            "bought_without_ads": outcomes.bought_without_ads.ravel(),
        }
    )


def campaign_truth(world: AdsWorld, drawn: Drawn) -> pa.Table:
    """Return each campaign's lift and what its removal would cost over all days, in expected purchases."""
    outcomes, n = drawn.outcomes, len(world.campaigns)
    whole = outcomes.probability().sum()
    lost = [float(whole - outcomes.probability(np.arange(n) != each).sum()) for each in range(n)]
    return pa.table(
        {
            "campaign_id": [c.name for c in world.campaigns],
            "lift_logits": world.lifts,
            "is_negative_control": [c.name == world.negative_control for c in world.campaigns],
            "purchases_lost_without": lost,
        }
    )


def _purchases(world: AdsWorld, drawn: Drawn, start: datetime.date, rng: np.random.Generator) -> pa.Table:
    day, user = np.nonzero(drawn.outcomes.bought)
    at = day + rng.random(len(day))
    return pa.table(
        {
            "purchase_id": _ids("o", np.arange(len(day))),
            "user_id": _ids("u", user),
            "purchased_at": _times(start, at),
            "product_id": _ids("p", rng.integers(0, world.products, len(day))),
            "price_usd": np.round(np.exp(3.2 + 0.5 * rng.standard_normal(len(day))), 2),
        }
    )


def _times(start: datetime.date, days: Floats) -> pa.Array:
    microseconds = (days * _DAY_US).astype(np.int64).astype("timedelta64[us]")
    return pa.array(np.datetime64(start, "us") + microseconds)


def _later(times: pa.Array, seconds: Floats) -> pa.Array:
    return pa.array(times.to_numpy(zero_copy_only=False) + (seconds * 1e6).astype("timedelta64[us]"))


def _ids(letter: str, numbers: Ints) -> pa.Array:
    return pa.array(np.char.add(letter, np.char.zfill(numbers.astype(str), 7)))


def _labels(names: list[str], codes: Ints) -> pa.Array:
    labels: npt.NDArray[np.str_] = np.array(names)[codes]
    return pa.array(labels)
