"""Traits on examples small enough to answer by hand: what is learnt, chosen, measured and left out."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from scipy import sparse

from attribution_dagster.core.traits.alignment import match_traits
from attribution_dagster.core.traits.catalogue import Asked, Catalogue, ask, blocks, build_catalogue
from attribution_dagster.core.traits.corpus import Corpus, split_corpus, write_corpus
from attribution_dagster.core.traits.customers import CustomerTokens
from attribution_dagster.core.traits.factors import Factors, reconstruction
from attribution_dagster.core.traits.item2vec import Item2VecSpec, Tried, best, next_item_queries
from attribution_dagster.core.traits.model import one_customer
from attribution_dagster.core.traits.pooling import POOLINGS, Pooler, fit_pooler
from attribution_dagster.core.traits.profiles import Outcome, example_rows, item_rows, profile_rows
from attribution_dagster.core.traits.ranking import best_items, ndcg_of
from attribution_dagster.core.traits.recommended import evaluate, reachable_share, wanted_items
from attribution_dagster.core.traits.recommending import choose_blend, explained, scores
from attribution_dagster.core.traits.similar import recall_of
from attribution_dagster.core.traits.tasks import MIN_BUYERS, Measured, bought_categories, decisive, fit_purchase
from attribution_dagster.core.traits.vectors import ItemVectors
from attribution_dagster.warehouse.queries import load_query, transpile

VECTORS = ItemVectors(
    actions=("view", "view", "view", "buy"),
    items=("a", "b", "c", "a"),
    categories=("x", "x", "y", "x"),
    counts=np.array([4, 3, 2, 1]),
    vectors=np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]], dtype=np.float32),
)
TOKENS = list(zip(VECTORS.actions, VECTORS.items, strict=True))


def customers(*histories: dict[str, float], **entries: Any) -> CustomerTokens:
    """One customer for each history, such as {"view a": 2}: token -> events, all fresh, in the order given."""
    rows = [
        (user, TOKENS.index((t.split()[0], t.split()[1])), n) for user, h in enumerate(histories) for t, n in h.items()
    ]
    user, token, n = (np.array(column) for column in zip(*rows, strict=True))
    made = CustomerTokens(
        users=tuple(f"u{number}" for number in range(len(histories))), actions=VECTORS.actions, items=VECTORS.items,
        categories=VECTORS.categories, user=user, token=token, half=np.zeros(len(rows), int), n_events=n.astype(float),
        recency=n.astype(float), last_at_us=np.arange(len(rows)), price_sum_usd=np.zeros(len(rows)), n_priced=np.zeros(len(rows)),
    )  # fmt: skip
    return replace(made, **{name: np.array(values) for name, values in entries.items()})


def measured(n: int) -> Measured:
    return Measured.of(np.linspace(0, 1, n))


def test_fewer_than_thirty_buyers_choose_nothing() -> None:
    assert MIN_BUYERS == 30
    assert decisive(measured(30)).value == 0.5
    for too_few in (measured(29), None):
        assert decisive(too_few).value is None and not len(decisive(too_few).each)


def test_only_purchases_tell_what_is_bought_and_only_of_listed_categories() -> None:
    found = bought_categories(customers({"view c": 1, "buy a": 2}, {"view a": 1}), ("buy",), ["w", "x"])
    assert {user: places.tolist() for user, places in found.items()} == {"u0": [1]}
    assert bought_categories(customers({"buy a": 1}), ("buy",), ["y"]) == {}


def test_a_description_that_tells_everything_ranks_purchases_first_and_one_that_tells_nothing_ties() -> None:
    users, told = tuple(f"u{n}" for n in range(40)), np.repeat(np.eye(2), 20, axis=0)
    bought = {user: np.array([n // 20]) for n, user in enumerate(users)}
    for described, area in ((told, 1.0), (1 - told, 0.0), (np.ones((40, 2)), 0.5)):
        model = fit_purchase(told if area < 0.5 else described, users, bought)
        assert model is not None and model.ranked(described, users, bought).value == area
    assert fit_purchase(told, users, {"u0": np.array([0]), "u1": np.array([0])}) is None  # one category alone


def test_attention_learns_which_token_tells_and_whether_fresh_ones_do() -> None:
    """Everybody buys what he met lately, b or c; what he met long ago, of the same two, and a say nothing."""
    kinds = [
        ({"view a": 6, "view b": 2}, [6, 1.01], 0),
        ({"view a": 6, "view b": 1, "view c": 1}, [6, 1, 0.01], 0),
        ({"view a": 6, "view b": 1, "view c": 1}, [6, 0.01, 1], 1),
        ({"view a": 6, "view c": 2}, [6, 1.01], 1),
    ] * 50
    some = customers(*(history for history, _, _ in kinds), recency=np.concatenate([r for _, r, _ in kinds]))
    bought = {user: np.array([category]) for user, (_, _, category) in zip(some.users, kinds, strict=True)}
    pooler = fit_pooler(some, VECTORS, bought, seed=0)
    weight = pooler.weights("attention", some, some.rows_of(VECTORS)[0], VECTORS)
    told, noise = weight[some.recency == 1], weight[some.recency == 0.01]
    assert pooler.freshness > 0.3 and (told > 3 * noise).all()
    assert pooler.query[0] < min(pooler.query[1:])  # a, which everybody met
    assert not fit_pooler(some, VECTORS, {}, seed=0).query.any()  # nobody bought: the mean


def test_frequencies_of_a_group_are_of_customers_who_have_any_of_it() -> None:
    some = customers({"view a": 9, "view b": 1}, {"view c": 1}, {"buy a": 1}, {"view a": 1})
    pooler = fit_pooler(some, VECTORS, None, seed=0)
    rows, _ = VECTORS.look_up(["view", "view"], ["a", "new"], ["x", "x"])
    assert pooler.idf[rows] == pytest.approx([math.log(4 / 2), math.log(4 / 2)])  # u0 and u3 viewed a, or anything of x
    action, _ = VECTORS.look_up(["view"], ["new"], ["unheard of"])
    assert pooler.idf[action] == pytest.approx([math.log(4 / 3)])


@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_customer_folded_in_is_embedded_exactly_as_among_the_others(pooling: str) -> None:
    """Two events of a, 7 days old and just now, and one of b, 14 days old, with a half-life of a week."""
    batch = customers({"view a": 2, "view b": 1}, {"view c": 3}, recency=[0.5 + 1, 0.25, 3.0])
    pooler = Pooler(idf=np.arange(1.0, 1 + len(VECTORS.table)), query=np.array([0.3, -1, 2]), freshness=0.7)
    events = [
        {"action": "view", "item_id": "b", "category": "x", "age_days": 14},
        {"action": "view", "item_id": "a", "category": "x", "age_days": 7},
        {"action": "view", "item_id": "a"},
    ]
    alone = pooler.pool(one_customer(events, half_life_days=7), VECTORS, pooling)
    assert np.allclose(alone[0], pooler.pool(batch, VECTORS, pooling)[0], atol=1e-6)


def test_the_profile_with_the_best_hit_rate_is_chosen_and_of_equal_ones_the_first() -> None:
    tried = [
        Tried(spec=Item2VecSpec(name=n), n_queries=9, hit_rate_10=h, ndcg_10=0)
        for n, h in zip("abc", (0.1, 0.3, 0.3), strict=True)
    ]
    assert best(tried).spec.name == "b"


def made_corpus(folder: Path, sessions: list[list[str]], category: str | None = "x") -> Corpus:
    """Sessions of items viewed; the category of an item is known from its second event on."""
    seen: set[str] = set()
    rows = []
    for number, session in enumerate(sessions):
        for item in session:
            rows.append(
                {
                    "session_id": str(number),
                    "action": "view",
                    "item_id": item,
                    "category": category if item in seen else None,
                }
            )
            seen.add(item)
    names = ("session_id", "action", "item_id", "category")
    table = pa.Table.from_pylist(rows, schema=pa.schema([(name, pa.string()) for name in names]))
    return write_corpus(table.to_batches(max_chunksize=1), folder / "corpus.txt")


def test_the_latest_sessions_are_held_out_and_no_more_than_so_many_are_kept(tmp_path: Path) -> None:
    corpus = made_corpus(tmp_path, [[f"i{n}", "z"] for n in range(10)])
    path, held_out = split_corpus(corpus, 0.4, tmp_path)
    assert len(path.read_text().splitlines()) == 6
    assert [corpus.items[s[0]] for s in held_out] == ["i6", "i7", "i8", "i9"]
    _, few = split_corpus(corpus, 0.4, tmp_path, most=2)
    assert [corpus.items[s[0]] for s in few] == ["i6", "i8"]  # evenly spread
    assert corpus.categories == [None, "x", *[None] * 9]  # what a later event says of z


def test_the_next_item_is_another_item_with_a_vector(tmp_path: Path) -> None:
    corpus = made_corpus(tmp_path, [["a", "a", "b", "unknown", "c"]])
    sessions = [np.array([corpus.items.index(i) for i in ("a", "a", "b", "unknown", "c")])]
    query, answer = next_item_queries(corpus, sessions, VECTORS, seed=0)
    assert (query.tolist(), answer.tolist()) == ([0], [1])  # a then b; not a then a, nor what is next to the unknown


def test_a_category_is_known_if_any_customer_shows_it() -> None:
    row = {
        "half": 0,
        "n_events": 1,
        "recency": 1.0,
        "last_at": 0,
        "price_sum_usd": None,
        "n_priced": 0,
        "action": "view",
    }
    rows = [
        {**row, "user_id": u, "item_id": i, "category": c}
        for u, i, c in (("u", "a", None), ("u", "b", None), ("v", "a", "x"))
    ]
    types = {
        "half": pa.int64(),
        "n_events": pa.int64(),
        "recency": pa.float64(),
        "last_at": pa.timestamp("us"),
        "price_sum_usd": pa.float64(),
        "n_priced": pa.int64(),
    }
    names = ("user_id", "action", "item_id", "category", *types)
    read = CustomerTokens.from_table(
        pa.Table.from_pylist(rows, schema=pa.schema([(n, types.get(n, pa.string())) for n in names]))
    )
    assert dict(zip(read.items, read.categories, strict=True)) == {"a": "x", "b": None}


def test_reconstruction_is_one_where_the_other_half_is_foretold_and_below_zero_where_it_is_not() -> None:
    factors = Factors(option="embeddings", loadings=np.eye(2), shift=np.zeros(2), average=np.array([0.5, 0.5]))
    first = np.array([[1.0, 0], [0, 1], [1, 1], [2, 1]])
    assert reconstruction(factors, first, first) == pytest.approx((1.0, 0.0))
    share, error = reconstruction(factors, first, first[::-1])
    # Errors are 2, 1, 1 and 2 in squares; around the mean (1, .75) they are .0625 + 1, .0625, 1.0625, .5625.
    target = first[::-1]
    around = ((target - target.mean(axis=0)) ** 2).sum()
    assert share == pytest.approx(1 - ((target - first) ** 2).sum() / around) and share < 0 < error


def outcome(weights: np.ndarray, converted: list[float]) -> Outcome:
    return Outcome(
        weights=weights,
        sessions=np.ones(len(weights)),
        converted=np.array(converted),
        spend_usd=10 * np.array(converted),
    )


def test_lifts_are_of_traits_before_the_window_and_sizes_of_those_at_its_end() -> None:
    """u0 and u1 had trait 0 before; at the end all are of trait 1, and a customer has come of whom nothing was known."""
    some = customers({"buy a": 1}, {"view b": 1}, {"view c": 1}, {"view c": 1}, {"buy a": 1})
    before = np.array([[1.0, 0], [1, 0], [0, 1], [0, 1]])
    first, second = profile_rows(some, np.tile([0.0, 1.0], (5, 1)), (), outcome(before, [1, 0, 0, 0]))
    assert (first["customers"], second["customers"]) == (0, 5) and (first["size_share"], second["size_share"]) == (0, 1)
    assert first["conversion_rate"] == 0.5 and first["conversion_lift"] == 0.25 and second["conversion_lift"] == -0.25
    assert first["spend_usd"] == 5 and first["spend_lift_usd"] == 2.5
    for name in ("conversion_lift{}", "spend_lift{}_usd"):
        low, middle, high = (first[name.format(end)] for end in ("_low", "", "_high"))
        assert low < middle < high and middle - low == pytest.approx(high - middle)
    assert "relative_price" not in first and "sale_share" not in first


def test_prices_are_relative_to_what_the_same_number_of_the_category_would_cost() -> None:
    """Category x: a twice at 1, b twice at 3, so 2 on average. Trait 0 meets a alone, at half of that; and two of three events are sales."""
    some = customers({"view a": 2, "buy a": 1}, {"view b": 2}, price_sum_usd=[2.0, 0.0, 6.0], n_priced=[2.0, 0.0, 2.0])
    first, second = profile_rows(some, np.eye(2), ("view",), outcome(np.eye(2), [0, 0]))
    assert (first["relative_price"], second["relative_price"]) == (0.5, 1.5)
    assert first["sale_share"] == pytest.approx(2 / 3) and first["sale_share_of_all"] == pytest.approx(4 / 5)
    assert first["sale_lift"] == pytest.approx(2 / 3 - 4 / 5)


def test_what_stands_out_has_ten_events_and_a_share_above_everyones() -> None:
    some = customers({"view a": 30, "view b": 9}, {"view a": 30, "view c": 30})
    rows = item_rows(some, np.eye(2), ["view|a", "view|b", "view|c", "buy|a"])
    tokens = {(r["trait"], r["item_id"]): r for r in rows if r["kind"] == "token"}
    assert set(tokens) == {(0, "view|a"), (1, "view|c")}  # b is met too rarely, a is met by all
    assert tokens[1, "view|c"]["over_representation"] == pytest.approx((30 / 60) / (30 / 99))
    assert {(r["trait"], r["item_id"]) for r in rows if r["kind"] == "category"} == {(0, "x"), (1, "y")}


def test_examples_have_most_of_a_trait_and_of_equal_ones_most_events() -> None:
    some = customers({"view a": 1}, {"view a": 7, "view b": 2}, {"view b": 50})
    rows = example_rows(some, np.array([[1.0, 0], [1, 0], [0.5, 0.5]]))
    assert [r["user_id"] for r in rows if r["trait"] == 0] == ["u1", "u0", "u2"]
    assert next((r["example_rank"], r["weight"]) for r in rows if r["trait"] == 1) == (1, 0.5)


def asked_and_catalogue(*histories: dict[str, float]) -> tuple[Asked, Catalogue, CustomerTokens]:
    some = customers(*histories)
    weights = np.tile([0.5, 0.5], (len(histories), 1))
    catalogue = build_catalogue(some, weights, VECTORS)
    return ask(some, catalogue, weights, np.zeros((len(histories), 3)), ("buy",)), catalogue, some


def test_baselines_by_hand() -> None:
    asked, catalogue, _ = asked_and_catalogue(
        {"view a": 5, "view b": 1}, {"view a": 1, "view b": 1, "view c": 1}, {"view a": 9, "buy a": 1}
    )
    assert catalogue.items == ("a", "b", "c") and catalogue.popularity.tolist() == [3, 2, 1]  # customers, not events
    similarity = catalogue.similarity.toarray()
    assert similarity[0] == pytest.approx([0, 2 / math.sqrt(6), 1 / math.sqrt(3)])
    assert scores("popularity", asked, catalogue, {})[2].tolist() == [-np.inf, 2, 1]  # a is owned by the third
    assert scores("co_occurrence", asked, catalogue, {})[0] == pytest.approx(similarity[0] + similarity[1])
    assert asked.last.tolist() == [1, 2, 0]
    later = replace(asked, last=np.array([0, 1, -1]))
    assert scores("last_item", later, catalogue, {})[0, 0] == -1.0  # itself is no recommendation
    assert scores("last_item", later, catalogue, {})[2, 1:].tolist() == [0, 0]  # of whom no item is known


def test_the_last_item_is_the_latest_whatever_the_order_of_rows() -> None:
    some = customers({"view a": 1, "view b": 1}, last_at_us=[9, 3])
    catalogue = build_catalogue(some, np.ones((1, 1)), VECTORS)
    assert ask(some, catalogue, np.ones((1, 1)), np.zeros((1, 3)), ()).last.tolist() == [0]


def test_equal_scores_rank_by_the_catalogue_also_at_the_end_of_the_list() -> None:
    rng = np.random.default_rng(0)
    scored = rng.integers(0, 3, (200, 30)).astype(float)
    scored[0, :25] = -np.inf
    want = np.argsort(-scored, axis=1, kind="stable")[:, :10]
    assert (best_items(scored, 10) == want).all() and best_items(scored, 99).shape == (200, 30)


def test_ndcg_of_more_wanted_items_than_the_list_holds_can_be_one() -> None:
    wanted = sparse.csr_matrix(np.ones((1, 5)))
    assert ndcg_of(np.array([[0, 1]]), wanted) == pytest.approx([1.0])


def test_the_blend_is_what_foretells_and_neither_blocks_nor_what_is_owned_change_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Customers go on to what their trait likes, c; they own a, which trait and everybody's favourite would put first."""
    histories = [{"view a": 9, "view b": 1, "buy a": 1}] * 6 + [{"view a": 1, "view c": 1}]
    asked, catalogue, some = asked_and_catalogue(*histories)
    catalogue = replace(catalogue, shares=np.tile([0.5, 0.0, 0.5], (2, 1)))
    wanted = sparse.csr_matrix(np.tile([0.0, 0, 1], (7, 1)))
    monkeypatch.setattr("attribution_dagster.core.traits.recommending.BLEND_LENGTH", 1)
    chosen = choose_blend(asked, catalogue, wanted, 100, seed=0)
    assert set(chosen) == {"traits"}
    parts = [block for _, block in blocks(asked, cells=6)]
    assert [len(block.last) for block in parts] == [2, 2, 2, 1]
    whole = scores("blend", asked, catalogue, chosen)
    assert np.array_equal(np.concatenate([scores("blend", block, catalogue, chosen) for block in parts]), whole)
    nobody = sparse.csr_matrix((7, 3))
    assert choose_blend(asked, catalogue, nobody, 100, seed=0) == {"recent": 1.0}
    assert some.users[0] == "u0"


