"""One formula of the standard error, wherever a mean or rate is published: the same numbers through every statement that has it."""

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from duckdb import connect
from scipy.stats import false_discovery_control, norm

import attribution_dagster
from attribution_dagster.core.benchmark.scoring import Planted, standard_errors
from attribution_dagster.core.uncertainty import Z_95, clustered_standard_error, with_test
from attribution_dagster.warehouse.queries import load_query, transpile
from attribution_dagster_tests.marts.engine import WINDOW, attribution_table, occurrence, run_statistics

USERS = ["a"] * 6 + ["b", "b", "c", "d"]
"""One user has most of the events: where CR2 and the factor G / (G - 1) differ most."""
VALUES = [1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0]


def by_hand() -> float:
    """Mean .6; sums of distances: a 5 - 6 x .6 = 1.4, b -.2, c -.6, d -.6; shares of the events .6, .2, .1, .1."""
    return float(np.sqrt(1.4**2 / 0.4 + 0.2**2 / 0.8 + 2 * 0.6**2 / 0.9) / 10)


def answer(name: str, **tables: pa.Table) -> list[dict]:
    query = load_query(name, "no_funnel")
    with connect() as connection:
        for table, content in tables.items():
            connection.register(table, content)
        values = {"window_start": WINDOW, "minimum_support": 1}
        found = connection.sql(transpile(query, "duckdb"), params={bind: values[bind] for bind in query.parameters})
        return found.to_arrow_table().to_pylist()


def test_means_of_numpy_and_of_the_benchmark() -> None:
    assert clustered_standard_error(VALUES, USERS) == pytest.approx(by_hand())
    user = np.unique(USERS, return_inverse=True)[1]
    planted = Planted(types=np.zeros(10, dtype=np.int64), user=user, effect=np.zeros(10))
    assert standard_errors(planted, np.array(VALUES)).tolist() == pytest.approx([by_hand()])


def test_effects_by_type_and_by_type_and_store() -> None:
    rows = [occurrence(u, 1, v, store_id="s", store_name="S") for u, v in zip(USERS, VALUES, strict=True)]
    assert all(row["standard_error"] == pytest.approx(by_hand()) for row in run_statistics(rows).to_pylist())
    rows.append(occurrence("e", 1, 9.0, store_id="s", store_name="S", in_risk_set=False))
    (found,) = answer("marts/event_store_effects", gradient_attribution_no_funnel=attribution_table(rows))
    assert (found["users"], found["mean_centred_effect"]) == (4, pytest.approx(0.6))
    assert found["standard_error"] == pytest.approx(by_hand())


def test_sessions_are_counted_once_by_their_log_odds() -> None:
    chances = [0.5, 0.5, 0.0905, 1.0, 0.0]  # log-odds 0, 0, -2.307; certainty has none
    rows = [
        occurrence("u", 1, 0.0, session_id=f"s{n}", event_position=place, probability=chance)
        for n, chance in enumerate(chances)
        for place in (0, 1)
    ]
    found = answer("marts/session_log_odds", gradient_attribution_no_funnel=attribution_table(rows))
    assert found == [{"log_odds": -2.3, "n_sessions": 1}, {"log_odds": 0.0, "n_sessions": 2}]


def test_conversion_rates_of_all_sessions() -> None:
    sessions = [
        {"window_start": WINDOW, "user_id": u, "is_converted": v > 0, "is_bot": False, "is_censored": False, "n_no_funnel": 3}
        for u, v in zip(USERS, VALUES, strict=True)
    ]  # fmt: skip
    (found,) = answer("sessions/conversion_base", sessions=pa.Table.from_pylist(sessions))
    assert found["standard_error"] == pytest.approx(by_hand())


def test_conversion_rates_by_count() -> None:
    rows = [occurrence(u, int(v), 0.0, session_id=f"s{n}") for n, (u, v) in enumerate(zip(USERS, VALUES, strict=True))]
    risk_set = [
        {"window_start": WINDOW, "session_id": r["session_id"], "label": r["label"], "in_risk_set": True, "matched_case": None}
        for r in rows
    ]  # fmt: skip
    schema = pa.schema(
        [("window_start", pa.timestamp("us")), ("session_id", pa.string()), ("label", pa.int8()), ("in_risk_set", pa.bool_()), ("matched_case", pa.string())]
    )  # fmt: skip
    tables = {"risk_set": pa.Table.from_pylist(risk_set, schema=schema)}
    (found,) = answer("marts/event_count_rates", gradient_attribution_no_funnel=attribution_table(rows), **tables)
    n = 0.6 * 0.4 / by_hand() ** 2
    centre, half = (0.6 + Z_95**2 / 2 / n, Z_95 * np.sqrt(0.24 / n + (Z_95 / 2 / n) ** 2))
    expected = [(centre - half) / (1 + Z_95**2 / n), (centre + half) / (1 + Z_95**2 / n)]
    assert [found["rate_low"], found["rate_high"]] == pytest.approx(expected)


def test_intervals_p_and_q_follow_from_value_and_error() -> None:
    rows = pa.table(
        {
            "v": [0.3, -0.1, None, 0.0, 0.2, 5.0],
            "e": [0.1, 0.1, 0.1, 0.0, None, 1.0],
            "has_minimum_support": [True, True, True, True, True, False],
        }
    )
    found = with_test(rows, "v", "e", ("low", "high")).to_pydict()
    p = [2 * norm.sf(3.0), 2 * norm.sf(1.0), None, 1.0, None, 2 * norm.sf(5.0)]
    assert found["p_value"] == pytest.approx(p)
    tested = false_discovery_control([p[0], p[1], p[3]])
    assert found["q_value"] == pytest.approx([tested[0], tested[1], None, tested[2], None, None])
    assert found["low"][:3] == [pytest.approx(0.3 - 0.196), pytest.approx(-0.1 - 0.196), None]
    assert found["high"][4:] == [None, pytest.approx(5.0 + 1.96)]
    assert with_test(rows.slice(0, 0), "v", "e", ("low", "high")).num_rows == 0


def test_no_other_spelling_of_the_quantile_nor_formula_of_the_error() -> None:
    """A width is taken from `Z_95` in Python; SQL writes the number."""
    package = Path(attribution_dagster.__file__).parent
    spelt = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if re.search(r"\b1\.96\b|1\.9599|ppf\(0?\.975\)", path.read_text())
    }
    assert spelt == {"core/uncertainty.py"}
    sql = package.parent / "sql"
    assert not [p.name for p in sql.rglob("*.sql") if re.search(r"COUNT\(\*\) - 1\b", p.read_text())]
