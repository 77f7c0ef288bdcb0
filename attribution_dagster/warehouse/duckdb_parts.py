"""Statements that the embedded warehouse computes in parts where its memory would not hold their rows.

Sorting a window of many events in little memory writes them to disk and reads them again on the way. A statement that says
`-- May be computed in parts, by <key> of <table>.` gives for one key the same rows whether or not other keys are there; so it is
run for a range of keys at a time, as many as memory holds. Ranges come in order: what is ordered by the key stays so.
"""

import re
from collections.abc import Mapping
from itertools import pairwise

import duckdb

from attribution_dagster.warehouse.lineage import columns_of
from attribution_dagster.warehouse.queries import Query, column_of, literal, narrowed, quoted, transpile

_DECLARED = re.compile(r"^-- May be computed in parts, by (?P<key>\w+) of (?P<relation>\w+)\.$", re.MULTILINE)
_BYTES_PER_ROW = 500  # of memory while rows of events are sorted: two million in 1 GB
_SAMPLED_KEYS = 20_000
_BLANKS_END = "!"
"""Above every text of nothing but spaces. No range begins below it: statements take such texts, and NULL, for one key."""


def statements(cursor: duckdb.DuckDBPyConnection, query: Query, parameters: Mapping[str, object]) -> list[str]:
    """What to run in DuckDB, one after the other, for the rows of the query: itself, or for each range of its keys in their order.

    Tables are read through the cursor, to count rows and to choose ranges that hold about as many rows as memory does.
    """
    declared = _DECLARED.search(query.text)
    if declared is None:
        return [transpile(query, "duckdb")]
    keys = column_of(query, declared["relation"], declared["key"])
    firsts = _first_keys(cursor, keys, declared["key"], {name: parameters[name] for name in keys.parameters})
    if not firsts:
        return [transpile(query, "duckdb")]
    tables = [table for table in query.tables if declared["key"] in columns_of(table)]
    return [narrowed(query, "duckdb", dict.fromkeys(tables, each)) for each in _ranges(declared["key"], firsts)]


def _first_keys(
    cursor: duckdb.DuckDBPyConnection, keys: Query, key: str, parameters: Mapping[str, object]
) -> list[str]:
    """The key at which each range but the first begins, from a sample; none where memory holds all rows."""
    selected, name = transpile(keys, "duckdb"), quoted(key)
    [(rows, memory)] = cursor.execute(
        f"SELECT count(*), parse_formatted_bytes(current_setting('memory_limit')) FROM ({selected})", parameters
    ).fetchall()
    parts = -(-rows * _BYTES_PER_ROW // memory)
    if parts <= 1:
        return []
    sampled = cursor.execute(
        f"SELECT {name} FROM ({selected}) USING SAMPLE reservoir({_SAMPLED_KEYS} ROWS) REPEATABLE (0)", parameters
    ).fetchall()
    # A NUL within would end the text of the statement.
    usable = sorted(each for (each,) in sampled if each is not None and each > _BLANKS_END and "\0" not in each)
    return sorted({usable[len(usable) * part // parts] for part in range(1, parts)} if usable else ())


def _ranges(name: str, firsts: list[str]) -> list[str]:
    """Conditions on the key, in its order, of which each row fulfils one, also a row without a key."""
    key, bounds = quoted(name), [literal(first) for first in firsts]
    inner = [f"{key} >= {low} AND {key} < {high}" for low, high in pairwise(bounds)]
    return [f"{key} IS NULL OR {key} < {bounds[0]}", *inner, f"{key} >= {bounds[-1]}"]
