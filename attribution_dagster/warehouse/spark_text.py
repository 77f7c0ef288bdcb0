"""Statements as Spark wants them: transpiled, and made to mean what they mean to the other engines where Spark differs."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache

import sqlglot
from sqlglot import exp

from attribution_dagster.warehouse.queries import DIALECT, Query

SPARK = "spark"
_DATED = r"^\s*[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(\s*$|[ T][0-9]{1,2}:)"


def statement(query: Query, parameters: Mapping[str, object]) -> str:
    """The query in Spark's dialect with its `:name`s; moments are typed by a cast."""
    return _statement(query, _moments(parameters))


def bound(parameters: Mapping[str, object]) -> dict[str, object]:
    """The values as Spark takes them. A moment goes as text: Spark would read it in the time zone of this machine."""
    return {name: str(value) if isinstance(value, datetime) else value for name, value in parameters.items()}


def with_values(query: Query, parameters: Mapping[str, object]) -> str:
    """The query in Spark's dialect, laid out for people, with the values in place of the parameters."""
    values = bound(parameters)

    def filled(node: exp.Expression) -> exp.Expression:
        is_parameter = isinstance(node, exp.Placeholder) and node.name in values
        return exp.convert(values[node.name]) if is_parameter else node

    return _tree(query, _moments(parameters)).transform(filled).sql(dialect=SPARK, pretty=True)


def _moments(parameters: Mapping[str, object]) -> frozenset[str]:
    return frozenset(name for name, value in parameters.items() if isinstance(value, datetime))


@lru_cache(maxsize=512)
def _statement(query: Query, moments: frozenset[str]) -> str:
    return _tree(query, moments).sql(dialect=SPARK, comments=False)


def _tree(query: Query, moments: frozenset[str]) -> exp.Expression:
    return sqlglot.parse_one(query.text, read=DIALECT).transform(_meant, moments)


def _meant(node: exp.Expression, moments: frozenset[str]) -> exp.Expression:
    if isinstance(node, exp.Placeholder) and node.name in moments:
        return exp.cast(node.copy(), exp.DataType.Type.TIMESTAMPNTZ)
    if isinstance(node, exp.TryCast) and node.to.this == exp.DataType.Type.TIMESTAMPNTZ:
        return _dated(node)
    if isinstance(node, exp.ToBoolean):
        return _flag(node)
    if isinstance(node, exp.Anonymous) and node.name.upper() == "HASH":
        return _digest(node)
    return node


def _dated(node: exp.TryCast) -> exp.Expression:
    """Spark reads a year as a moment, the others don't: a moment has a day, and no time or one with hours and minutes."""
    has_day = exp.RegexpLike(this=node.this.copy(), expression=exp.Literal.string(_DATED))
    return exp.Case().when(has_day, node.copy())


def _flag(node: exp.ToBoolean) -> exp.Expression:
    """What Snowflake takes for true and false. sqlglot would write TO_BOOLEAN, which Spark does not know."""
    text = node.this
    read = exp.TryCast(this=text.copy(), to=exp.DataType.build("BOOLEAN"), safe=True)
    upper = exp.Upper(this=text.copy())
    return exp.Case().when(upper.eq("ON"), exp.true()).when(upper.copy().eq("OFF"), exp.false()).else_(read)


def _digest(node: exp.Anonymous) -> exp.Expression:
    """64 bits that tell NULLs apart, as a decimal: sums of Spark's HASH pass over NULLs, and those of whole numbers overflow."""
    values = [part for each in node.expressions for part in (each.copy().is_(exp.null()), each.copy())]
    return exp.cast(exp.func("XXHASH64", *values), exp.DataType.build("DECIMAL(38, 0)"))
