"""The science of traits on worked examples, boundaries and a simulated world."""

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from attribution_dagster.core.traits.alignment import align, identities, match_traits
from attribution_dagster.core.traits.corpus import Corpus, write_corpus
from attribution_dagster.core.traits.customers import CustomerTokens
from attribution_dagster.core.traits.factors import OPTIONS, Factors, coherence, fit_factors, matched
from attribution_dagster.core.traits.item2vec import Item2VecSpec, foretold, map_places, train
from attribution_dagster.core.traits.model import TraitModel, coverage, factored_matrix, one_customer
from attribution_dagster.core.traits.pooling import POOLINGS, Pooler
from attribution_dagster.core.traits.selection import select_factors
from attribution_dagster.core.traits.tasks import Measured
from attribution_dagster.core.traits.tokens import parts_of, token_of
from attribution_dagster.core.traits.vectors import ACTION, CATEGORY, KNOWN, UNKNOWN, ItemVectors, unit_rows
from attribution_dagster_tests.traits.world import PURCHASE, World


@given(st.text(), st.text())
def test_a_token_can_be_taken_apart_whatever_is_in_it(action: str, item: str) -> None:
    action, item = (text.encode("utf-8", "ignore").decode() for text in (action, item))
    token = token_of(action, item)
    assert parts_of(token) == (action, item) and token.isascii() and not any(c.isspace() for c in token)


def test_what_is_no_token_is_refused() -> None:
    for text in ("view", "view|a|b"):
        with pytest.raises(ValueError, match="is no token"):
            parts_of(text)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=4), max_size=6), st.integers(1, 5))
def test_sentences_do_not_depend_on_how_batches_are_cut(sessions: list[list[str]], size: int) -> None:
    import tempfile
    from pathlib import Path

    rows = [
        {"session_id": str(n), "action": "view", "item_id": i, "category": None}
        for n, s in enumerate(sessions)
        for i in s
    ]
    names = ("session_id", "action", "item_id", "category")
    table = pa.Table.from_pylist(rows, schema=pa.schema([(name, pa.string()) for name in names]))
    with tempfile.TemporaryDirectory() as folder:
        corpus = write_corpus(table.to_batches(max_chunksize=size), Path(folder) / "c.txt")
        lines = corpus.path.read_text().split("\n")[:-1]
    assert [[corpus.items[int(word)] for word in line.split()] for line in lines] == sessions
    assert (corpus.n_sessions, corpus.n_tokens) == (len(sessions), len(rows))


def test_two_trainings_from_one_seed_are_the_same_and_need_enough_tokens(corpus: Corpus) -> None:
    spec = Item2VecSpec(dimensions=8, epochs=1)
    one, two, other = (train(corpus, spec, seed) for seed in (1, 1, 2))
    assert np.array_equal(one.vectors, two.vectors) and not np.array_equal(one.vectors, other.vectors)
    assert one.counts.min() >= 5 and list(one.counts) == sorted(one.counts, reverse=True)
    with pytest.raises(ValueError, match="no token occurs 100000 times in"):
        train(corpus, Item2VecSpec(min_count=100_000), 1)
    with pytest.raises(ValueError, match="window=0"):
        Item2VecSpec(window=0)


def hand_made() -> ItemVectors:
    """Tokens view a and view b of category x, buy c of category y."""
    return ItemVectors(
        actions=("view", "view", "buy"),
        items=("a", "b", "c"),
        categories=("x", "x", "y"),
        counts=np.array([3, 1, 1]),
        vectors=np.array([[2, 0], [0, 1], [-1, 0]], dtype=np.float32),
    )


def test_a_token_without_a_vector_falls_back_on_its_category_then_its_action() -> None:
    vectors = hand_made()
    rows, sources = vectors.look_up(
        ["view", "view", "buy", "view", "share"], ["a", "new", "new", "new", "new"], ["x", "x", "x", "z", None]
    )
    assert sources.tolist() == [KNOWN, CATEGORY, CATEGORY, ACTION, UNKNOWN] and rows[4] == -1
    mean = unit_rows(np.array([[3.0, 1.0]]))[0]  # (3 (1, 0) + (0, 1)) / 4, at length one
    assert np.allclose(vectors.table[rows[1]], mean) and np.allclose(vectors.table[rows[2]], mean)
    assert np.allclose(vectors.table[rows[3]], mean)  # all views are of x


def test_nearest_tokens_by_hand() -> None:
    places, cosines = hand_made().nearest(np.array([0]), 2)
    assert places.tolist() == [[1, 2]] and np.allclose(cosines, [[0.0, -1.0]])


def test_the_next_item_counts_by_its_rank() -> None:
    assert foretold(hand_made(), np.array([0]), np.array([2])) == pytest.approx((1.0, 1 / math.log2(3)))
    assert foretold(hand_made(), np.zeros(0, int), np.zeros(0, int)) == (0.0, 0.0)


