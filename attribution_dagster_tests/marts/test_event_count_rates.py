"""Raw conversion rates by number of occurrences, against answers worked out by hand."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from attribution_dagster.warehouse.queries import load_query, transpile
from attribution_dagster_tests.marts.engine import (
    WINDOW,
    attribution_table,
    documented_columns,
    occurrence,
)

Session = tuple[str, str, int, str, Sequence[str]]
"""Session, user, label, matched case, the event types in it."""
RISK_SET = pa.schema(
    [
        ("window_start", pa.timestamp("us")),
        ("session_id", pa.string()),
        ("label", pa.int32()),
        ("in_risk_set", pa.bool_()),
        ("matched_case", pa.string()),
    ]
)


def rates(sessions: Sequence[Session], minimum_support: int = 1, outside: int = 0) -> list[dict[str, Any]]:
    """The rows of sql/marts/event_count_rates.sql, by type and decile; `outside` sessions of no set did not convert."""
    events = [
        occurrence(user, label, 0.0, session_id=session, event_type=name)
        for session, user, label, _, names in sessions
        for name in names
    ]
    matched: list[Mapping[str, Any]] = [
        {"session_id": session, "label": label, "in_risk_set": True, "matched_case": case}
        for session, _, label, case, _ in sessions
    ]
    matched += [{"session_id": f"o{n}", "label": 0, "in_risk_set": False} for n in range(outside)]
    risk_set = pa.Table.from_pylist([{"window_start": WINDOW, **row} for row in matched], schema=RISK_SET)
    query = load_query("marts/event_count_rates", "no_funnel")
    with duckdb.connect() as connection:
        connection.register("gradient_attribution_no_funnel", attribution_table(events))
        connection.register("risk_set", risk_set)
        found = connection.sql(
            transpile(query, "duckdb"), params={"window_start": WINDOW, "minimum_support": minimum_support}
        ).to_arrow_table()
    assert found.column_names == list(documented_columns("event_count_rates"))
    return sorted(found.to_pylist(), key=lambda row: (row["event_type"], row["decile"]))


def one_by_one(counts: Sequence[int], labels: Sequence[int]) -> list[Session]:
    """A session of its own user for each count of `x`, all in one matched set; `y` fills them, so that none is empty."""
    return [
        (f"s{n}", f"u{n}", label, "s0", ["x"] * count + ["y"])
        for n, (count, label) in enumerate(zip(counts, labels, strict=True))
    ]


def of(rows: list[dict[str, Any]], name: str = "x") -> list[dict[str, Any]]:
    return [row for row in rows if row["event_type"] == name]


def test_sessions_of_one_count_share_a_decile_and_counts_that_begin_in_one_share_it_too() -> None:
    counts = [0] * 6 + [1] * 2 + [2, 5] + [7, 8, 9, 9, 9, 9, 9, 9, 9, 9]
    rows = of(rates(one_by_one(counts, [1, *[0] * 19])))
    # 6 of 20 have none; 1 begins after 30 %, 2 after 40 %, 5 after 45 %, 7 after 50 %, 8 after 55 %, 9 after 60 %.
    found = [(row["decile"], row["count_low"], row["count_high"], row["sessions"]) for row in rows]
    assert found == [(1, 0, 0, 6), (4, 1, 1, 2), (5, 2, 5, 2), (6, 7, 8, 2), (7, 9, 9, 8)]
    assert rows[2]["mean_count"] == 3.5


def test_rates_and_wilsons_interval_where_every_session_is_another_users() -> None:
    rows = of(rates(one_by_one([0] * 10 + [1] * 10, [1, *[0] * 9, *[1] * 4, *[0] * 6])))
    assert [(row["converted"], row["conversion_rate"]) for row in rows] == [(1, 0.1), (4, 0.4)]
    # Linearised over users, the variance is p q / (n - 1), so that 9 of 10 sessions count.
    n, p, z = 9.0, 0.4, 1.96
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    assert (rows[1]["rate_low"], rows[1]["rate_high"]) == pytest.approx((centre - half, centre + half))


def test_sessions_of_one_user_count_as_one_and_nobody_converting_leaves_an_interval() -> None:
    alike: list[Session] = [(f"a{n}", "a", 1, "a0", ["x"]) for n in range(5)]
    alike += [(f"b{n}", "b", 0, "a0", ["x"]) for n in range(5)]
    (row,) = rates(alike)
    # Two users who differ in all: variance 1/4 x 2 = p q / n with n = 1/2.
    assert (row["users"], row["sessions"], row["conversion_rate"]) == (2, 10, 0.5)
    assert row["rate_low"] < 0.1 and row["rate_high"] > 0.9
    never = of(rates(one_by_one([0] * 5 + [1] * 5, [1, 0, 0, 0, 0] + [0] * 5)))[1]
    assert never["conversion_rate"] == 0 and never["rate_low"] == pytest.approx(0, abs=1e-12)
    assert never["rate_high"] == pytest.approx(1.96**2 / (5 + 1.96**2))


@pytest.mark.parametrize("users", range(2, 60))
def test_rounding_never_puts_a_rate_of_none_or_all_outside_its_interval(users: int) -> None:
    none, every = of(rates(one_by_one([0] * users + [1] * users, [0] * users + [1] * users)))
    assert none["rate_low"] == none["conversion_rate"] == 0 and every["rate_high"] == every["conversion_rate"] == 1


def test_the_expected_rate_is_that_of_the_matched_sets() -> None:
    short: list[Session] = [("c", "1", 1, "c", ["y"]), *((f"c{n}", f"2{n}", 0, "c", ["y"]) for n in range(3))]
    long: list[Session] = [("d", "3", 1, "d", ["x", "y"]), ("d1", "4", 0, "d", ["x", "y"])]
    rows = of(rates([*short, *long]))
    assert [row["expected_rate"] for row in rows] == pytest.approx([0.25, 0.5])
    assert [row["conversion_rate"] for row in rows] == pytest.approx([0.25, 0.5])


def test_the_rate_of_the_population_has_the_odds_of_all_sessions() -> None:
    sessions = one_by_one([0] * 10 + [1] * 10, [1, *[0] * 9, *[1] * 4, *[0] * 6])
    rows = of(rates(sessions, outside=30))
    # Compared: 5 of 20, odds 1/3; all: 5 of 50, odds 1/9; so every odds is divided by 3.
    assert [row["population_rate"] for row in rows] == pytest.approx([(1 / 27) / (1 + 1 / 27), (2 / 9) / (1 + 2 / 9)])


def test_types_below_minimum_support_are_left_out_and_names_pass_through() -> None:
    sessions: list[Session] = [("s", "u", 1, "s", ["<b>", "y"]), ("t", "v", 0, "s", ["y"])]
    assert {row["event_type"] for row in rates(sessions)} == {"<b>", "y"}
    assert {row["event_type"] for row in rates(sessions, minimum_support=2)} == {"y"}


def test_the_interval_covers_the_rate_as_often_as_it_says_although_users_differ() -> None:
    rng, covered, trials = np.random.default_rng(11), 0, 60
    for _ in range(trials):
        sessions: list[Session] = []
        for user in range(60):
            taste = rng.beta(1.2, 2.8)
            sessions += [
                (f"{user}-{n}", str(user), int(rng.random() < taste), "all", ["x"]) for n in range(rng.integers(1, 8))
            ]
        (row,) = rates(sessions)
        covered += row["rate_low"] <= 0.3 <= row["rate_high"]
    assert covered >= 51  # binomial(60, .94): fewer than 51 has probability under 1 %


def test_it_reads_attributions_and_the_risk_set_and_runs_on_other_engines() -> None:
    query = load_query("marts/event_count_rates", "no_funnel")
    assert query.tables == {"gradient_attribution_no_funnel", "risk_set"}
    assert transpile(query, "spark") and "FLOOR" in transpile(query, "snowflake")