def test_a_gain_is_that_of_the_published_lists_over_the_others_and_counts_who_went_on_to_something() -> None:
    """Three of four customers go on to c, which traits foretell and popularity does not."""
    asked, catalogue, some = asked_and_catalogue(
        {"view a": 1}, {"view a": 1}, {"view a": 1, "view b": 1}, {"view b": 1, "view c": 1}
    )
    catalogue = replace(catalogue, shares=np.tile([0.0, 0.0, 1.0], (2, 1)))
    later = customers({"view c": 1}, {"view c": 1}, {"view c": 1}, {"view c": 0})
    later = later.select(later.n_events > 0)
    wanted = wanted_items(later, some.users, asked, catalogue)
    rows = {
        (r["method"], r["metric"]): r
        for r in evaluate(asked, catalogue, wanted, {"traits": 1.0}, "blend")
        if r["cutoff"] == 10
    }
    best_, popular = rows["blend", "ndcg"], rows["popularity", "ndcg"]
    assert best_["n_customers"] == 3 and best_["value"] == 1 and popular["value"] == pytest.approx(0.5)  # c is third
    assert popular["gain_low"] == popular["gain_high"] == pytest.approx(0.5) and best_["gain_low"] is None
    lists = explained(asked, catalogue, {"recent": 1.0}, 1, {})
    assert lists["reason"][0] == "customers who met a also met it"


