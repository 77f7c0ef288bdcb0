"""Write a simulated shop to disk whose customers have planted traits: raw events in the marketplace's columns, and the truth beside them.

    out/GENERATED.txt                  says that nothing here is real
    out/events/part.parquet            the events
    out/truth/world.json               every number of the world, and users, weeks, start and seed
    out/truth/customers.parquet        per customer and trait: the share of the trait in the customer

A customer is a mixture of traits, drawn once from a Dirichlet distribution. Each session follows one of them: what categories are looked
at, how cheap the products are, what is done with them, and how likely a purchase is. One seed gives identical tables.
"""

import datetime
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from attribution_dagster.core.simulation.folder import generated_folder

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
LABEL = "Simulated shoppers: nothing in this folder is real. Written by attribution_dagster."
_DAY_US = 86_400_000_000
ACTIONS = ("item_view", "review_read", "add_favorite", "sale_flag_view")
ADD, ORDER = "action_add_item", "order_placed"


@dataclass(frozen=True, kw_only=True)
class Trait:
    """What customers of a trait do.

    `categories` are the favourites; `thrift` is how much a cheaper product is preferred, per unit of log price; `actions` are weights of `ACTIONS`.
    """

    name: str
    categories: tuple[int, ...]
    actions: tuple[float, float, float, float]
    thrift: float = 0.0
    purchase_rate: float = 0.15


@dataclass(frozen=True, kw_only=True)
class ShoppersWorld:
    """Every number of the world. `mixing` is the Dirichlet parameter: the smaller, the more a customer is of one trait."""

    traits: tuple[Trait, ...] = (
        Trait(name="bargain", categories=(0, 1, 2, 3, 4, 5), actions=(4, 0.5, 0.5, 3), thrift=3.0, purchase_rate=0.22),
        Trait(name="gourmet", categories=(0, 1), actions=(5, 2, 1, 0), thrift=-1.5, purchase_rate=0.15),
        Trait(name="family", categories=(2, 3), actions=(6, 0.5, 0.5, 0.3), purchase_rate=0.3),
        Trait(name="wellness", categories=(4, 5), actions=(5, 1, 2, 0), purchase_rate=0.12),
        Trait(name="researcher", categories=(6, 7, 8), actions=(4, 5, 0.5, 0.2), purchase_rate=0.05),
        Trait(name="collector", categories=(9, 10, 11), actions=(4, 0.5, 4, 0.2), purchase_rate=0.08),
    )
    mixing: float = 0.15
    categories: int = 12
    products_per_category: int = 25
    favourite_share: float = 0.85
    same_category_share: float = 0.6
    popularity_exponent: float = 0.8
    price_sigma: float = 0.5
    visits_per_week: float = 1.5
    mean_events: float = 7.0
    catalogue_seed: int = 20250106


@dataclass(frozen=True, kw_only=True, eq=False)
class DrawnShoppers:
    """The events, in order of time within a customer, and each customer's mixture of traits, shape (users, K)."""

    events: pa.Table
    mixtures: Floats
    user_ids: tuple[str, ...]


