"""The files in sql/ in three dialects: they parse, and hold nothing that the engines would understand differently, silently."""

from itertools import pairwise
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify

from attribution_dagster.warehouse.lineage import columns_of
from attribution_dagster.warehouse.queries import Query, load_query, parse_query, sql_folder
from attribution_dagster.warehouse.spark_text import statement

FILES = sorted(sql_folder().rglob("*.sql"))
DIALECTS = ("snowflake", "duckdb", "spark")
NOT_PORTABLE = {
    "DATEADD": "whole days for Spark, whatever the unit", "TIMESTAMPADD": "as DATEADD", "TO_VARCHAR": "use CAST", "TO_CHAR": "use CAST",
    "HASH": "another function in each engine", "TABLESAMPLE": "another sample in each engine", "SAMPLE": "as TABLESAMPLE",
    "DAYOFWEEK": "days are numbered differently", "ARRAY_AGG": "its order is dropped", "LISTAGG": "its order is dropped",
    "WITHIN": "an ordered aggregate, whose order is dropped", "RANDOM": "another in each run", "MATCH_RECOGNIZE": "in Snowflake only",
    "CONDITIONAL_TRUE_EVENT": "in Snowflake only",
}  # fmt: skip
ALLOWED = {("source_hours", "HASH")}
"""Only compared with what the same engine computed before; each engine has its own (see spark_text.py)."""


def name_of(path: Path) -> str:
    return str(path.relative_to(sql_folder()).with_suffix(""))


def query_of(path: Path) -> Query:
    """The file's query, with a variant, and what it builds on, filled in."""
    counted = load_query(f"checks/{path.stem}", "no_funnel") if path.parent.name == "rows" else None
    return load_query(name_of(path), "no_funnel", common=counted)


def words(text: str) -> list[str]:
    """What the text says outside comments and strings, in capitals; a string keeps its quotes."""
    tokens = Dialect.get_or_raise("snowflake").tokenize(text)
    return [f"'{t.text}'" if t.token_type.name == "STRING" else t.text.upper() for t in tokens]


def refused(name: str, text: str) -> list[str]:
    """What is not portable in the text."""
    said = words(text)
    found = [f"{word}: {NOT_PORTABLE[word]}" for word in said if word in NOT_PORTABLE and (name, word) not in ALLOWED]
    coarse = [
        after
        for (one, _), (_, after) in pairwise(pairwise(said))
        if one == "DATEDIFF" and after.strip("'").lower() != "microsecond"
    ]
    found += [f"DATEDIFF in {unit}: elapsed units for Spark, boundaries for the others" for unit in coarse]
    if ("1.0", "*") in pairwise(said):
        found.append("1.0 *: a decimal of few digits for Snowflake and Spark; use CAST AS DOUBLE")
    trees = sqlglot.parse(text, read="snowflake")
    found += [
        f"{mean.sql()}: a mean of decimals has few digits for Snowflake and Spark; use CAST AS DOUBLE"
        for tree in trees
        for mean in tree.find_all(exp.Avg)
        if not mean.find(exp.Cast) and any(literal.is_number for literal in mean.find_all(exp.Literal))
    ]
    orders = [select.args.get("order") for tree in trees for select in tree.find_all(exp.Select)]
    computed = [order for order in orders if order is not None and order.find(exp.AggFunc)]
    return found + [
        f"{order.sql()}: of an alias or of a column, as the engine likes; order a common table" for order in computed
    ]


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_file_parses_in_three_dialects_and_holds_nothing_that_is_not_portable(path: Path) -> None:
    if path.parent.name == "ddl":
        text = path.read_text().replace("{variant}", "no_funnel")
    else:
        query = query_of(path)
        text = query.text
        assert sqlglot.parse_one(statement(query, {}), read="spark").named_selects
    [tree] = sqlglot.parse(text, read="snowflake")
    for dialect in DIALECTS:
        assert len(sqlglot.parse(tree.sql(dialect=dialect), read=dialect)) == 1
    assert refused(path.stem, text) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("SELECT DATEADD('hour', 1, a) FROM t", "DATEADD"),
        ("SELECT datediff('day', a, b) FROM t", "DATEDIFF in 'day'"),
        ("SELECT LISTAGG(a, ',') WITHIN GROUP (ORDER BY b) FROM t", "LISTAGG"),
        ("SELECT HASH(a) FROM t", "HASH"),
        ("SELECT AVG(CASE WHEN a THEN 1.0 ELSE 0.0 END) AS b FROM t", "AVG"),
        ("SELECT 1.0 * a / b AS c FROM t", "1.0 *"),
        ("SELECT b, MAX(a) AS a FROM t GROUP BY b ORDER BY ABS(MAX(a))", "ORDER BY ABS"),
        ("SELECT a FROM t TABLESAMPLE (10)", "TABLESAMPLE"),
    ],
)
def test_what_is_not_portable_is_named(text: str, told: str) -> None:
    assert any(each.startswith(told) for each in refused("q", text))
    assert refused("q", f"-- {text}\nSELECT DATEDIFF('microsecond', a, b), '{told.split()[0]}' FROM t") == []


def whole_divisions(query: Query) -> list[str]:
    """Divisions of a whole number by another: Snowflake keeps six decimals, the others none or all."""
    schema = {table: columns_of(table.removesuffix("_history")) for table in query.tables}
    tree = annotate_types(
        qualify(sqlglot.parse_one(query.text, read="snowflake"), schema=schema, dialect="snowflake"),
        schema=schema,
        dialect="snowflake",
    )
    whole = exp.DataType.INTEGER_TYPES
    return [
        node.sql() for node in tree.find_all(exp.Div)
        if node.this.type and node.expression.type and node.this.type.this in whole and node.expression.type.this in whole
    ]  # fmt: skip


COMPUTED = [path for path in FILES if path.parent.name not in ("ddl", "examples", "staging")]
"""All that read only tables with documented columns."""


@pytest.mark.parametrize("path", COMPUTED, ids=name_of)
def test_whole_numbers_are_not_divided_by_each_other(path: Path) -> None:
    assert whole_divisions(query_of(path)) == []


@pytest.mark.parametrize(
    "divided",
    [
        "WITH a AS (SELECT COUNT(*) AS n FROM sessions) SELECT n / 2 AS x FROM a",
        "SELECT n_events / n_no_funnel AS x FROM sessions",
        "SELECT SUM(s.n_events) / COUNT(*) AS x FROM sessions AS s INNER JOIN event_roles AS r ON s.user_id = r.event_type",
    ],
)
def test_a_division_of_whole_numbers_is_found(divided: str) -> None:
    assert len(whole_divisions(parse_query("q", divided))) == 1
    assert whole_divisions(parse_query("q", divided.replace(" / ", " / 1.0 / "))) == []
