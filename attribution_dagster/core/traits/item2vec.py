"""Item2Vec: skip-gram with negative sampling over sessions, and the small search for the profile that foretells the next item.

Barkan and Koenigstein 2016 (arXiv 1603.04259). That window, epochs, thinning and the exponent of the negatives matter most for items:
Caselles-Dupre et al. 2018 (arXiv 1804.04212).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from attribution_dagster.core.traits.corpus import Corpus
from attribution_dagster.core.traits.vectors import ItemVectors

Ints = npt.NDArray[np.int64]
_QUERIES = 4_000


@dataclass(frozen=True, kw_only=True)
class Item2VecSpec:
    """A profile of the training. One worker: with several, words are updated in the order in which threads come."""

    name: str = "usual"
    dimensions: int = 64
    window: int = 5
    min_count: int = 5
    negative: int = 5
    epochs: int = 10
    sample: float = 1e-3
    ns_exponent: float = 0.75
    workers: int = 1

    def __post_init__(self) -> None:
        """Refuse numbers that gensim would take silently."""
        for name in ("dimensions", "window", "min_count", "negative", "epochs", "workers"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} must be at least 1")


PROFILES: tuple[Item2VecSpec, ...] = (
    Item2VecSpec(),
    Item2VecSpec(name="rare_negatives", epochs=30, ns_exponent=-0.5, sample=1e-4),
    Item2VecSpec(name="even_negatives", epochs=30, ns_exponent=0.0),
    Item2VecSpec(name="thinned", window=10, epochs=30, sample=1e-4),
    Item2VecSpec(name="whole_session", window=20, epochs=30),
    Item2VecSpec(name="longer", epochs=30),
)
"""What the search tries, the usual profile first; with a `dimensions` of the caller's."""


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A profile and how well it foretold the next item of held-out sessions."""

    spec: Item2VecSpec
    n_queries: int
    hit_rate_10: float
    ndcg_10: float


def train(corpus: Corpus, spec: Item2VecSpec, seed: int, path: Path | None = None) -> ItemVectors:
    """Vectors of all tokens that occur `min_count` times in the corpus, or in another file of its words.

    Raises:
        ValueError: no token occurs so often.
    """
    from gensim.models import Word2Vec

    try:
        model = Word2Vec(
            corpus_file=str(path or corpus.path), sg=1, hs=0, vector_size=spec.dimensions, window=spec.window,
            min_count=spec.min_count, negative=spec.negative, epochs=spec.epochs, sample=spec.sample,
            ns_exponent=spec.ns_exponent, workers=spec.workers, seed=seed,
        )  # fmt: skip
    except RuntimeError as error:
        raise ValueError(
            f"no token occurs {spec.min_count} times in {corpus.n_sessions} sessions with {corpus.n_tokens} tokens: use more or longer "
            "windows, a coarser item such as traits: {item: primary_category}, or no traits at all, traits: null"
        ) from error
    words = np.array(model.wv.index_to_key, dtype=np.int64)
    counts = [model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key]
    return ItemVectors(
        actions=tuple(corpus.actions[word] for word in words),
        items=tuple(corpus.items[word] for word in words),
        categories=tuple(corpus.categories[word] for word in words),
        counts=np.array(counts, dtype=np.int64),
        vectors=model.wv.vectors.copy(),
    )


def next_item_queries(corpus: Corpus, sessions: Sequence[Ints], vectors: ItemVectors, seed: int) -> tuple[Ints, Ints]:
    """Rows of tokens and of the token that came next in the same session, of another item and known; at most 4,000 pairs drawn from all."""
    row_of = {pair: row for row, pair in enumerate(zip(vectors.actions, vectors.items, strict=True))}
    rows = np.array([row_of.get(pair, -1) for pair in zip(corpus.actions, corpus.items, strict=True)], dtype=np.int64)
    item_of = np.unique(np.array(corpus.items), return_inverse=True)[1]
    before = np.concatenate([s[:-1] for s in sessions] or [np.zeros(0, np.int64)])
    after = np.concatenate([s[1:] for s in sessions] or [np.zeros(0, np.int64)])
    usable = (rows[before] >= 0) & (rows[after] >= 0) & (item_of[before] != item_of[after])
    pairs = np.flatnonzero(usable)
    drawn = np.sort(np.random.default_rng(seed).permutation(pairs)[:_QUERIES])
    return rows[before[drawn]], rows[after[drawn]]


def foretold(vectors: ItemVectors, query: Ints, answer: Ints) -> tuple[float, float]:
    """Share of the answers among the ten nearest tokens of their query, and the same discounted by rank; 0 without queries."""
    gains = []
    for start in range(0, len(query), 512):
        nearest, _ = vectors.nearest(query[start : start + 512], 10)
        found = nearest == answer[start : start + 512, None]
        gains.append(np.stack([found.any(axis=1), (found / np.log2(np.arange(2, found.shape[1] + 2))).sum(axis=1)]))
    hits, ndcg = np.concatenate(gains, axis=1).mean(axis=1) if gains else (0.0, 0.0)
    return float(hits), float(ndcg)


def search(
    corpus: Corpus, first: Path, held_out: Sequence[Ints], profiles: Sequence[Item2VecSpec], seed: int
) -> list[Tried]:
    """Each profile trained on the first sessions and asked for the next items of the others, in the order given."""
    tried = []
    for spec in profiles:
        vectors = train(corpus, spec, seed, first)
        query, answer = next_item_queries(corpus, held_out, vectors, seed)
        hits, ndcg = foretold(vectors, query, answer)
        tried.append(Tried(spec=spec, n_queries=len(query), hit_rate_10=hits, ndcg_10=ndcg))
    return tried


def best(tried: Sequence[Tried]) -> Tried:
    """The profile with the highest hit rate; of equal ones the first."""
    return max(tried, key=lambda each: each.hit_rate_10)


def map_places(vectors: ItemVectors, shown: int) -> npt.NDArray[np.float64]:
    """Places of the `shown` most frequent tokens on a plane, shape (shown, 2): the two directions in which they differ most (PCA)."""
    unit = vectors.unit[:shown].astype(np.float64)
    centred = unit - unit.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    # The sign of an axis is arbitrary: the entry of largest size points up.
    axes = axes[:2] * np.sign(axes[:2][np.arange(len(axes[:2])), np.abs(axes[:2]).argmax(axis=1)])[:, None]
    return np.pad(centred @ axes.T, ((0, 0), (0, 2 - len(axes))))
