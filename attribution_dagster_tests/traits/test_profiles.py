"""What is said of a trait, with answers computed by hand."""

import numpy as np
import pytest

from attribution_dagster.core.traits.profiles import (
    Outcome,
    example_rows,
    item_rows,
    profile_rows,
    ratios,
    suggested_name,
)
from attribution_dagster_tests.traits.by_hand import customers


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


def test_the_error_of_a_weighted_ratio_is_that_of_drawing_customers_anew() -> None:
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.ones(2), 400)
    sessions = 1.0 + rng.poisson(2, 400)
    converted = rng.binomial(sessions.astype(int), 0.1 + 0.3 * weights[:, 0]).astype(float)
    _, _, lift, error = ratios(weights, converted, sessions)
    drawn = []
    for _ in range(400):
        again = rng.integers(0, 400, 400)
        drawn.append(ratios(weights[again], converted[again], sessions[again])[2])
    assert lift[0] > 0 > lift[1] and np.allclose(np.std(drawn, axis=0), error, rtol=0.15)


def test_a_bargain_hunter_needs_evidence() -> None:
    items = [{"kind": "category", "item_id": "Shoes", "over_representation": 3.0, "item_rank": 1}]
    cheap = {"relative_price": 0.7, "relative_price_high": 0.8}
    assert suggested_name(cheap, items, None)[0] == "Bargain hunter"
    assert suggested_name({**cheap, "relative_price_high": 0.95}, items, None)[0] == "Shoes fans"
    sales = {"sale_share": 0.3, "sale_lift_low": 0.1}
    assert (
        suggested_name(sales, items, 0.1)[0] == "Bargain hunter"
        and suggested_name(sales, items, 0.9)[0] == "Shoes fans"
    )
    assert suggested_name({}, [], None) == ("Like everybody", "nothing stands out against all customers")
