"""Recommendations, neighbours and traits that stay the same, with answers computed by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from attribution_dagster.core.traits.alignment import match_traits
from attribution_dagster.core.traits.catalogue import Asked, Catalogue, ask, blocks, build_catalogue
from attribution_dagster.core.traits.customers import CustomerTokens
from attribution_dagster.core.traits.ranking import best_items, ndcg_of
from attribution_dagster.core.traits.ranking import recall_of as recall_of_list
from attribution_dagster.core.traits.recommended import evaluate, reachable_share, wanted_items
from attribution_dagster.core.traits.recommending import choose_blend, explained, scores
from attribution_dagster.core.traits.similar import recall_of
from attribution_dagster_tests.traits.by_hand import VECTORS, customers


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


def test_recall_and_ndcg_by_hand() -> None:
    wanted = sparse.csr_matrix(np.array([[1.0, 0, 1, 0], [0, 1, 0, 0]]))
    best = np.array([[0, 1], [3, 1]])
    assert recall_of_list(best, wanted).tolist() == [0.5, 1.0]
    second = 1 / math.log2(3)
    assert ndcg_of(best, wanted) == pytest.approx([1 / (1 + second), second])
