"""What traits are learnt from, with answers computed by hand: the questions that choose, sentences, categories, reconstruction."""

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from attribution_dagster.core.traits.corpus import Corpus, split_corpus, write_corpus
from attribution_dagster.core.traits.customers import CustomerTokens
from attribution_dagster.core.traits.factors import Factors, reconstruction
from attribution_dagster.core.traits.item2vec import Item2VecSpec, Tried, best, next_item_queries
from attribution_dagster.core.traits.model import one_customer
from attribution_dagster.core.traits.pooling import POOLINGS, Pooler, fit_pooler
from attribution_dagster.core.traits.tasks import MIN_BUYERS, Measured, bought_categories, decisive, fit_purchase
from attribution_dagster_tests.traits.by_hand import VECTORS, customers


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
