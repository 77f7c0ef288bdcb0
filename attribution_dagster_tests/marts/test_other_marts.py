"""Positions, categories, stores and the leakage comparison."""

import pyarrow as pa
import pytest

from attribution_dagster_tests.marts.engine import WINDOW, attribution_table, occurrence, run_mart, run_sql, suspected


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        *((0, "1-5"), (4, "1-5"), (5, "6-10"), (9, "6-10"), (10, "11-20"), (19, "11-20")),
        *((20, "21-50"), (49, "21-50"), (50, "50+"), (51, "50+"), (900, "50+")),
    ],
)
def test_bins_count_from_one_and_50_plus_begins_at_the_51st_event(position, expected):
    (row,) = run_mart("transformer_position_attribution", [occurrence("a", 1, 1, event_position=position)]).to_pylist()
    assert row["position_bin"] == expected
    (row,) = run_mart(
        "transformer_event_position_attribution", [occurrence("a", 1, 1, event_position=position)]
    ).to_pylist()
    assert (row["event_type"], row["position_bin"]) == ("click", expected)


def test_bin_order_sorts_the_bins():
    rows = [occurrence("a", 1, 1, event_position=position) for position in (60, 30, 15, 7, 1)]
    table = run_mart("transformer_position_attribution", rows).sort_by("bin_order")
    assert table["position_bin"].to_pylist() == ["1-5", "6-10", "11-20", "21-50", "50+"]
    assert table["bin_order"].to_pylist() == [1, 2, 3, 4, 5]


def test_event_by_position_keeps_the_cells_apart_and_marks_the_funnel():
    rows = [
        occurrence("a", 1, 0.1, event_type="cart", event_position=0),
        occurrence("a", 1, 0.5, event_type="cart", event_position=5),
        occurrence("a", 1, 0.9, event_type="view", event_position=5),
    ]
    table = run_mart("transformer_event_position_attribution", rows, funnel=("cart",)).to_pylist()
    cells = {(row["event_type"], row["position_bin"]): (row["mean_centred_effect"], row["is_funnel"]) for row in table}
    assert cells == {("cart", "1-5"): (0.1, True), ("cart", "6-10"): (0.5, True), ("view", "6-10"): (0.9, False)}


def test_events_without_category_or_tag_form_rows_of_their_own():
    rows = [
        occurrence("a", 1, 0.1, primary_category="food", primary_tag="pizza"),
        occurrence("a", 1, 0.2, primary_category="food"),
        occurrence("a", 0, 0.3),
        occurrence("b", 0, 0.5),
    ]
    table = run_mart("transformer_category_attribution", rows).to_pylist()
    cells = {(row["primary_category"], row["primary_tag"]): row["mean_centred_effect"] for row in table}
    assert cells == pytest.approx({("food", "pizza"): 0.1, ("food", None): 0.2, (None, None): 0.4})
    assert sum(row["occurrences"] for row in table) == len(rows)


def stores(rows, **options):
    table = run_mart("transformer_store_attribution", rows, **options).to_pylist()
    return {(row["store_id"], row["label"]): row for row in table}


def test_a_store_has_a_row_for_each_label_and_one_effect_over_both():
    rows = [
        occurrence("a", 1, 0.6, store_id="s", store_name="Sole", gradient_attribution=0.2),
        occurrence("a", 1, 0.2, store_id="s", store_name="Sole", gradient_attribution=0.4),
        occurrence("b", 0, 0.1, store_id="s", store_name="Sole", gradient_attribution=0.5),
    ]
    table = stores(rows)
    assert (table["s", 1]["mean"], table["s", 1]["count"], table["s", 1]["sessions"]) == (pytest.approx(0.3), 2, 1)
    assert (table["s", 0]["mean"], table["s", 0]["count"], table["s", 0]["sessions"]) == (pytest.approx(0.5), 1, 1)
    assert (table["s", 1]["centred_mean"], table["s", 0]["centred_mean"]) == pytest.approx((0.4, 0.1))
    for label in (0, 1):
        assert table["s", label]["mean_centred_effect"] == pytest.approx(0.3)
        assert (table["s", label]["occurrences"], table["s", label]["users"], table["s", label]["driver_rank"]) == (
            3,
            2,
            1,
        )


def test_events_without_a_store_are_counted_but_never_ranked():
    rows = [occurrence("a", 1, 9.0), occurrence("a", 1, 0.1, store_id="s"), occurrence("b", 0, 0.2, store_id="t")]
    table = stores(rows)
    assert (table[None, 1]["count"], table[None, 1]["driver_rank"]) == (1, None)
    assert (table["t", 0]["driver_rank"], table["s", 1]["driver_rank"]) == (1, 2)
    assert sum(row["count"] for row in table.values()) == len(rows)


