"""The version of what people read: which columns the published tables and the views for BI have, and since when.

sql/published_columns.csv lists them. VERSION goes up in its second part when columns are added, and in its first when one is taken
away, renamed or given another type; docs/bi.md says what readers may rely on.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

from attribution_dagster.warehouse.queries import sql_folder

VERSION = "1.0"


@dataclass(frozen=True, kw_only=True, order=True)
class PublishedColumn:
    """A column that readers may rely on; `table` has `{variant}` where there is one for each, `since` is the version that brought it."""

    table: str
    column: str
    type: str
    since: str


def published_columns() -> list[PublishedColumn]:
    """The columns as they are listed."""
    with listing().open(newline="", encoding="utf-8") as lines:
        return [PublishedColumn(**row) for row in csv.DictReader(lines)]


def listing() -> Path:
    """The file that lists them."""
    return sql_folder() / "published_columns.csv"
