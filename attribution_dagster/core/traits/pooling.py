"""Customers as weighted means of the vectors of their tokens: plain, by TF-IDF, by recency, by learned attention.

All four are the product of a sparse matrix (customers by tokens) and the table of vectors; only the weights differ.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save_file
from scipy import sparse

from attribution_dagster.core.traits.customers import CustomerTokens
from attribution_dagster.core.traits.vectors import ItemVectors, unit_rows

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
POOLINGS = ("mean", "tfidf", "recency", "attention")
DEFAULT = "tfidf"
_EPOCHS, _LEARNING_RATE, _DECAY = 60, 0.05, 1e-3
_ATTENTION_CUSTOMERS = 20_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Pooler:
    """What pooling has learnt: inverse document frequencies of the rows of the table, and the score of attention.

    Attention weighs an entry by n exp(query . vector + freshness log(recency / n)), for n events with that token.
    """

    idf: Floats  # (V + G,)
    query: Floats  # (D,)
    freshness: float
    default: str = DEFAULT

    def weights(self, pooling: str, customers: CustomerTokens, rows: Ints, vectors: ItemVectors) -> Floats:
        """The weight of each entry, shape (E,).

        Raises:
            ValueError: there is no such pooling.
        """
        if pooling == "mean":
            return customers.n_events
        if pooling == "recency":
            return customers.recency
        known = np.maximum(rows, 0)
        if pooling == "tfidf":
            return customers.n_events * self.idf[known]
        if pooling == "attention":
            freshness = np.log(customers.recency / customers.n_events)
            return customers.n_events * np.exp((vectors.table @ self.query)[known] + self.freshness * freshness)
        raise ValueError(f"{pooling!r} is no pooling; there are {', '.join(POOLINGS)}")

    def tfidf(self, customers: CustomerTokens, vectors: ItemVectors) -> sparse.csr_matrix:
        """Customers by rows of the table, weighted by TF-IDF, rows at length one, shape (N, V + G)."""
        rows, _ = customers.rows_of(vectors)
        weighted = customers.matrix(rows, self.weights("tfidf", customers, rows, vectors), len(vectors.table))
        lengths = np.sqrt(weighted.multiply(weighted).sum(axis=1)).A1
        return sparse.diags(1 / np.where(lengths > 0, lengths, 1)) @ weighted

    def pool(
        self, customers: CustomerTokens, vectors: ItemVectors, pooling: str | None = None
    ) -> npt.NDArray[np.float32]:
        """Embeddings of length one, shape (N, D); zeros for a customer of whom nothing could be read."""
        rows, _ = customers.rows_of(vectors)
        weight = self.weights(pooling or self.default, customers, rows, vectors)
        return unit_rows(customers.summed(rows, weight.astype(np.float32), vectors.table))

    def save(self, folder: Path) -> None:
        """Writes numbers as safetensors, the rest as JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        save_file({"idf": self.idf, "query": self.query}, folder / "pooler.safetensors")
        (folder / "pooler.json").write_text(json.dumps({"freshness": self.freshness, "default": self.default}))

    @classmethod
    def load(cls, folder: Path) -> "Pooler":
        """What `save` wrote."""
        arrays, rest = load_file(folder / "pooler.safetensors"), json.loads((folder / "pooler.json").read_text())
        return cls(idf=arrays["idf"], query=arrays["query"], **rest)


def fit_pooler(
    customers: CustomerTokens, vectors: ItemVectors, bought: "Mapping[str, Ints] | None", seed: int
) -> Pooler:
    """A pooler learnt from these customers; attention from what they bought later, uniform where nobody bought.

    Args:
        customers: their history.
        bought: user -> places of the categories bought from after that history.
    """
    query, freshness = np.zeros(vectors.table.shape[1]), 0.0
    if bought:
        query, freshness = _fit_attention(customers, vectors, bought, seed)
    return Pooler(idf=_idf(customers, vectors), query=query, freshness=freshness)


def _idf(customers: CustomerTokens, vectors: ItemVectors) -> Floats:
    """log(N customers / customers that have the token), shape (V + G,); of a group, that have any token of it."""
    rows, _ = customers.rows_of(vectors)
    width, groups = len(vectors.table), vectors.groups_of_rows
    has = customers.matrix(rows, np.ones(len(rows)), width) @ groups
    frequency = np.asarray((has > 0).sum(axis=0)).ravel()
    idf: Floats = np.log(max(len(customers), 1) / np.maximum(frequency, 1))
    return idf


def _fit_attention(
    customers: CustomerTokens, vectors: ItemVectors, bought: "Mapping[str, Ints]", seed: int
) -> tuple[Floats, float]:
    """Query and freshness that make the pooled vector best tell, by a softmax over categories, what was bought later."""
    import torch

    buyers = np.array([place for place, user in enumerate(customers.users) if user in bought], dtype=np.int64)
    chosen = np.sort(np.random.default_rng(seed).permutation(buyers)[:_ATTENTION_CUSTOMERS])
    some = customers.of_users(chosen)
    rows, _ = some.rows_of(vectors)
    kept = rows >= 0
    user, row = (torch.from_numpy(x[kept]) for x in (some.user, rows))
    pairs = np.array([(u, c) for u, name in enumerate(some.users) for c in bought[name]], dtype=np.int64).reshape(-1, 2)
    if not len(pairs) or not kept.any():
        return np.zeros(vectors.table.shape[1]), 0.0
    n = torch.from_numpy(some.n_events[kept]).float()
    fresh = torch.log(torch.from_numpy(some.recency[kept]).float() / n)
    table = torch.from_numpy(vectors.table)
    generator = torch.Generator().manual_seed(seed)
    query, freshness = torch.zeros(table.shape[1], requires_grad=True), torch.zeros(1, requires_grad=True)
    head = (0.1 * torch.randn(table.shape[1], int(pairs[:, 1].max()) + 1, generator=generator)).requires_grad_()
    optimiser = torch.optim.Adam([query, freshness, head], lr=_LEARNING_RATE, weight_decay=_DECAY)
    owner, category = torch.from_numpy(pairs[:, 0]), torch.from_numpy(pairs[:, 1])
    for _ in range(_EPOCHS):
        weight = n * torch.exp(table[row] @ query + freshness * fresh)
        pooled = torch.zeros(len(some), table.shape[1]).index_add(0, user, weight[:, None] * table[row])
        unit = torch.nn.functional.normalize(pooled, dim=1)
        loss = torch.nn.functional.cross_entropy((5 * unit @ head)[owner], category)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return query.detach().double().numpy(), float(freshness.detach())
