"""What traits are: what they load on against all customers, how they convert and spend, how stable they are, and a name by rule."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from attribution_dagster.core.traits.customers import CustomerTokens
from attribution_dagster.core.uncertainty import Z_95

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
KINDS = ("token", "product", "category")
TOP = {"token": 10, "product": 10, "category": 5}
EXAMPLES = 5
LOW_PRICE, MORE_SALES = 0.9, 1.25
"""Price relative to the category, and sale events relative to all customers, beyond which both ends of an interval speak of bargains."""
_SUPPORT = 10.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """What became in the window of N customers, with their K traits as they were before it.

    Traits of the window itself load on what was bought in it: who buys would have the traits of buyers, and every such trait a lift.
    """

    weights: Floats  # (N, K)
    sessions: Floats  # (N,) of the window, with a known outcome
    converted: Floats  # (N,) of these
    spend_usd: "Floats | None"  # (N,); None where purchases have no price


def ratios(weights: Floats, numerator: Floats, denominator: Floats) -> tuple[Floats, float, Floats, Floats]:
    """Per trait the weighted ratio of sums, that of all customers, their difference and its standard error over customers.

    The error is that of a ratio by linearisation, of the difference of the two ratios, which share customers.
    """
    n = len(numerator)
    weighted = weights.T @ denominator
    own = (weights.T @ numerator) / np.where(weighted > 0, weighted, np.nan)
    total = denominator.sum()
    everyone = float(numerator.sum() / total) if total > 0 else float("nan")
    influence = weights * (numerator[:, None] - own * denominator[:, None]) / np.where(weighted > 0, weighted, np.nan)
    influence -= ((numerator - everyone * denominator) / (total if total > 0 else np.nan))[:, None]
    error = np.sqrt(n / max(n - 1, 1) * (influence**2).sum(axis=0))
    return own, everyone, own - everyone, error


def profile_rows(
    customers: CustomerTokens, weights: Floats, sale: Sequence[str], outcome: Outcome
) -> list[dict[str, Any]]:
    """Per trait: size, conversion, spend, relative price and sale events, each with its 95 % interval; None where it is unknown.

    Args:
        customers: with their traits at the end of the window, shape (N, K): whose sizes, prices and sales are told.
        sale: the actions that show a sale.
    """
    k = weights.shape[1]
    dominant = np.bincount(weights.argmax(axis=1), minlength=k)
    sizes, figures = weights.mean(axis=0), {**_became(outcome), **_bargains(customers, weights, sale)}
    return [
        {
            "trait": trait, "customers": int(dominant[trait]), "size_share": float(sizes[trait]),
            **{name: _known(values[trait]) for name, values in figures.items()},
        }
        for trait in range(k)
    ]  # fmt: skip


def _became(outcome: Outcome) -> dict[str, Floats]:
    """Conversion and spend by trait, each shape (K,)."""
    rate, _, lift, error = ratios(outcome.weights, outcome.converted, outcome.sessions)
    figures = {
        "conversion_rate": rate, "conversion_lift": lift,
        "conversion_lift_low": lift - Z_95 * error, "conversion_lift_high": lift + Z_95 * error,
    }  # fmt: skip
    if outcome.spend_usd is not None:
        spend, _, more, spread = ratios(outcome.weights, outcome.spend_usd, np.ones(len(outcome.spend_usd)))
        figures |= {
            "spend_usd": spend, "spend_lift_usd": more,
            "spend_lift_low_usd": more - Z_95 * spread, "spend_lift_high_usd": more + Z_95 * spread,
        }  # fmt: skip
    return figures


def _bargains(customers: CustomerTokens, weights: Floats, sale: Sequence[str]) -> dict[str, Floats]:
    """Prices and sale events by trait, where the data have them, each shape (K,)."""
    figures: dict[str, Floats] = {}
    paid, expected = _prices(customers)
    if expected.sum() > 0:
        price, _, _, spread = ratios(weights, paid, expected)
        figures |= {
            "relative_price": price, "relative_price_low": price - Z_95 * spread, "relative_price_high": price + Z_95 * spread,
        }  # fmt: skip
    if sale:
        events = customers.sums(customers.n_events)
        shown = customers.sums(customers.n_events * customers.is_action(sale))
        share, everyone, more, spread = ratios(weights, shown, events)
        figures |= {
            "sale_share": share, "sale_lift": more, "sale_lift_low": more - Z_95 * spread, "sale_lift_high": more + Z_95 * spread,
            "sale_share_of_all": np.full(len(share), everyone),
        }  # fmt: skip
    return figures


def _prices(customers: CustomerTokens) -> tuple[Floats, Floats]:
    """Per customer the sum of the prices of what was met, and what the same events would sum to at their categories' mean prices."""
    categories = {
        name: number for number, name in enumerate(sorted({c for c in customers.categories if c is not None}))
    }
    of_token = np.array([categories.get(c, -1) if c is not None else -1 for c in customers.categories], dtype=np.int64)
    category = of_token[customers.token] if len(of_token) else np.zeros(0, np.int64)
    kept = (category >= 0) & (customers.n_priced > 0)
    width = max(len(categories), 1)
    total = np.bincount(category[kept], customers.price_sum_usd[kept], minlength=width)
    mean = total / np.maximum(np.bincount(category[kept], customers.n_priced[kept], minlength=width), 1)
    paid = customers.sums(np.where(kept, customers.price_sum_usd, 0.0))
    return paid, customers.sums(np.where(kept, customers.n_priced * mean[np.maximum(category, 0)], 0.0))


