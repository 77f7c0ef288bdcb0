"""Where the columns of a statement come from: read from its text by sqlglot, nothing is run."""

from collections.abc import Mapping
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.lineage import Node, lineage

from attribution_dagster.datasets.profile import ROLES
from attribution_dagster.warehouse.ddl import table_definition
from attribution_dagster.warehouse.queries import DIALECT, Query

ROLES_TABLE = "event_roles"
"""The dataset's roles, joined like a table; no asset writes it."""
Origin = tuple[str, str]
"""A table and one of its columns."""


@lru_cache(maxsize=256)
def column_origins(query: Query, *within: Query) -> Mapping[str, tuple[Origin, ...]]:
    """Output column -> the columns that its values are computed from, in order; none for a literal, a parameter or a count of rows.

    What only chooses rows (joins, filters, groups) is not named. Statements in `within` are looked through: a table of
    the name of such a statement's file is replaced by what that was computed from.
    """
    reads = frozenset().union(query.tables, *(each.tables for each in within))
    inner = {each.name.rpartition("/")[-1]: sqlglot.parse_one(each.text, read=DIALECT) for each in within}
    found = lineage(
        None,
        sqlglot.parse_one(query.text, read=DIALECT),
        schema={table: columns_of(table) for table in reads},
        sources=inner,
        dialect=DIALECT,
        trim_selects=False,  # it copies every SELECT for every column, only to label nodes: three quarters of the time
    )
    return {column.lower(): _origins(node) for column, node in found.items()}


def columns_of(table: str) -> dict[str, str]:
    """The columns of a table that statements read, with their types in Snowflake's dialect."""
    if table == ROLES_TABLE:
        return {"event_type": "VARCHAR", **{f"is_{role}": "BOOLEAN" for role in ROLES}}
    return {column.name: column.type for column in table_definition(table).columns}


def _origins(node: Node) -> tuple[Origin, ...]:
    """The leaves that are columns of tables. Unquoted names are case-insensitive, and every name here is lower-case."""
    return tuple(
        sorted(
            {
                (leaf.expression.name.lower(), exp.to_column(leaf.name, dialect=DIALECT).name.lower())
                for leaf in node.walk()
                if not leaf.downstream and isinstance(leaf.expression, exp.Table)
            }
        )
    )
