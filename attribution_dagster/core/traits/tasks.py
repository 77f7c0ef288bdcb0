"""Two questions that any description of customers is asked: what do they buy next, and is it recognisably them.

`purchase`: a softmax over categories on the description tells from which the customer buys in the next window; the area under the curve of
a buyer's categories, bought against not bought, as a mean over buyers. `other_half`: of all customers' second halves of history, at what
rank by cosine is a customer's own, seen from the first half; the mean reciprocal rank.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from attribution_dagster.core.traits.customers import CustomerTokens
from attribution_dagster.core.traits.vectors import unit_rows
from attribution_dagster.core.uncertainty import Z_95

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
TASKS = ("purchase", "other_half")
Describe = Callable[[CustomerTokens], Floats]
MIN_BUYERS = 30
"""Buyers below which nothing is chosen by what they buy."""
_MEASURED = 4_000


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A mean over customers with its 95 % interval, None with fewer than two; and each customer's figure."""

    value: float | None
    low: float | None
    high: float | None
    each: Floats

    @classmethod
    def of(cls, each: Floats) -> "Measured":
        """The mean of the figures."""
        if len(each) < 2:
            return cls(value=float(each.mean()) if len(each) else None, low=None, high=None, each=each)
        mean, error = float(each.mean()), float(each.std(ddof=1) / np.sqrt(len(each)))
        return cls(value=mean, low=mean - Z_95 * error, high=mean + Z_95 * error, each=each)


def bought_categories(later: CustomerTokens, purchase: tuple[str, ...], categories: list[str]) -> dict[str, Ints]:
    """User -> places of the categories that were bought from, without those that are not listed."""
    place = {category: number for number, category in enumerate(categories)}
    found: dict[str, set[int]] = {}
    chosen = later.is_action(purchase)
    for user, token in zip(later.user[chosen].tolist(), later.token[chosen].tolist(), strict=True):
        category = later.categories[token]
        if category in place:
            found.setdefault(later.users[user], set()).add(place[category])
    return {user: np.array(sorted(places)) for user, places in found.items()}


def fit_purchase(described: Floats, users: tuple[str, ...], bought: Mapping[str, Ints]) -> "PurchaseModel | None":
    """A softmax regression of the categories bought on the descriptions; None where fewer than two categories were bought from."""
    from sklearn.linear_model import LogisticRegression

    rows = [(row, c) for row, user in enumerate(users) for c in bought.get(user, ())]
    if len({category for _, category in rows}) < 2:
        return None
    row, category = np.array(rows).T
    mean, scale = described.mean(axis=0), described.std(axis=0)
    scaled = (described[row] - mean) / np.where(scale > 0, scale, 1)
    with warnings.catch_warnings():  # that there are many categories for so few buyers is no mistake
        warnings.filterwarnings("ignore", "The number of unique classes")
        model = LogisticRegression(C=0.1, max_iter=200).fit(scaled, category)
    return PurchaseModel(mean=mean, scale=np.where(scale > 0, scale, 1), model=model)


@dataclass(frozen=True, kw_only=True, eq=False)
class PurchaseModel:
    """Log-odds of categories from descriptions."""

    mean: Floats
    scale: Floats
    model: "LogisticRegression"

    def ranked(self, described: Floats, users: tuple[str, ...], bought: Mapping[str, Ints]) -> Measured:
        """The area under the curve of each buyer's categories, among those that the model knows."""
        rows = [row for row, user in enumerate(users) if user in bought]
        classes = self.model.classes_
        if not rows:
            return Measured.of(np.zeros(0))
        scores = self.model.predict_log_proba((described[rows] - self.mean) / self.scale)
        areas = [_area(score, np.isin(classes, bought[users[row]])) for row, score in zip(rows, scores, strict=True)]
        return Measured.of(np.array([area for area in areas if area is not None]))


def decisive(purchase: "Measured | None") -> Measured:
    """What was measured of purchases, if there were buyers enough to choose by; else nothing."""
    enough = purchase is not None and len(purchase.each) >= MIN_BUYERS
    return purchase if purchase is not None and enough else Measured.of(np.zeros(0))


def other_half(customers: CustomerTokens, describe: Describe, seed: int) -> Measured:
    """Reciprocal rank of each customer's own second half among all second halves, by cosine from the first; at most 4,000 customers."""
    halves = [customers.select(customers.half == half) for half in (0, 1)]
    both = np.intersect1d(halves[0].user, halves[1].user)
    drawn = np.sort(np.random.default_rng(seed).permutation(both)[:_MEASURED])
    first, second = (unit_rows(describe(half.of_users(drawn))) for half in halves)
    cosines = first @ second.T
    own = np.diagonal(cosines)[:, None]
    # Ties, such as between customers with one and the same token, count half.
    rank = 1 + (cosines > own + 1e-6).sum(axis=1) + ((np.abs(cosines - own) <= 1e-6).sum(axis=1) - 1) / 2
    return Measured.of(1 / rank)


def _area(score: Floats, is_bought: npt.NDArray[np.bool_]) -> float | None:
    """Share of pairs (bought, not bought) in the right order, ties half; None where there is no such pair."""
    yes, no = score[is_bought], score[~is_bought]
    if not len(yes) or not len(no):
        return None
    difference = yes[:, None] - no[None, :]
    return float((difference > 0).mean() + 0.5 * (difference == 0).mean())
