"""What holds for every mart: documentation, conservation, and standard errors that are right."""

import numpy as np
import pytest
import sqlglot
from sqlglot import exp

from attribution_dagster.assets.changes import BOUNDS, CHANGE, ERROR
from attribution_dagster.core.signals import signal_bounds
from attribution_dagster.core.uncertainty import with_test
from attribution_dagster.warehouse.queries import load_query
from attribution_dagster_tests.marts.engine import (
    MARTS,
    SQL,
    STATISTICS,
    attribution_table,
    documented_columns,
    occurrence,
    roles,
    run_mart,
    run_sql,
    suspected,
)


def clustered_rows(seed: int, users: int = 150) -> list[dict]:
    """Occurrences with a strong user effect, so that a standard error that ignores users is far too small."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        taste = rng.normal(0.2, 0.5)
        for _ in range(1 + rng.poisson(6)):
            choice = {
                "event_type": str(rng.choice(["click", "view"])),
                "event_position": int(rng.integers(0, 8)),
                "store_id": [None, "s"][rng.integers(0, 2)],
                "primary_category": [None, "food"][rng.integers(0, 2)],
            }
            rows.append(occurrence(f"u{user}", int(rng.random() < 0.3), taste + rng.normal(0, 0.3), **choice))
    return rows


def group_rows(rows, keys):
    groups: dict[tuple, list] = {}
    for row in rows:
        bin_order = 1 if row["event_position"] < 5 else 2
        groups.setdefault(tuple(({"bin_order": bin_order} | row).get(key) for key in keys), []).append(row)
    return groups


def user_sums(rows) -> np.ndarray:
    """(users, 2): sum of the centred attribution and number of occurrences."""
    sums: dict[str, np.ndarray] = {}
    for row in rows:
        sums.setdefault(row["user_id"], np.zeros(2))[:] += (row["centred_attribution"], 1)
    return np.array(list(sums.values()))


def linearised(sums: np.ndarray) -> float:
    n = sums[:, 1].sum()
    residual = sums[:, 0] - sums[:, 0].sum() / n * sums[:, 1]
    return float(np.sqrt((residual**2 / (1 - sums[:, 1] / n)).sum()) / n)


@pytest.mark.parametrize("name", MARTS)
def test_mean_and_standard_error_equal_the_formula_in_numpy(name):
    rows = clustered_rows(seed=3)
    expected = {}
    for key, group in group_rows(rows, MARTS[name]).items():
        sums = user_sums(group)
        expected[key] = (sums[:, 0].sum() / sums[:, 1].sum(), linearised(sums), len(group), len(sums))
    seen = {}
    for row in run_mart(name, rows).to_pylist():
        key = tuple(row[column] for column in MARTS[name])
        seen[key] = tuple(row[c] for c in ("mean_centred_effect", "standard_error", "occurrences", "users"))
    assert seen.keys() == expected.keys()
    for key, numbers in expected.items():
        assert seen[key] == pytest.approx(numbers, rel=1e-9)


def test_interval_covers_the_mean_of_the_population_of_users_as_often_as_it_says():
    """Each event type is a sample of its own from the same population, so that one query makes all intervals."""
    rows = [
        row | {"event_type": f"sample {seed}"}
        for seed in range(60)
        for row in clustered_rows(seed=1000 + seed, users=60)
    ]
    found = run_mart("transformer_event_attribution", rows).to_pylist()
    covered = sum(row["effect_low"] <= 0.2 <= row["effect_high"] for row in found)
    assert len(found) == 60 and covered >= 51  # binomial(60, .94): fewer than 51 has probability under 1 %


@pytest.mark.parametrize("name", MARTS)
def test_rows_add_up_to_all_occurrences(name):
    rows = clustered_rows(seed=8)
    table = run_mart(name, rows)
    counts = table["count" if name == "transformer_store_attribution" else "occurrences"]
    assert sum(counts.to_pylist()) == len(rows)


@pytest.mark.parametrize("name", MARTS)
def test_an_empty_window_gives_an_empty_table(name):
    assert run_mart(name, []).num_rows == 0


@pytest.mark.parametrize("name", [STATISTICS, *MARTS, "leakage_comparison"])
def test_columns_are_those_documented_in_that_order_and_each_has_a_comment(name):
    attribution = attribution_table([occurrence("a", 1, 1)])
    statistics = run_sql(STATISTICS, {"gradient_attribution_no_funnel": attribution})
    tables = {f"{STATISTICS}_{variant}": statistics for variant in ("no_funnel", "with_funnel")}
    tables |= {"gradient_attribution_no_funnel": attribution, "event_roles": roles("cart")}
    if name == "leakage_comparison":
        tables = {
            f"transformer_event_attribution_{variant}": run_sql(
                "transformer_event_attribution", tables, variant=variant
            )
            for variant in ("no_funnel", "with_funnel")
        } | {"suspected_leakage": suspected("cart")}
        tables |= {f"gradient_attribution_{variant}": attribution for variant in ("no_funnel", "with_funnel")}
    documented, found = documented_columns(name), run_sql(name, tables)
    if name == "leakage_comparison":
        found = with_test(found, CHANGE, ERROR, BOUNDS)
    assert list(documented) == found.column_names
    assert all(comment.endswith(".") for _, comment in documented.values())


@pytest.mark.parametrize("name", [STATISTICS, *MARTS, "leakage_comparison"])
def test_a_mart_is_one_statement_that_says_what_it_is_and_parses_for_every_engine(name):
    text = (SQL / "marts" / f"{name}.sql").read_text()
    assert text.startswith("-- ") and "one row per" in text.split("WITH ")[0].replace("\n-- ", " ")
    rendered = text.replace("{variant}", "no_funnel")
    assert "{" not in rendered
    (statement,) = sqlglot.parse(rendered, read="snowflake")
    assert all(isinstance(star.parent, exp.Count) for star in statement.find_all(exp.Star))
    for dialect in ("duckdb", "spark", "databricks"):
        assert sqlglot.transpile(rendered, read="snowflake", write=dialect)


@pytest.mark.parametrize("name", MARTS)
def test_an_aggregate_reads_the_statistics_of_its_variant_and_at_most_the_roles(name):
    query = load_query(f"marts/{name}", "with_funnel")
    assert query.tables - {"event_roles"} == {f"{STATISTICS}_with_funnel"}
    assert query.parameters == {"window_start"}


def test_the_statistics_read_the_attributions_of_their_variant_and_the_bounds_of_a_signal():
    query = load_query(f"marts/{STATISTICS}", "with_funnel")
    assert query.tables == {"gradient_attribution_with_funnel"}
    assert query.parameters == {"window_start", *signal_bounds()}


def test_the_leakage_comparison_reads_both_variants():
    query = load_query("marts/leakage_comparison")
    kinds = ("transformer_event_attribution", "gradient_attribution")
    variants = {f"{kind}_{variant}" for kind in kinds for variant in ("no_funnel", "with_funnel")}
    assert query.tables == variants | {"suspected_leakage"}
    assert query.parameters == {"window_start", "minimum_support"}


def test_every_mart_has_its_documentation_and_the_lift_states_its_artefacts():
    files = {path.stem for path in (SQL / "marts").glob("transformer_*.sql")} | {"leakage_comparison"}
    assert files == {*MARTS, "leakage_comparison"}
    for name in set(MARTS) - {"transformer_store_attribution"}:
        _, comment = documented_columns(name)["attribution_lift"]
        assert "length" in comment and "mean_centred_effect" in comment and "negative" in comment