def test_a_store_known_by_its_name_only_is_a_store():
    table = run_mart("transformer_store_attribution", [occurrence("a", 1, 1, store_name="Sole")]).to_pylist()
    assert [(row["store_id"], row["store_name"], row["driver_rank"]) for row in table] == [(None, "Sole", 1)]


def test_support_of_a_store_counts_users_over_both_labels():
    rows = [
        occurrence("a", 1, 1, store_id="s"),
        occurrence("b", 0, 1, store_id="s"),
        occurrence("a", 1, 1, store_id="t"),
    ]
    table = stores(rows, minimum_support=2)
    assert table["s", 1]["has_minimum_support"] and table["s", 0]["has_minimum_support"]
    assert (table["t", 1]["has_minimum_support"], table["t", 1]["driver_rank"]) == (False, None)


def event_table(**lifts):
    return pa.table(
        {
            "window_start": pa.array([WINDOW] * len(lifts), pa.timestamp("us")),
            "event_type": pa.array(lifts, pa.string()),
            "attribution_lift": pa.array(lifts.values(), pa.float64()),
            "mean_centred_effect": pa.array([0.5] * len(lifts), pa.float64()),
            "driver_rank": pa.array(range(1, len(lifts) + 1), pa.int64()),
            "is_funnel": [name.startswith("cart") for name in lifts],
        }
    )


def of_events(plain=(), leaky=()):
    """Both variants' attributions."""
    return {
        "gradient_attribution_no_funnel": attribution_table(plain),
        "gradient_attribution_with_funnel": attribution_table(leaky),
    }


def test_leakage_joins_both_sides_and_a_funnel_event_has_no_lift_without_the_funnel():
    tables = {
        "transformer_event_attribution_no_funnel": event_table(click=0.1, only_without=0.2, one_sided=None),
        "transformer_event_attribution_with_funnel": event_table(click=0.4, cart_add=0.7, one_sided=0.3),
        "suspected_leakage": suspected("cart_add"),
        **of_events(),
    }
    rows = {row["event_type"]: row for row in run_sql("leakage_comparison", tables).to_pylist()}
    amounts = {name: row["leakage_amount"] for name, row in rows.items()}
    assert amounts == pytest.approx({"click": 0.3, "cart_add": 0.7, "one_sided": 0.3, "only_without": None})
    assert (rows["cart_add"]["no_funnel_lift"], rows["cart_add"]["is_funnel"]) == (None, True)
    assert (rows["only_without"]["with_funnel_lift"], rows["only_without"]["is_funnel"]) == (None, False)
    assert {name: row["is_suspected"] for name, row in rows.items() if row["is_suspected"]} == {"cart_add": True}
    assert (rows["cart_add"]["with_funnel_rank"], rows["cart_add"]["no_funnel_rank"]) == (2, None)


def test_leakage_compares_one_window_only():
    other = event_table(click=9.0).set_column(
        0, "window_start", pa.array([WINDOW.replace(year=2024)], pa.timestamp("us"))
    )
    tables = {
        "transformer_event_attribution_no_funnel": pa.concat_tables([event_table(click=0.1), other]),
        "transformer_event_attribution_with_funnel": pa.concat_tables([event_table(click=0.4), other]),
        "suspected_leakage": suspected(),
        **of_events(),
    }
    (row,) = run_sql("leakage_comparison", tables).to_pylist()
    assert row["leakage_amount"] == pytest.approx(0.3)


def test_the_change_of_an_effect_by_the_funnel_is_paired_by_user():
    """a and b have a click each in both variants; c's cart is seen by one only."""
    plain = [occurrence("a", 1, 0.5), occurrence("b", 0, 0.1)]
    leaky = [occurrence("a", 1, 0.6), occurrence("b", 0, 0.0), occurrence("c", 1, 2.0, event_type="cart_add")]
    outside = [occurrence("d", 1, 9.0, in_risk_set=False)]
    tables = {
        "transformer_event_attribution_no_funnel": event_table(click=0.1),
        "transformer_event_attribution_with_funnel": event_table(click=0.4, cart_add=0.7),
        "suspected_leakage": suspected(),
        **of_events(plain + outside, leaky + outside),
    }
    rows = {row["event_type"]: row for row in run_sql("leakage_comparison", tables, minimum_support=2).to_pylist()}
    # Means .3 and .3; a's residuals .2 and .3 differ by .1, b's by -.1, over 2 sqrt(1/2): sqrt((.01 + .01) / 2) = .1.
    assert rows["click"]["effect_change"] == 0.0 and rows["click"]["has_minimum_support"]
    assert rows["click"]["effect_change_error"] == pytest.approx(0.1)
    assert rows["cart_add"]["effect_change"] is None and rows["cart_add"]["effect_change_error"] is None
    assert not rows["cart_add"]["has_minimum_support"]
