"""Traits against planted truth, what pools and recommends best, and real events: the tables of docs/traits.md.

python -m attribution_dagster_tests.verify.traits               # simulated shoppers, three seeds
python -m attribution_dagster_tests.verify.traits taobao FILE   # real events, at the level of categories
"""

import datetime
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt

from attribution_dagster.core.traits.catalogue import ask, build_catalogue
from attribution_dagster.core.traits.corpus import split_corpus
from attribution_dagster.core.traits.customers import CustomerTokens
from attribution_dagster.core.traits.factors import OPTIONS, fit_factors, matched
from attribution_dagster.core.traits.item2vec import PROFILES, best, search, train
from attribution_dagster.core.traits.model import TraitModel, factored_matrix
from attribution_dagster.core.traits.pooling import POOLINGS, Pooler, fit_pooler
from attribution_dagster.core.traits.profiles import ratios
from attribution_dagster.core.traits.recommended import evaluate, wanted_items
from attribution_dagster.core.traits.recommending import choose_blend
from attribution_dagster.core.traits.selection import select_factors
from attribution_dagster.core.traits.tasks import bought_categories, fit_purchase, other_half
from attribution_dagster.core.traits.vectors import ItemVectors
from attribution_dagster_tests.traits.world import PURCHASE, Tables, World, build, sessions_of

USERS, WEEKS, SEEDS = 1500, 5, (0, 1, 2)
PLANTED = 6
DIMENSIONS = 32
Floats = npt.NDArray[np.float64]


def recovery(weights: Floats, truth: Floats) -> tuple[float, float]:
    """Mean correlation of planted traits with those they are matched with, 0 for one without, and the adjusted Rand of dominant traits."""
    from sklearn.metrics import adjusted_rand_score

    centred = [(matrix - matrix.mean(axis=0)).T for matrix in (truth, weights)]
    _, correlation = matched(*centred)
    return float(correlation.mean()), float(adjusted_rand_score(truth.argmax(axis=1), weights.argmax(axis=1)))


def simulated() -> None:
    """Prints recovery per option, then pooling, then recommendations."""
    found: dict[str, list[tuple[float, float]]] = {}
    for seed in SEEDS:
        world = build(users=USERS, weeks=WEEKS, seed=seed)
        tables = measured(world, weeks=WEEKS - 1, item="product_id", purchase=PURCHASE, seed=seed)
        for name, weights in _recovered(world, *tables).items():
            found.setdefault(name, []).append(recovery(weights, world.truth(tables[0].users)))
    print("\n| traits from | matched correlation, by seed | adjusted Rand, by seed |\n|---|---|---|")
    for name, rows in found.items():
        said = (", ".join(f"{row[place]:.2f}" for row in rows) for place in (0, 1))
        print(f"| {name} | {' | '.join(said)} |", flush=True)


def _recovered(
    world: World, customers: CustomerTokens, vectors: ItemVectors, pooler: Pooler, chosen: TraitModel
) -> Mapping[str, Floats]:
    """Weights of the customers by each option and baseline."""
    from sklearn.cluster import KMeans
    from sklearn.decomposition import NMF

    rows, _ = customers.rows_of(vectors)
    counts = customers.matrix(rows, customers.n_events, len(vectors.table))
    found = {
        f"the default ({chosen.factors.option}, {chosen.factors.n_traits} chosen)": chosen.describe(customers).weights
    }
    for option in OPTIONS:
        matrix = factored_matrix(option, pooler, vectors, customers)
        for number in (PLANTED, 16):
            found[f"NMF of {option}, {number}"] = fit_factors(matrix, option, number).weights(matrix)[0]
        clusters = KMeans(PLANTED, n_init=5, random_state=0).fit_predict(matrix)
        found[f"k-means of {option}, {PLANTED}"] = np.eye(PLANTED)[clusters]
    plain = NMF(PLANTED, init="nndsvd", max_iter=200).fit_transform(counts)
    found[f"NMF of plain counts, {PLANTED}"] = plain / np.maximum(plain.sum(axis=1, keepdims=True), 1e-12)
    # The name of the default differs from seed to seed; its row does not.
    return {
        name if not name.startswith("the default") else "the default, number chosen": w for name, w in found.items()
    }


