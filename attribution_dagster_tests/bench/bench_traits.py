"""Customer traits: pooling a million customers against a loop over tokens, and training against gensim's own LineSentence.

python -m attribution_dagster_tests.bench.bench_traits
"""

import json
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from attribution_dagster.core.traits.corpus import Corpus, write_corpus
from attribution_dagster.core.traits.customers import CustomerTokens
from attribution_dagster.core.traits.factors import Factors
from attribution_dagster.core.traits.item2vec import Item2VecSpec, train
from attribution_dagster.core.traits.model import TraitModel, one_customer
from attribution_dagster.core.traits.pooling import Pooler
from attribution_dagster.core.traits.similar import neighbours
from attribution_dagster.core.traits.vectors import ItemVectors
from attribution_dagster_tests.bench.measuring import interleaved, row, summary

CUSTOMERS, TOKENS_EACH, VOCABULARY, DIMENSIONS = 1_000_000, 10, 20_000, 64
LOOPED = 4_000
"""Customers of the loop, whose time per customer is taken: a million would take it an hour."""
SIMILAR = 100_000
SESSIONS, LENGTH, WORDS = 40_000, 12, 3_000


def run() -> list[dict]:
    """Rows of name, value, unit."""
    return [*_pooling(), *_training(), *_one_customer(), *_similar()]


def _pooling() -> list[dict]:
    vectors, customers = _made_up(CUSTOMERS)
    pooler = Pooler(idf=np.linspace(0.5, 9, len(vectors.table)), query=np.zeros(DIMENSIONS), freshness=0.0)
    few = customers.of_users(np.arange(LOOPED))
    assert np.allclose(pooler.pool(few, vectors), _loop(few, vectors, pooler.idf), atol=1e-5)
    ours, loop = [], []
    for _ in range(3):  # in turns, so that a busy minute hits both
        began = time.perf_counter()
        pooler.pool(customers, vectors)
        ours.append((time.perf_counter() - began) / CUSTOMERS)
        began = time.perf_counter()
        _loop(few, vectors, pooler.idf)
        loop.append((time.perf_counter() - began) / LOOPED)
    ratio = statistics.median(slow / fast for slow, fast in zip(loop, ours, strict=True))
    return [
        row(f"pooling by TF-IDF, {CUSTOMERS:,} customers", 1 / statistics.median(ours), "customers/s"),
        row("pooling: ours over a loop over tokens", ratio, "times"),
    ]


def _loop(customers: CustomerTokens, vectors: ItemVectors, idf: np.ndarray) -> np.ndarray:
    """The same by looking up each token's vector in gensim and adding it to the customer's list, as tutorials do."""
    from gensim.models import KeyedVectors

    known = KeyedVectors(DIMENSIONS)
    known.add_vectors(vectors.tokens, vectors.unit)
    weight_of = dict(zip(vectors.tokens, idf.tolist(), strict=False))
    tokens = [vectors.tokens[token] for token in customers.token.tolist()]
    of_customer: dict[int, list[tuple[str, float]]] = {}
    for user, token, n in zip(customers.user.tolist(), tokens, customers.n_events.tolist(), strict=True):
        of_customer.setdefault(user, []).append((token, n))
    pooled = np.zeros((len(customers), DIMENSIONS))
    for user, entries in of_customer.items():
        total = np.zeros(DIMENSIONS)
        for token, n in entries:
            if token in known:
                total += n * weight_of[token] * known[token]
        pooled[user] = total / max(float(np.linalg.norm(total)), 1e-12)
    return pooled


def _made_up(n: int) -> tuple[ItemVectors, CustomerTokens]:
    rng = np.random.default_rng(0)
    items = tuple(f"p{number}" for number in range(VOCABULARY))
    vectors = ItemVectors(
        actions=("view",) * VOCABULARY,
        items=items,
        categories=(None,) * VOCABULARY,
        counts=np.full(VOCABULARY, 10),
        vectors=rng.standard_normal((VOCABULARY, DIMENSIONS)).astype(np.float32),
    )
    entries = n * TOKENS_EACH
    ones = np.ones(entries)
    customers = CustomerTokens(
        users=tuple(map(str, range(n))),
        actions=vectors.actions,
        items=items,
        categories=vectors.categories,
        user=np.repeat(np.arange(n), TOKENS_EACH),
        token=rng.integers(0, VOCABULARY, entries),
        half=np.zeros(entries, dtype=np.int64),
        n_events=ones,
        recency=ones,
        last_at_us=np.zeros(entries, dtype=np.int64),
        price_sum_usd=ones,
        n_priced=ones,
    )
    return vectors, customers


def _training() -> list[dict]:
    """From batches of a warehouse to vectors, writing the file included, against the same sentences as text through LineSentence."""
    from gensim.models import Word2Vec
    from gensim.models.word2vec import LineSentence

    rng, spec = np.random.default_rng(0), Item2VecSpec(dimensions=DIMENSIONS, epochs=3)
    words = (WORDS * rng.random(SESSIONS * LENGTH) ** 2).astype(np.int64)
    table = pa.table({
        "session_id": np.repeat(np.arange(SESSIONS).astype(str), LENGTH), "action": ["view"] * len(words),
        "item_id": words.astype(str), "category": pa.nulls(len(words), pa.string()),
    })  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "text.txt"
        lines = words.reshape(SESSIONS, LENGTH).astype(str).tolist()
        text.write_text("\n".join(" ".join(f"view|{word}" for word in line) for line in lines))

        def ours() -> Corpus:
            corpus = write_corpus(table.to_batches(max_chunksize=65_536), Path(folder) / "corpus.txt")
            train(corpus, spec, seed=1)
            return corpus

        def line_sentence() -> None:
            Word2Vec(
                LineSentence(str(text)),
                sg=1,
                vector_size=DIMENSIONS,
                window=5,
                min_count=5,
                epochs=3,
                workers=1,
                seed=1,
            )

        seconds, memory = interleaved({"ours": ours, "LineSentence": line_sentence}, rounds=3)
    return summary("item2vec", seconds, memory, 3 * len(words), "tokens/s")


def _one_customer() -> list[dict]:
    """A customer just seen, described by what was learnt of others: no refit."""
    vectors, _ = _made_up(1)
    width = len(vectors.table)
    rng = np.random.default_rng(0)
    model = TraitModel(
        vectors=vectors,
        pooler=Pooler(idf=np.ones(width), query=np.zeros(DIMENSIONS), freshness=0.0),
        factors=Factors(
            option="tokens", loadings=rng.random((16, width)), shift=np.zeros(width), average=np.ones(16) / 16
        ),
    )
    seen = [{"action": "view", "item_id": f"p{number}", "category": None} for number in range(30)]
    times = []
    for _ in range(50):
        began = time.perf_counter()
        customer = one_customer(seen)
        model.embed(customer)
        model.describe(customer)
        times.append(time.perf_counter() - began)
    return [row("one new customer: embedding and traits", 1000 * statistics.median(times), "ms")]


def _similar() -> list[dict]:
    """The ten nearest of each of 100,000 customers by the index, building it included; processor time, since it is built by one thread."""
    profiles = np.random.default_rng(0).dirichlet(np.full(16, 0.2), SIMILAR)
    began = time.process_time()
    found = neighbours(profiles, 10)
    seconds = time.process_time() - began
    assert not found.is_exact
    return [
        row(f"similar customers by the index, {SIMILAR:,} customers", SIMILAR / seconds, "customers/s of a processor"),
        row("similar customers by the index: true neighbours found", found.recall, "share"),
    ]


if __name__ == "__main__":
    for each in run():
        print(json.dumps(each))