def entries(rows: list[tuple[int, int, float, float]], vectors: ItemVectors, users: int) -> CustomerTokens:
    """Entries of (user, token, events, recency)."""
    user, token, n, recency = (np.array(column) for column in zip(*rows, strict=True))
    zeros = np.zeros(len(rows))
    return CustomerTokens(
        users=tuple(f"u{number}" for number in range(users)), actions=vectors.actions, items=vectors.items,
        categories=vectors.categories, user=user, token=token, half=np.zeros(len(rows), int), n_events=n.astype(float),
        recency=recency.astype(float), last_at_us=np.arange(len(rows)), price_sum_usd=zeros, n_priced=zeros,
    )  # fmt: skip


def test_each_pooling_by_hand() -> None:
    vectors = hand_made()
    customers = entries([(0, 0, 3, 0.5), (0, 1, 1, 1.0)], vectors, users=2)
    pooler = Pooler(idf=np.array([1.0, 6.0, 1, 1, 1, 1, 1, 1]), query=np.array([0.0, math.log(5)]), freshness=0.0)
    want = {"mean": (3, 1), "tfidf": (3, 6), "recency": (0.5, 1), "attention": (3, 5)}
    for pooling in POOLINGS:
        pooled = pooler.pool(customers, vectors, pooling)
        assert np.allclose(pooled[0], unit_rows(np.array([want[pooling]], dtype=float))[0]), pooling
        assert not pooled[1].any()  # of whom nothing was read
    with pytest.raises(ValueError, match="'median' is no pooling; there are mean, tfidf"):
        pooler.pool(customers, vectors, "median")


def test_inverse_document_frequency_is_over_customers_and_not_negative(
    pooler: Pooler, customers: CustomerTokens, vectors: ItemVectors
) -> None:
    rows, _ = customers.rows_of(vectors)
    having = len(set(customers.user[rows == 0].tolist()))
    assert pooler.idf[0] == pytest.approx(math.log(len(customers) / having)) and (pooler.idf >= 0).all()


def test_recency_halves_with_the_half_life(world: World) -> None:
    table = world.fetch(
        "customer_tokens", since=world.week(0), until=world.week(1), snapshot_at=world.week(1), half_life_us=7 * 86_400_000_000.0,
        item_column="product_id",
    )  # fmt: skip
    single = next(row for row in table.to_pylist() if row["n_events"] == 1)
    age = (world.week(1) - single["last_at"]).total_seconds() / 86_400
    assert single["recency"] == pytest.approx(0.5 ** (age / 7))


def test_coverage_adds_up_and_attention_was_learnt(
    pooler: Pooler, customers: CustomerTokens, vectors: ItemVectors
) -> None:
    shares = coverage(customers, vectors)
    total = sum(shares[name] for name in ("known_share", "category_share", "action_share"))
    assert (
        np.allclose(total, 1)
        and shares["n_events"].sum() == customers.n_events.sum()
        and np.linalg.norm(pooler.query) > 0
    )


@pytest.mark.parametrize("option", OPTIONS)
def test_a_customer_is_described_the_same_alone_and_after_a_refit_of_nothing(
    option: str, pooler: Pooler, customers: CustomerTokens, vectors: ItemVectors, tmp_path
) -> None:
    matrix = factored_matrix(option, pooler, vectors, customers)
    factors = fit_factors(matrix, option, 5)
    assert np.allclose(factors.loadings.sum(axis=1), 1)
    factors.save(tmp_path / "f"), pooler.save(tmp_path / "p"), vectors.save(tmp_path / "v")
    model = TraitModel.load(tmp_path / "v", tmp_path / "p", tmp_path / "f")
    together = model.describe(customers)
    alone = model.describe(customers.of_users(np.array([7])))
    assert np.allclose(together.weights[7], alone.weights[0], atol=1e-9)
    assert np.allclose(together.weights.sum(axis=1), 1) and (together.weights >= 0).all()


def test_a_new_customer_below_the_shift_is_clipped_and_counted_and_nobody_knows_one_without_tokens() -> None:
    factors = Factors(
        option="embeddings",
        loadings=np.array([[0.5, 0.5], [0.0, 1.0]]),  # unclipped, -.8 would outweigh .6 in the first
        shift=np.array([0.0, 0.0]),
        average=np.array([0.25, 0.75]),
    )
    weights, is_fallback, clipped = factors.weights(np.array([[0.6, -0.8], [0.0, 0.0]]))
    assert weights.tolist() == [[1.0, 0.0], [0.25, 0.75]] and is_fallback.tolist() == [False, True] and clipped == 1


def test_more_traits_than_customers_are_refused() -> None:
    with pytest.raises(ValueError, match="5 traits of 3 customers"):
        fit_factors(sparse.csr_matrix(np.eye(3)), "tokens", 5)