def test_the_reason_names_the_item_that_speaks_most_for_it() -> None:
    asked, catalogue, _ = asked_and_catalogue(
        {"view a": 1, "view b": 8}, {"view b": 1, "view c": 1}, {"view a": 1, "view c": 1}
    )
    lists = explained(asked, catalogue, {"recent": 1.0}, 1, {})
    assert (lists["product_id"][0], lists["reason"][0]) == ("c", "customers who met b also met it")


def test_what_was_new_in_the_window_is_told_since_no_list_could_hold_it() -> None:
    _, catalogue, some = asked_and_catalogue({"view a": 1}, {"view b": 1})
    later = customers({"view a": 5, "view c": 1}, {"view b": 1}, {"view c": 7})
    assert reachable_share(later, some.users, catalogue) == pytest.approx(2 / 3)  # u2 was not known before
    assert reachable_share(later.select(later.user == 2), some.users, catalogue) is None


def test_a_neighbour_as_near_as_the_farthest_true_one_was_found() -> None:
    assert recall_of(np.array([[0.9, 0.7, 0.7]]), np.array([[0.9, 0.8, 0.7]])) == 1.0
    assert recall_of(np.array([[0.9, 0.6, 0.5]]), np.array([[0.9, 0.8, 0.7]])) == pytest.approx(1 / 3)


