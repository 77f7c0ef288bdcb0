"""What a materialisation shows of the table it wrote: its top rows, and where each column comes from.

Reports stay in Dagster's event log, longer than the data do: no column here says who a person is.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import pyarrow as pa

from attribution_dagster.assets.step import Report, Step
from attribution_dagster.datasets.profile import Profile
from attribution_dagster.graph import written_tables
from attribution_dagster.reports.caveats import LEAKAGE_SENTENCE
from attribution_dagster.reports.markdown import markdown_table
from attribution_dagster.warehouse.lineage import column_origins
from attribution_dagster.warehouse.queries import Query, parse_query

TOP = 8
"""Rows shown: with some six columns the UI still shows them in place, not behind a link."""


def leakage_warning(profile: Profile, variant: str) -> Report:
    """What is said of all that is made from a variant that sees the funnel; nothing of another."""
    return {"DATA LEAKAGE": LEAKAGE_SENTENCE} if profile.variants[variant].leaks else {}


def top_rows(step: Step, table: str, columns: Sequence[str], order: str, *, distinct: bool = False) -> Report:
    """The first rows of the table's slice in that order, as a table for people; `distinct` shows equal rows once."""
    select = f"SELECT {'DISTINCT ' * distinct}{', '.join(columns)} FROM {table} WHERE window_start = :window_start"
    query = parse_query(f"top rows of {table}", f"{select} ORDER BY {order} LIMIT {TOP}")
    return {"top_rows": {"markdown": markdown_table(step.workspace.fetch(query, step.window_key))}}


def columns_from(
    step: Step, query: Query, *within: Query, added: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> Report:
    """Asset and column that each column comes from: for Dagster, and as a table for people.

    `within` are statements whose tables the asset writes itself and reads again; `added`, columns that the asset computes from
    columns of the query.
    """
    made_by = {table: asset for asset, tables in written_tables(step.workspace.profile).items() for table in tables}
    origins = {
        column: [(made_by[table], name) for table, name in found if table in made_by]
        for column, found in column_origins(query, *within).items()
    }
    origins |= {
        column: sorted({origin for name in names for origin in origins[name]}) for column, names in added.items()
    }
    dataset = step.workspace.profile.name
    rows = [
        {"column": column, "from": asset, "columns": ", ".join(name for maker, name in found if maker == asset)}
        for column, found in origins.items()
        for asset in dict.fromkeys(maker for maker, _ in found)
    ]
    return {
        "column_lineage": {
            "lineage": {
                column: [[f"{dataset}/{asset}", name] for asset, name in found] for column, found in origins.items()
            }
        },
        "where_columns_come_from": {"markdown": markdown_table(pa.Table.from_pylist(rows), rows=len(rows))},
    }
