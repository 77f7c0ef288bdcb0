"""A simulated world of ads: who is shown what, what each ad adds, and who would have bought anyway.

    intent_u = sqrt(1 - hidden) v_u + sqrt(hidden) h_u;  v, h standard normal; the log shows v as `relevance`, never h
    log bid = campaign's mean + targeting * intent + noise;  the ad is shown if the bid beats a price that knows nobody
    logit P(u buys on day d) = base + intent_weight * intent_u + sum over campaigns of lift_c (1 - exp(-stock_c))
    stock_c = sum over c's impressions in the seven days before d of (1, clicked: click_weight) * 2 ** -(age / half_life)

So ads are shown to people who are likely to buy (confounding by intent), each campaign's effect decays and saturates, one
campaign does nothing, and one puts people off. Days are independent given intent: purchases do not end a journey.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
LOOK_BACK_DAYS = 7
_NOT_SHOWN_SHARE = 0.02  # of won auctions the page is left before the ad is shown


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """lift: logits of a saturated stock; bid_usd: the median bid for a person of mean intent."""

    name: str
    lift: float
    ad_type: str
    bid_usd: float = 1.0


@dataclass(frozen=True, kw_only=True)
class AdsWorld:
    """Every number of the world. Rates are per user and day; `hidden` is the share of intent's variance that no log shows."""

    campaigns: tuple[Campaign, ...] = (
        Campaign(name="brand_film", lift=1.2, ad_type="video"),
        Campaign(name="new_arrivals", lift=0.9, ad_type="display"),
        Campaign(name="retargeting", lift=0.7, ad_type="display", bid_usd=1.2),
        Campaign(name="weekend_deal", lift=0.5, ad_type="search"),
        Campaign(name="nagging", lift=-0.4, ad_type="video"),
        Campaign(name="house_ad", lift=0.0, ad_type="display"),
    )
    negative_control: str = "house_ad"
    base_logit: float = -3.6
    intent_weight: float = 0.9
    targeting: float = 0.7
    hidden: float = 0.0
    auctions_per_day: float = 0.45
    activity_shape: float = 2.0
    bid_noise: float = 0.6
    price_noise: float = 0.6
    half_life_days: float = 2.0
    click_rate: float = 0.06
    click_weight: float = 1.8
    products: int = 40

    def __post_init__(self) -> None:
        if not 0.0 <= self.hidden < 1.0:
            raise ValueError(f"hidden={self.hidden} must lie in [0, 1)")
        if self.negative_control not in [c.name for c in self.campaigns]:
            raise ValueError(f"negative_control={self.negative_control!r} is no campaign")

    @property
    def lifts(self) -> Floats:
        """Logits of each campaign's saturated stock, (C,)."""
        return np.array([c.lift for c in self.campaigns])


@dataclass(frozen=True, kw_only=True, eq=False)
class Auctions:
    """A auctions in order of time. days: since the start; clicked and shown only where won."""

    user: Ints
    days: Floats
    campaign: Ints
    product: Ints
    bid: Floats
    price: Floats
    won: npt.NDArray[np.bool_]
    shown: npt.NDArray[np.bool_]
    clicked: npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcomes:
    """Purchases of U users on D days. stock: (D, U, C); logits without ads: (U,); bought, bought_without_ads: (D, U)."""

    base: Floats
    stock: npt.NDArray[np.float32]
    bought: npt.NDArray[np.bool_]
    bought_without_ads: npt.NDArray[np.bool_]
    lifts: Floats = field(repr=False)

    def probability(self, campaigns: npt.NDArray[np.bool_] | None = None) -> Floats:
        """Return P(buys), (D, U), had only these campaigns (C,) been shown; all without."""
        lifts = self.lifts if campaigns is None else self.lifts * campaigns
        added = (1.0 - np.exp(-self.stock)) @ lifts
        return np.asarray(1.0 / (1.0 + np.exp(-(self.base + added))))


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawn:
    """One draw of a world: what happened, and what would have."""

    visible: Floats
    intent: Floats
    auctions: Auctions
    outcomes: Outcomes


def draw(world: AdsWorld, users: int, days: int, seed: int) -> Drawn:
    """Return `users` people over `days` days; one seed gives one draw."""
    rng = np.random.default_rng(seed)
    visible, unseen = rng.standard_normal((2, users))
    intent = np.sqrt(1 - world.hidden) * visible + np.sqrt(world.hidden) * unseen
    auctions = _auctions(world, intent, days, rng)
    outcomes = _outcomes(world, intent, auctions, days, rng)
    return Drawn(visible=visible, intent=intent, auctions=auctions, outcomes=outcomes)


def _auctions(world: AdsWorld, intent: Floats, days: int, rng: np.random.Generator) -> Auctions:
    # How active somebody is says nothing about intent: who has more auctions is not more likely to buy.
    rate = world.auctions_per_day * rng.gamma(world.activity_shape, 1 / world.activity_shape, len(intent))
    user = np.repeat(np.arange(len(intent)), rng.poisson(rate * days))
    at = rng.random(len(user)) * days
    order = np.argsort(at)
    user, at = user[order], at[order]
    campaign = rng.integers(0, len(world.campaigns), len(user))
    medians = np.array([c.bid_usd for c in world.campaigns])[campaign]
    bid = medians * np.exp(world.targeting * intent[user] + world.bid_noise * rng.standard_normal(len(user)))
    price = np.exp(0.3 + world.price_noise * rng.standard_normal(len(user)))
    won = bid > price
    shown = won & (rng.random(len(user)) >= _NOT_SHOWN_SHARE)
    click_odds = world.click_rate * np.exp(0.4 * intent[user])
    return Auctions(
        user=user,
        days=at,
        campaign=campaign,
        product=rng.integers(0, world.products, len(user)),
        bid=bid,
        price=price,
        won=won,
        shown=shown,
        clicked=shown & (rng.random(len(user)) < click_odds),
    )


def _outcomes(world: AdsWorld, intent: Floats, auctions: Auctions, days: int, rng: np.random.Generator) -> Outcomes:
    stock = np.zeros((days, len(intent), len(world.campaigns)), dtype=np.float32)
    weight = np.where(auctions.clicked, world.click_weight, 1.0)
    for day in range(days):
        age = day - auctions.days
        seen = auctions.shown & (age > 0) & (age <= LOOK_BACK_DAYS)
        worth = weight[seen] * 2.0 ** (-age[seen] / world.half_life_days)
        np.add.at(stock[day], (auctions.user[seen], auctions.campaign[seen]), worth)
    base = world.base_logit + world.intent_weight * intent
    outcomes = Outcomes(base=base, stock=stock, bought=_NONE, bought_without_ads=_NONE, lifts=world.lifts)
    luck = rng.random((days, len(intent)))  # the same in both worlds: who buys in one only was moved by ads
    return Outcomes(
        base=base,
        stock=stock,
        bought=luck < outcomes.probability(),
        bought_without_ads=luck < 1.0 / (1.0 + np.exp(-base)),
        lifts=world.lifts,
    )


_NONE = np.zeros((0, 0), dtype=np.bool_)