def test_traits_are_the_same_from_the_least_similarity_on() -> None:
    new, old = np.array([[3.0, 4.0]]), np.array([[1.0, 0.0]])
    for least, previous in ((0.6, 0), (0.61, None)):
        (kept,) = match_traits(new, old, ["a", "b"], ["a", "b"], least)
        assert kept.previous == previous


EVENTS = """
CREATE TABLE sessions AS SELECT TIMESTAMP '2025-01-06' AS window_start, * FROM (VALUES
    ('good', 'u', TIMESTAMP '2025-01-07 10:00:00', FALSE), ('short', 'u', TIMESTAMP '2025-01-07 11:00:00', FALSE),
    ('blank', 'u', TIMESTAMP '2025-01-07 12:00:00', FALSE), ('bot', 'r', TIMESTAMP '2025-01-07 09:00:00', TRUE)
) AS t(session_id, user_id, started_at, is_bot);
CREATE TABLE session_events AS SELECT TIMESTAMP '2025-01-06' AS window_start, user_id, session_id, event_index, 'view' AS event_type, product_id,
    NULL::VARCHAR AS store_id, 'x' AS primary_category, started_at + INTERVAL (event_index) MINUTE AS event_at, NULL::DOUBLE AS price_usd
FROM sessions JOIN (VALUES
    ('good', 2, $one), ('good', 1, $two), ('good', 3, NULL), ('short', 1, 'p'), ('short', 2, NULL), ('blank', 1, NULL),
    ('bot', 1, 'p'), ('bot', 2, 'q'), ('bot', 3, 'p')
) AS e(session_id, event_index, product_id) USING (session_id)
"""
HOSTILE = ("a|b %7C\n'; DROP TABLE sessions; --", "=cmd|' /C calc'!A0 \u202e<script>")