def simulate_shoppers(
    out: Path,
    *,
    users: int,
    weeks: int,
    start: datetime.date,
    seed: int,
    world: ShoppersWorld | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> DrawnShoppers:
    """Return what was drawn, and write it to the folder `out`, which appears complete or not at all.

    Raises:
        ValueError: `out` holds files of somebody else's.
    """
    world = world or ShoppersWorld()
    drawn = draw_shoppers(world, users=users, weeks=weeks, start=start, seed=seed)
    if progress:
        progress(f"simulated {users:,} users", 0.9)
    with generated_folder(out, LABEL) as folder:
        (folder / "events").mkdir()
        (folder / "truth").mkdir()
        pq.write_table(drawn.events, folder / "events" / "part.parquet")
        arguments = {"users": users, "weeks": weeks, "start": start.isoformat(), "seed": seed}
        (folder / "truth" / "world.json").write_text(json.dumps({**asdict(world), **arguments}, indent=1))
        pq.write_table(shopper_truth(world, drawn), folder / "truth" / "customers.parquet")
    return drawn


def shopper_truth(world: ShoppersWorld, drawn: DrawnShoppers) -> pa.Table:
    """Return each customer's planted share of each trait."""
    n, k = drawn.mixtures.shape
    return pa.table({
        "user_id": np.repeat(np.array(drawn.user_ids), k),
        "trait": np.tile([trait.name for trait in world.traits], n),
        "share": drawn.mixtures.ravel(),
    })  # fmt: skip


def draw_shoppers(world: ShoppersWorld, *, users: int, weeks: int, start: datetime.date, seed: int) -> DrawnShoppers:
    """Return the events of `users` customers over `weeks` weeks."""
    rng = np.random.default_rng(seed)
    mixtures = rng.dirichlet(np.full(len(world.traits), world.mixing), users)
    visits = rng.poisson(world.visits_per_week * weeks, users)
    owner = np.repeat(np.arange(users), visits)
    at_us = (rng.random(len(owner)) * 7 * weeks * _DAY_US).astype(np.int64)
    order = np.lexsort((at_us, owner))
    owner, at_us = owner[order], at_us[order]
    edges = np.cumsum(mixtures, axis=1)
    trait = np.minimum((edges[owner] < rng.random(len(owner))[:, None]).sum(axis=1), len(world.traits) - 1)
    lengths = 2 + rng.poisson(world.mean_events - 2, len(owner))
    session = np.repeat(np.arange(len(owner)), lengths)
    product, action = _browse(world, trait[session], session, rng)
    events = {"session": session, "product": product, "action": action, "place": _places(lengths)}
    bought = _purchases(world, trait, lengths, product, rng)
    every = {name: np.concatenate([events[name], bought[name]]) for name in events}
    sorted_by = np.lexsort((every["place"], every["session"]))
    every = {name: values[sorted_by] for name, values in every.items()}
    names = tuple(f"c{user:06d}" for user in range(users))
    table = _table(world, every, owner, at_us, names, start)
    return DrawnShoppers(events=table, mixtures=mixtures, user_ids=names)


def prices_usd(world: ShoppersWorld) -> Floats:
    """Return the price of each product, category by category, shape (categories * products_per_category,)."""
    rng = np.random.default_rng(world.catalogue_seed)
    level = np.exp(rng.normal(2.7, 0.5, world.categories)).repeat(world.products_per_category)
    return np.round(level * np.exp(world.price_sigma * rng.standard_normal(len(level))), 2)


def _browse(world: ShoppersWorld, trait: Ints, session: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Return product and action of each event, given the trait that its session follows; both of shape (E,)."""
    favourites = np.zeros((len(world.traits), world.categories))
    for row, each in enumerate(world.traits):
        favourites[row] = (1 - world.favourite_share) / world.categories
        favourites[row, list(each.categories)] += world.favourite_share / len(each.categories)
    category = _drawn(favourites, trait, rng)
    # A run of events stays within the category of the one before: what an embedding of items can learn from.
    stays = (rng.random(len(session)) < world.same_category_share) & (np.diff(session, prepend=-1) == 0)
    category = category[np.maximum.accumulate(np.where(stays, 0, np.arange(len(session))))]
    shelf = _drawn(_shelves(world).reshape(-1, world.products_per_category), trait * world.categories + category, rng)
    actions = np.array([each.actions for each in world.traits], dtype=np.float64)
    action = _drawn(actions / actions.sum(axis=1, keepdims=True), trait, rng)
    return category * world.products_per_category + shelf, action


def _shelves(world: ShoppersWorld) -> Floats:
    """Return P(product | trait, category), shape (K, categories, products_per_category)."""
    popularity = np.arange(1, world.products_per_category + 1) ** -world.popularity_exponent
    logs = np.log(prices_usd(world)).reshape(world.categories, -1)
    cheap = -(logs - logs.mean(axis=1, keepdims=True))
    thrift = np.array([each.thrift for each in world.traits])
    weight = popularity * np.exp(thrift[:, None, None] * cheap)
    shares: Floats = weight / weight.sum(axis=2, keepdims=True)
    return shares


def _drawn(shares: Floats, row: Ints, rng: np.random.Generator) -> Ints:
    """Return a draw from row `row` of the shares for each, shape (E,)."""
    edges = np.cumsum(shares, axis=1)
    found = (edges[row] < rng.random(len(row))[:, None]).sum(axis=1)
    drawn: Ints = np.minimum(found, shares.shape[1] - 1)
    return drawn


def _places(lengths: Ints) -> Ints:
    ends = np.cumsum(lengths)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - lengths, lengths)


def _purchases(
    world: ShoppersWorld, trait: Ints, lengths: Ints, product: Ints, rng: np.random.Generator
) -> dict[str, Ints]:
    """Return the two last events of sessions that convert: one of the products seen is added and ordered."""
    rates = np.array([each.purchase_rate for each in world.traits])
    buys = np.flatnonzero(rng.random(len(trait)) < rates[trait])
    starts = np.cumsum(lengths) - lengths
    seen = starts[buys] + (rng.random(len(buys)) * lengths[buys]).astype(np.int64)
    return {
        "session": np.repeat(buys, 2),
        "product": np.repeat(product[seen], 2),
        "action": np.tile([len(ACTIONS), len(ACTIONS) + 1], len(buys)),
        "place": (lengths[buys][:, None] + np.arange(2)).ravel(),
    }


def _table(
    world: ShoppersWorld, events: dict[str, Ints], owner: Ints, at_us: Ints, names: tuple[str, ...],
    start: datetime.date,
) -> pa.Table:  # fmt: skip
    session, product = events["session"], events["product"]
    category = product // world.products_per_category
    at = at_us[session] + events["place"] * 45_000_000
    kinds = np.array([*ACTIONS, ADD, ORDER])
    return pa.table({
        "event_id": np.char.add("e", np.char.zfill(np.arange(len(session)).astype(str), 8)),
        "user_id": np.array(names)[owner[session]],
        "event_at": pa.array(np.datetime64(start, "us") + at.astype("timedelta64[us]")),
        "event_type": kinds[events["action"]],
        "store_id": np.char.add("s", category.astype(str)),
        "primary_category": np.char.add("Category ", np.char.zfill(category.astype(str), 2)),
        "product_id": np.char.add("p", np.char.zfill(product.astype(str), 4)),
        "price_usd": prices_usd(world)[product],
    })  # fmt: skip
