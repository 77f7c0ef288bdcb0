"""Statements as Snowflake's connector wants them: the file's own text with `%(name)s` for parameters, and the tables' DDL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import pairwise

from sqlglot.dialects.dialect import Dialect
from sqlglot.tokens import TokenType

from attribution_dagster.warehouse.ddl import Column, Table
from attribution_dagster.warehouse.queries import DIALECT, Query

SLICE_ID = "slice_id"
"""Column that says which slice a stored row belongs to."""


def statement(query: Query, parameters: Mapping[str, object]) -> str:
    """The query's text as it is written, `:name` replaced by what the connector binds; moments are typed by a cast."""
    moments = frozenset(name for name, value in parameters.items() if isinstance(value, datetime))
    return _statement(query, moments) if query.parameters else query.text.rstrip().rstrip(";")


@lru_cache(maxsize=512)
def _statement(query: Query, moments: frozenset[str]) -> str:
    text, done, parts = query.text.rstrip().rstrip(";"), 0, []
    tokens = Dialect.get_or_raise(DIALECT).tokenize(text)
    for colon, name in pairwise(tokens):
        is_parameter = colon.token_type is TokenType.COLON and colon.end + 1 == name.start
        if is_parameter and name.text in query.parameters:
            bound = f"%({name.text})s"
            parts += [_escaped(text[done : colon.start]), f"CAST({bound} AS TIMESTAMP_NTZ)" if name.text in moments else bound]  # fmt: skip
            done = name.end + 1
    return "".join([*parts, _escaped(text[done:])])


def with_values(text: str, values: Mapping[str, object]) -> str:
    """A statement with `%(name)s` filled in as the connector does it: what Snowflake is sent."""
    if not values:
        return text
    from snowflake.connector.converter import SnowflakeConverter

    converter = SnowflakeConverter()
    return text % {
        name: converter.quote(converter.escape(converter.to_snowflake(value))) for name, value in values.items()
    }


def _escaped(text: str) -> str:
    """Text outside parameters: the connector fills them in by Python's `%`."""
    return text.replace("%", "%%")


def text_literal(text: str) -> str:
    """A text as a string constant; Snowflake reads backslashes in them as escapes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def names(columns: Sequence[Column], prefix: str = "") -> str:
    """The columns' names, by comma."""
    return ", ".join(prefix + column.name for column in columns)


def casts(columns: Sequence[Column], source: str) -> str:
    """Each column of `source` as its type."""
    return ", ".join(f"CAST({source}.{column.name} AS {column.type}) AS {column.name}" for column in columns)


def create_slices_table(table: Table, where: str) -> str:
    """The table that holds all slices. Transient and without time travel: what is deleted of a person is gone."""
    columns = ", ".join(
        f"{column.name} {column.type} COMMENT {text_literal(column.comment)}" for column in table.columns
    )
    return (
        f"CREATE TRANSIENT TABLE IF NOT EXISTS {where} ({SLICE_ID} VARCHAR NOT NULL COMMENT 'Slice of the table that the row belongs to.', "
        f"{columns}) DATA_RETENTION_TIME_IN_DAYS = 0 COMMENT = {text_literal(table.comment)}"
    )


def create_temporary_table(columns: Sequence[Column], where: str) -> str:
    """A table of this session only."""
    return f"CREATE TEMPORARY TABLE {where} ({', '.join(f'{c.name} {c.type}' for c in columns)})"


def create_view(table: Table, name: str, rows: str, shown: str) -> str:
    """A view with the table's columns and their documentation, of the rows whose slices the view `shown` lists."""
    columns = ", ".join(f"{column.name} COMMENT {text_literal(column.comment)}" for column in table.columns)
    return (
        f"CREATE OR REPLACE VIEW {name} ({columns}) COMMENT = {text_literal(table.comment)} AS "
        f"SELECT {names(table.columns, 'stored.')} FROM {rows} AS stored "
        f"INNER JOIN {shown} AS shown ON shown.slice_id = stored.{SLICE_ID} WHERE shown.table_name = {text_literal(table.name)}"
    )