@pytest.fixture()
def warehouse() -> duckdb.DuckDBPyConnection:
    database = duckdb.connect()
    first, second = EVENTS.split(";\nCREATE")
    database.execute(first)
    database.execute(f"CREATE{second}", {"one": HOSTILE[0], "two": HOSTILE[1]})
    return database


def asked_of(database: duckdb.DuckDBPyConnection, name: str) -> pa.Table:
    query = load_query(f"traits/{name}")
    monday, next_monday = (pa.scalar(f"2025-01-{day}").cast(pa.timestamp("us")).as_py() for day in ("06", "13"))
    values = {
        "window_start": monday,
        "since": monday,
        "until": next_monday,
        "snapshot_at": next_monday,
        "item_column": "product_id",
        "half_life_us": 1e12,
    }
    return database.sql(
        transpile(query, "duckdb"), params={n: v for n, v in values.items() if n in query.parameters}
    ).to_arrow_table()


def test_bots_and_sessions_of_one_token_or_none_are_left_out_and_counted(warehouse: duckdb.DuckDBPyConnection) -> None:
    (counted,) = asked_of(warehouse, "token_counts").to_pylist()
    assert counted == {
        "all_sessions": 4, "bot_sessions": 1, "sessions_without_item": 1, "sessions_of_one_token": 1, "sentences": 1, "tokens": 2,
        "events_without_item": 3,
    }  # fmt: skip
    sentences = asked_of(warehouse, "session_tokens")
    assert sentences["session_id"].to_pylist() == ["good", "good"] and sentences.num_rows == counted["tokens"]
    assert set(asked_of(warehouse, "customer_tokens")["user_id"].to_pylist()) == {"u"}


def test_hostile_names_are_one_word_each_in_the_order_of_the_session(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    corpus = write_corpus(asked_of(warehouse, "session_tokens").to_batches(), tmp_path / "c.txt")
    assert corpus.items == [HOSTILE[1], HOSTILE[0]] and corpus.path.read_text() == "0 1\n"
    read = CustomerTokens.from_table(asked_of(warehouse, "customer_tokens"))
    vectors = replace(
        VECTORS,
        actions=("view", "view"),
        items=HOSTILE,
        categories=("x", None),
        counts=np.array([2, 1]),
        vectors=np.eye(2, dtype=np.float32),
    )
    vectors.save(tmp_path / "v")
    again = ItemVectors.load(tmp_path / "v")
    assert (
        again.items == HOSTILE
        and np.array_equal(again.vectors, vectors.vectors)
        and len((tmp_path / "v" / "vectors.txt").read_text().splitlines()) == 3
    )
    assert set(HOSTILE) <= set(read.items)
