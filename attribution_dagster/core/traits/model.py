"""Everything learnt of customers, together: vectors of tokens, pooling, traits. New customers are described without any refit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from attribution_dagster.core.traits.customers import CustomerTokens
from attribution_dagster.core.traits.factors import Factors
from attribution_dagster.core.traits.pooling import Pooler
from attribution_dagster.core.traits.vectors import ACTION, CATEGORY, KNOWN, ItemVectors

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Described:
    """N customers in K traits. Weights of a customer sum to 1; who could not be read has the average's, and is a fallback."""

    weights: Floats  # (N, K)
    is_fallback: npt.NDArray[np.bool_]  # (N,)
    clipped: int
    """Numbers below zero after the shift."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TraitModel:
    """The three parts of a window's model."""

    vectors: ItemVectors
    pooler: Pooler
    factors: Factors

    def embed(self, customers: CustomerTokens) -> Floats:
        """Embeddings of length one by the default pooling, shape (N, D)."""
        return self.pooler.pool(customers, self.vectors).astype(np.float64)

    def describe(self, customers: CustomerTokens) -> Described:
        """Their traits, each customer's by himself: whoever else is asked about changes nothing."""
        matrix = factored_matrix(self.factors.option, self.pooler, self.vectors, customers)
        weights, is_fallback, clipped = self.factors.weights(matrix)
        return Described(weights=weights, is_fallback=is_fallback, clipped=clipped)

    @classmethod
    def load(cls, vectors: Path, pooler: Path, factors: Path) -> "TraitModel":
        """The parts from their folders."""
        return cls(vectors=ItemVectors.load(vectors), pooler=Pooler.load(pooler), factors=Factors.load(factors))


def factored_matrix(
    option: str, pooler: Pooler, vectors: ItemVectors, customers: CustomerTokens
) -> "Floats | sparse.csr_matrix":
    """What traits are made from under an option: embeddings, shape (N, D), or TF-IDF, sparse of shape (N, V + G)."""
    return (
        pooler.pool(customers, vectors).astype(np.float64)
        if option == "embeddings"
        else pooler.tfidf(customers, vectors)
    )


def coverage(customers: CustomerTokens, vectors: ItemVectors) -> dict[str, Floats]:
    """Per customer, `n_events` and the shares of them whose token is known, or falls back on its category or its action, each (N,)."""
    _, sources = customers.rows_of(vectors)
    events = customers.sums(customers.n_events)
    kinds = {"known_share": KNOWN, "category_share": CATEGORY, "action_share": ACTION}
    counted = {
        name: customers.sums(customers.n_events * (sources == kind)) / np.maximum(events, 1)
        for name, kind in kinds.items()
    }
    return {"n_events": events, **counted}


def one_customer(events: Sequence[Mapping[str, Any]], half_life_days: float = 14) -> CustomerTokens:
    """One customer's events as the model reads them, which gives exactly what it gives of him among all others.

    Args:
        events: each with `action`, `item_id` and, where they are known, `category` and `age_days`, without which it was just now.
        half_life_days: age at which an event counts half, as in training: `traits.half_life_days` of the profile.
    """
    tokens = sorted({(str(e["action"]), str(e["item_id"])) for e in events})
    place = {token: number for number, token in enumerate(tokens)}
    counts, recency = np.zeros(len(tokens)), np.zeros(len(tokens))
    categories: list[str | None] = [None] * len(tokens)
    for event in events:
        number = place[str(event["action"]), str(event["item_id"])]
        counts[number] += 1
        recency[number] += 0.5 ** (float(event.get("age_days") or 0) / half_life_days)
        categories[number] = categories[number] or event.get("category")
    zeros = np.zeros(len(tokens))
    return CustomerTokens(
        users=("",),
        actions=tuple(action for action, _ in tokens),
        items=tuple(item for _, item in tokens),
        categories=tuple(categories),
        user=np.zeros(len(tokens), dtype=np.int64),
        token=np.arange(len(tokens)),
        half=np.zeros(len(tokens), dtype=np.int64),
        n_events=counts,
        recency=recency,
        last_at_us=np.zeros(len(tokens), dtype=np.int64),
        price_sum_usd=zeros,
        n_priced=zeros,
    )