def test_traits_are_matched_one_to_one_by_the_largest_total() -> None:
    partner, cosine = matched(np.eye(3)[[2, 0]], np.eye(3))
    assert partner.tolist() == [2, 0] and cosine.tolist() == [1, 1]


def test_numbers_are_chosen_on_customers_held_out_and_purchases_by_others_than_those_who_teach(
    world: World, pooler: Pooler, customers: CustomerTokens, vectors: ItemVectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted, taught, asked = [], [], []

    def fit(matrix, *given, **named):
        fitted.append(matrix.shape[0])
        return fit_factors(matrix, *given, **named)

    class Told:
        def ranked(self, described, users, bought):
            asked.append(set(users))
            return Measured.of(np.ones(40))

    def teach(described, users, bought):
        taught.append(set(users))
        return Told()

    for name, spy in (("fit_factors", fit), ("fit_purchase", teach), ("stability", lambda f, *_: np.ones(f.n_traits))):
        monkeypatch.setattr(f"attribution_dagster.core.traits.selection.{name}", spy)
    past, later, n = world.customers(0, 2), world.customers(2, 3), len(customers)
    select_factors(customers, (past, later), vectors, pooler, numbers=[4], purchase=PURCHASE, seed=0)
    assert (
        fitted == [n - len(range(0, n, 5))] * 2 + [n] * 2
    )  # every fifth is held out; then all teach the traits published
    assert all(not one & other for one, other in zip(taught, asked, strict=True)) and len(taught) == len(OPTIONS)


def test_coherence_of_tokens_that_go_together_is_one_and_of_strangers_minus_one() -> None:
    present = sparse.csr_matrix(np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]))
    found = coherence(np.array([[9, 8, 0, 0], [0, 0, 9, 8]]), present, top=2)
    assert found == pytest.approx([1.0, -1.0])


def test_planted_traits_are_found(
    world: World, pooler: Pooler, customers: CustomerTokens, vectors: ItemVectors
) -> None:
    truth = world.truth(customers.users)
    for option in OPTIONS:
        matrix = factored_matrix(option, pooler, vectors, customers)
        weights, _, _ = fit_factors(matrix, option, 6).weights(matrix)
        _, correlation = matched((truth - truth.mean(axis=0)).T, (weights - weights.mean(axis=0)).T)
        assert correlation.mean() > 0.7, option


def test_new_embeddings_are_turned_onto_old_ones_exactly_where_they_are_a_rotation(vectors: ItemVectors) -> None:
    width = vectors.vectors.shape[1]
    turn, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((width, width)))
    turned = ItemVectors(
        actions=vectors.actions, items=vectors.items, categories=vectors.categories, counts=vectors.counts,
        vectors=(vectors.vectors @ turn).astype(np.float32),
    )  # fmt: skip
    found = align(turned, vectors)
    assert found.after == pytest.approx(1, abs=1e-5) and found.before is not None and found.before < 0.5
    assert np.allclose(found.rotation, turn.T, atol=1e-4) and found.common == len(vectors)
    with pytest.raises(ValueError, match="dimensions"):
        align(hand_made(), vectors)


def test_identity_is_kept_by_what_traits_load_on_and_a_stranger_is_new() -> None:
    kept = match_traits(
        np.array([[0, 1.0], [1.0, 0]]), np.array([[1.0, 0, 0], [0, 0, 1.0]]), ["a", "b"], ["a", "c", "b"], 0.5
    )
    assert [k.previous for k in kept] == [1, 0]
    assert identities(kept, "w2", {0: "w1/0", 1: "w1/1"}) == {0: "w1/1", 1: "w1/0"}
    (new,) = match_traits(np.array([[1.0]]), np.array([[1.0]]), ["z"], ["a"], 0.5)
    assert new.previous is None and identities([new], "w2", {0: "w1/0"}) == {0: "w2/0"}


def test_one_customer_just_seen_is_described_and_the_map_has_a_place_for_each(
    pooler: Pooler, customers: CustomerTokens, vectors: ItemVectors
) -> None:
    matrix = factored_matrix("tokens", pooler, vectors, customers)
    model = TraitModel(vectors=vectors, pooler=pooler, factors=fit_factors(matrix, "tokens", 4))
    seen = [
        {"action": "item_view", "item_id": vectors.items[0], "category": None},
        {"action": "item_view", "item_id": "never seen", "category": None},
    ]
    described = model.describe(one_customer(seen))
    assert (
        described.weights.shape == (1, 4)
        and described.weights.sum() == pytest.approx(1)
        and not described.is_fallback[0]
    )
    assert model.describe(one_customer([{"action": "never", "item_id": "never", "category": None}])).is_fallback[0]
    assert map_places(vectors, 20).shape == (20, 2)
