"""What the simulated marketplace sells: stores with their planted effect, their products, how people find them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from attribution_dagster.core.simulation.world import MarketplaceWorld

# Category: (is it a new vertical, i.e. no restaurant; its tags; nouns of its stores; median price of a product in USD).
CATEGORIES: dict[str, tuple[bool, tuple[str, ...], tuple[str, ...], float]] = {
    "Fast food": (False, ("Burgers", "Chicken"), ("Burger House", "Grill", "Wing Bar"), 9.0),
    "Italian": (False, ("Pizza", "Pasta"), ("Pizzeria", "Trattoria", "Pasta Kitchen"), 14.0),
    "Asian": (False, ("Sushi", "Noodles", "Curry"), ("Noodle Bar", "Sushi", "Curry House"), 13.0),
    "Healthy": (False, ("Salads", "Bowls"), ("Salad Bar", "Juice & Bowl", "Green Kitchen"), 12.0),
    "Coffee and bakery": (False, ("Coffee", "Bakery"), ("Coffee Roasters", "Bakery", "Cafe"), 6.0),
    "Grocery": (True, ("Supermarket", "Organic"), ("Market", "Grocers", "Pantry"), 7.0),
    "Convenience": (True, ("Snacks",), ("Corner Shop", "Express", "Mini Mart"), 5.0),
    "Pharmacy": (True, ("Health",), ("Pharmacy", "Drugstore", "Wellness"), 11.0),
}
_FIRST_NAMES = (
    "Golden", "Corner", "Harbor", "Maple", "Sunset", "River", "Union", "Lucky", "Garden", "Silver", "Old Town", "Blue",
    "Park", "Mission", "Cedar", "Bay", "Hilltop", "Madison", "Lakeside", "Orchard",
)  # fmt: skip
DISCOVERY_FEATURES = ("home_feed", "category_page", "promo_carousel", "favorites", "notification", "search_results")
FEATURE_SHARES = (0.46, 0.22, 0.14, 0.12, 0.06)  # of visits to a store that no search led to
SALE_PRICE_FACTOR = 0.8


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """Stores and products of one world. `N` stores, `P` products each; products are numbered store by store."""

    store_ids: tuple[str, ...]
    store_names: tuple[str, ...]
    tags: tuple[str, ...]
    categories: tuple[str, ...]
    is_nv: npt.NDArray[np.bool_]  # (N,)
    effects: npt.NDArray[np.float64]  # (N,) planted effect in logits, mean zero when weighted by popularity
    popularity: npt.NDArray[np.float64]  # (N,) shares
    product_ids: tuple[str, ...]  # (N * P,)
    prices_usd: npt.NDArray[np.float64]  # (N * P,)
    on_sale: npt.NDArray[np.bool_]  # (N * P,) the last products of each store


def build_catalogue(world: MarketplaceWorld) -> Catalogue:
    """Return the catalogue of a world: the same for every seed of the behaviour, so that truth can be pooled."""
    rng = np.random.Generator(np.random.SFC64(world.catalogue_seed))
    names = list(CATEGORIES)
    category_of = rng.permutation(np.arange(world.stores) % len(names))
    popularity = np.arange(1, world.stores + 1) ** -world.store_zipf_exponent
    popularity = popularity / popularity.sum()
    # Half of the variance is the category's, so that a breakdown by category has something to find.
    scatter = rng.standard_normal(len(names))[category_of] + rng.standard_normal(world.stores)
    effects = world.store_effect_sd_logits * scatter / np.sqrt(2)
    effects = np.round(effects - effects @ popularity, 9)
    medians = np.array([CATEGORIES[names[c]][3] for c in category_of]).repeat(world.products_per_store)
    prices = np.round(medians * np.exp(0.5 * rng.standard_normal(medians.size)), 2)
    on_sale = np.arange(medians.size) % world.products_per_store >= world.products_per_store - world.sale_products
    width = len(str(world.stores))
    return Catalogue(
        store_ids=tuple(f"s{store + 1:0{width}d}" for store in range(world.stores)),
        store_names=_store_names([names[c] for c in category_of]),
        tags=tuple(str(rng.choice(CATEGORIES[names[c]][1])) for c in category_of),
        categories=tuple(names[c] for c in category_of),
        is_nv=np.array([CATEGORIES[names[c]][0] for c in category_of]),
        effects=effects,
        popularity=popularity,
        product_ids=tuple(
            f"p{store + 1:0{width}d}-{product + 1:03d}"
            for store in range(world.stores)
            for product in range(world.products_per_store)
        ),
        prices_usd=np.where(on_sale, np.round(prices * SALE_PRICE_FACTOR, 2), prices),
        on_sale=on_sale,
    )


def _store_names(categories: list[str]) -> tuple[str, ...]:
    """Return a distinct name per store; past the stock of names a branch number is added."""
    used: dict[str, int] = {}
    names = []
    for index, category in enumerate(categories):
        nouns = CATEGORIES[category][2]
        name = f"{_FIRST_NAMES[index % len(_FIRST_NAMES)]} {nouns[index // len(_FIRST_NAMES) % len(nouns)]}"
        used[name] = used.get(name, 0) + 1
        names.append(name if used[name] == 1 else f"{name} {used[name]}")
    return tuple(names)