def measured(
    tables: Tables, *, weeks: int, item: str, purchase: tuple[str, ...], seed: int
) -> tuple[CustomerTokens, ItemVectors, Pooler, TraitModel]:
    """Learns from the windows but the last, prints each comparison on the last, and returns the customers and what was learnt."""
    with tempfile.TemporaryDirectory() as folder:
        corpus = tables.corpus(weeks, Path(folder) / "sessions.txt", item=item)
        first, held_out = split_corpus(corpus, 0.2, Path(folder))
        tried = search(corpus, first, held_out, [replace(p, dimensions=DIMENSIONS) for p in PROFILES], seed)
        vectors = train(corpus, best(tried).spec, seed)
    print(f"\nseed {seed}: {corpus.n_sessions} sessions, {corpus.n_tokens} tokens, {len(vectors)} in the vocabulary, which covers "
          f"{vectors.counts.sum() / corpus.n_tokens:.1%} of the events and {len(set(vectors.items)) / len(set(corpus.items)):.1%} of the items")  # fmt: skip
    for each in tried:
        print(f"| {each.spec.name} | {each.n_queries} | {each.hit_rate_10:.3f} | {each.ndcg_10:.3f} |")
    past, target = tables.customers(0, weeks - 1, item=item), tables.customers(weeks - 1, weeks, item=item)
    now, later = tables.customers(0, weeks, item=item), tables.customers(weeks, weeks + 1, item=item)
    categories = sorted({c for c in vectors.categories if c is not None})
    earlier, after = (bought_categories(each, purchase, categories) for each in (target, later))
    pooler = fit_pooler(past, vectors, earlier, seed)

    def said(name: str, describe: Callable[[CustomerTokens], Floats]) -> None:
        model = fit_purchase(describe(past), past.users, earlier)
        ranked = model.ranked(describe(now), now.users, after) if model else None
        half = other_half(now, describe, seed)
        auc = f"{ranked.value:.3f} ({ranked.low:.3f} to {ranked.high:.3f})" if ranked else "unknown"
        print(f"| {name} | {auc} | {half.value:.4f} ({half.low:.4f} to {half.high:.4f}) |", flush=True)

    for pooling in POOLINGS:
        said(pooling, lambda some, pooling=pooling: pooler.pool(some, vectors, pooling))  # type: ignore[misc]
    chosen = select_factors(
        now, (past, target), vectors, pooler, numbers=(4, 6, 8, 12, 16, 24), purchase=purchase, seed=seed
    )
    for row in chosen.rows:
        mark = "*" if row["is_default"] else ""
        print(
            f"| {row['option']} | {row['traits']}{mark} | {row['metric']} | {row['value']} | {row['standard_error']} |"
        )
    model = TraitModel(vectors=vectors, pooler=pooler, factors=chosen.factors)
    said("traits", lambda some: model.describe(some).weights)
    _lifts(tables, model, {"before it": now, "the window included": tables.customers(0, weeks + 1, item=item)}, weeks)
    _recommended(model, (past, target), (now, later), purchase)
    return now, vectors, pooler, model


def _lifts(tables: Tables, model: TraitModel, histories: Mapping[str, CustomerTokens], window: int) -> None:
    """Prints each trait's lift of conversion in the window, for traits of the history before it, and of one that has it."""
    rows = tables.database.execute(
        "SELECT user_id, COUNT(*), SUM(CAST(is_converted AS INTEGER)) FROM sessions WHERE window_start = ? GROUP BY user_id",
        [tables.week(window)],
    ).fetchall()
    for name, customers in histories.items():
        place = {user: row for row, user in enumerate(customers.users)}
        sums = np.zeros((2, len(customers)))
        for user, *numbers in rows:
            if user in place:
                sums[:, place[user]] = numbers
        _, everyone, lift, error = ratios(model.describe(customers).weights, sums[1], sums[0])
        said = ", ".join(f"{100 * x:+.1f} ({100 * e:.1f})" for x, e in zip(lift, error, strict=True))
        print(
            f"lift of conversion in points (standard error), traits of the history {name}, {everyone:.1%} of all sessions: {said}"
        )


def _recommended(
    model: TraitModel,
    before: tuple[CustomerTokens, CustomerTokens],
    present: tuple[CustomerTokens, CustomerTokens],
    purchase: tuple[str, ...],
) -> None:
    made = []
    for customers, later in (before, present):
        weights = model.describe(customers).weights
        catalogue = build_catalogue(customers, weights, model.vectors)
        asked = ask(customers, catalogue, weights, model.embed(customers), purchase)
        made.append((asked, catalogue, wanted_items(later, customers.users, asked, catalogue)))
    blend = choose_blend(*made[0], 1_000, 0)
    print(f"blend {blend}")
    for row in evaluate(*made[1], blend, "blend"):
        low, high, gain_low, gain_high = (row.get(n) for n in ("value_low", "value_high", "gain_low", "gain_high"))
        interval = f" ({low:.4f} to {high:.4f})" if low is not None else ""
        gain = f"{gain_low:+.4f} to {gain_high:+.4f}" if gain_low is not None else ""
        print(
            f"| {row['method']} | {row['metric']} at {row['cutoff']} | {row['value']:.4f}{interval} | {gain} |",
            flush=True,
        )


def taobao(file: str) -> None:
    """The same on real events: eight days, the last of which is foretold."""
    events = duckdb.sql(
        f"""SELECT user_id || '-' || item_id || '-' || behavior || '-' || ts AS event_id, CAST(user_id AS VARCHAR) AS user_id,
        TO_TIMESTAMP(ts) AT TIME ZONE 'Asia/Shanghai' AS event_at, behavior AS event_type, CAST(NULL AS VARCHAR) AS store_id,
        CAST(category_id AS VARCHAR) AS primary_category, CAST(item_id AS VARCHAR) AS product_id, CAST(NULL AS DOUBLE) AS price_usd
        FROM '{file}'"""
    ).to_arrow_table()
    database = sessions_of(events, window="day", purchase="buy")
    tables = Tables(database=database, start=datetime.datetime(2017, 11, 25), days=1)
    for item in ("product_id", "primary_category"):
        counted = database.sql(
            f"SELECT SUM(n) FILTER (n >= 5) / SUM(n) FROM (SELECT event_type, {item}, COUNT(*) AS n FROM session_events GROUP BY ALL)"
        ).fetchall()
        print(f"tokens of {item} seen five times cover {counted[0][0]:.1%} of the events")
    measured(tables, weeks=8, item="primary_category", purchase=("buy",), seed=0)


if __name__ == "__main__":
    if sys.argv[1:2] == ["taobao"]:
        taobao(sys.argv[2])
    else:
        simulated()