def item_rows(customers: CustomerTokens, weights: Floats, tokens: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of `trait_items`: of each kind, what stands out most in each trait against all customers, with at least ten events.

    Ranked by share x log(over-representation), the trait's part of the divergence from everyone: neither what everybody has nor what hardly anybody has.
    """
    rows = []
    for kind, (names, place, categories) in _kinds(customers, tokens).items():
        counts = customers.matrix(place[customers.token], customers.n_events, len(names))
        shares, everyone = trait_shares(weights, counts)
        total = np.asarray(counts.sum(axis=0)).ravel()
        with np.errstate(divide="ignore", invalid="ignore"):
            times = shares / everyone
            standing = np.where((total >= _SUPPORT) & (shares > 0), shares * np.log(times), -np.inf)
        for trait in range(len(shares)):
            best = [c for c in np.argsort(-standing[trait], kind="stable")[: TOP[kind]] if standing[trait, c] > 0]
            rows += [
                {
                    "trait": trait, "kind": kind, "item_rank": rank, "item_id": names[c], "category": categories.get(names[c]),
                    "share_in_trait": float(shares[trait, c]), "share_in_all": float(everyone[c]),
                    "over_representation": float(times[trait, c]),
                }
                for rank, c in enumerate(best, start=1)
            ]  # fmt: skip
    return rows


def trait_shares(weights: Floats, counts: sparse.csr_matrix) -> tuple[Floats, Floats]:
    """Each trait's shares of columns, shape (K, C), customers counted by their weights; and those of all customers, (C,)."""
    summed = np.asarray(counts.T @ weights).T
    everyone = np.asarray(counts.sum(axis=0), dtype=np.float64).ravel()
    return summed / np.maximum(summed.sum(axis=1, keepdims=True), 1e-12), everyone / max(everyone.sum(), 1e-12)


def _kinds(customers: CustomerTokens, tokens: Sequence[str]) -> "dict[str, tuple[list[str], Ints, Mapping[str, str]]]":
    items, item_place = customers.catalogue
    known = [c if c is not None else "" for c in customers.categories]
    names, category_place = np.unique(np.array(known, dtype=object), return_inverse=True)
    unknown = np.array([name == "" for name in names])
    category_place = np.where(unknown[category_place], -1, category_place)
    of_token = {t: c for t, c in zip(tokens, customers.categories, strict=True) if c is not None}
    return {
        "token": (list(tokens), np.arange(len(tokens)), of_token),
        "product": (items, item_place, customers.category_of),
        "category": (names.tolist(), category_place.astype(np.int64), {}),
    }


def example_rows(customers: CustomerTokens, weights: Floats) -> list[dict[str, Any]]:
    """Rows of `trait_examples`: the customers with most of each trait, of equal ones those with most events.

    Who has met one item often has one trait alone: no example of anything.
    """
    events = customers.sums(customers.n_events)
    return [
        {
            "trait": trait,
            "example_rank": rank,
            "user_id": customers.users[place],
            "weight": float(weights[place, trait]),
        }
        for trait in range(weights.shape[1])
        for rank, place in enumerate(np.lexsort((-events, -weights[:, trait]))[:EXAMPLES], start=1)
    ]


def suggested_name(
    outcome: Mapping[str, Any], items: Sequence[Mapping[str, Any]], sale_share_of_all: float | None
) -> tuple[str, str]:
    """A trait's name, and the rule and figures behind it.

    "Bargain hunter" needs evidence of price or sale: the upper end of the relative price below .9, or the lower end of the share of sale events
    a quarter above everyone's. Else the trait is named by the category and the action that it loads on most.
    """
    high, low = outcome.get("relative_price_high"), outcome.get("sale_lift_low")
    if high is not None and high < LOW_PRICE:
        return (
            "Bargain hunter",
            f"price evidence: {outcome['relative_price']:.2f} of the category's mean price, at most {high:.2f}",
        )
    if low is not None and sale_share_of_all and low > (MORE_SALES - 1) * sale_share_of_all:
        return (
            "Bargain hunter",
            f"sale evidence: {outcome['sale_share']:.2f} of events, against {sale_share_of_all:.2f} of everyone's",
        )
    by_kind = {kind: next((row for row in items if row["kind"] == kind), None) for kind in KINDS}
    category, token = by_kind["category"], by_kind["token"]
    if category is None and token is None:
        return "Like everybody", "nothing stands out against all customers"
    said = [
        f"{row['item_id']} {row['over_representation']:.1f} times as often as everyone"
        for row in (category, token)
        if row is not None
    ]
    lead = category if category is not None else token
    assert lead is not None
    name = _plain(str(lead["item_id"])) if category is not None else "Customers"
    return f"{name} fans", "loads on " + "; ".join(said)


def _plain(text: str) -> str:
    """A name from outside in one line, at most 40 characters long."""
    line = re.sub(r"\s+", " ", text).strip()
    return line if len(line) <= 40 else line[:39] + "…"


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
