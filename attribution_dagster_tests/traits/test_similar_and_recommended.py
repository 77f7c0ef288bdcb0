"""Similar customers and recommendations: found again by another half, against exact neighbours, without what is owned."""

import numpy as np
import pytest

from attribution_dagster.core.traits.catalogue import ask, build_catalogue
from attribution_dagster.core.traits.customers import CustomerTokens
from attribution_dagster.core.traits.factors import fit_factors
from attribution_dagster.core.traits.model import factored_matrix
from attribution_dagster.core.traits.pooling import Pooler
from attribution_dagster.core.traits.ranking import best_items
from attribution_dagster.core.traits.recommended import evaluate, wanted_items
from attribution_dagster.core.traits.recommending import METHODS, explained, scores
from attribution_dagster.core.traits.similar import neighbours
from attribution_dagster.core.traits.tasks import other_half
from attribution_dagster.core.traits.vectors import ItemVectors, unit_rows
from attribution_dagster_tests.traits.world import PURCHASE, World


def test_a_customer_is_found_again_by_his_other_half(
    pooler: Pooler, customers: CustomerTokens, vectors: ItemVectors
) -> None:
    found = other_half(customers, lambda some: pooler.pool(some, vectors), seed=0)
    chance = sum(1 / rank for rank in range(1, len(found.each) + 1)) / len(found.each)
    assert found.low is not None and found.low > 2 * chance
    nothing = other_half(customers, lambda some: np.ones((len(some), 2)), seed=0)
    assert np.allclose(nothing.each, 2 / (len(nothing.each) + 1))  # all tied: the middle rank


def test_the_approximate_index_finds_the_true_neighbours() -> None:
    profiles = np.random.default_rng(0).dirichlet(np.full(8, 0.3), 1500)
    exact, near = neighbours(profiles, 5), neighbours(profiles, 5, exact_below=1000)
    assert exact.is_exact and not near.is_exact and near.recall >= 0.95
    assert (exact.places != np.arange(1500)[:, None]).all() and (near.places != np.arange(1500)[:, None]).all()
    assert np.mean(near.cosines >= exact.cosines - 1e-5) >= 0.95
    unit = unit_rows(profiles)
    for found in (exact, near):
        assert np.allclose(np.einsum("nd,ncd->nc", unit, unit[found.places]), found.cosines, atol=1e-5)
    assert neighbours(profiles[:3], 10).places.shape == (3, 2) and neighbours(profiles[:1], 10).places.shape == (1, 0)


def test_every_method_leaves_out_what_is_owned_and_beats_nobody_by_cheating(
    world: World, pooler: Pooler, customers: CustomerTokens, vectors: ItemVectors
) -> None:
    matrix = factored_matrix("tokens", pooler, vectors, customers)
    weights, _, _ = fit_factors(matrix, "tokens", 6).weights(matrix)
    catalogue = build_catalogue(customers, weights, vectors)
    asked = ask(customers, catalogue, weights, pooler.pool(customers, vectors), PURCHASE)
    blend = {"recent": 1.0, "traits": 1.0}
    owned = asked.owned.toarray() > 0
    for method in METHODS:
        scored = scores(method, asked, catalogue, blend)
        assert np.isneginf(scored[owned]).all() and np.isfinite(scored[~owned]).all(), method
        assert not np.take_along_axis(owned, best_items(scored, 10), axis=1).any(), method
    wanted = wanted_items(world.customers(3, 4), customers.users, asked, catalogue)
    assert not wanted.multiply(asked.owned).nnz
    rows = evaluate(asked, catalogue, wanted, blend, "blend")
    value = {r["method"]: r["value"] for r in rows if (r["metric"], r["cutoff"]) == ("ndcg", 10)}
    assert value["blend"] > value["popularity"] and value["traits"] > value["popularity"] and len(rows) == 30
    lists = explained(asked, catalogue, blend, 5, dict.fromkeys(range(6), "Fans"))
    assert set(lists["recommendation_rank"]) <= {1, 2, 3, 4, 5} and all(lists["reason"]) and min(lists["score"]) > 0
    with pytest.raises(ValueError, match="'magic' is no method"):
        scores("magic", asked, catalogue, blend)
