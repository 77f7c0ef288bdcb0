"""What readers may rely on: no column of a published table or view goes, or changes its type, unnoticed; new ones are written down.

To write down new ones, after raising the second part of VERSION:

    python -m attribution_dagster_tests.warehouse.test_published_columns
"""

import csv
import dataclasses
from collections.abc import Iterable

import pytest

from attribution_dagster.assets.audited import tables
from attribution_dagster.datasets.registry import load_profile
from attribution_dagster.warehouse.ddl import table_definition
from attribution_dagster.warehouse.published_columns import VERSION, PublishedColumn, listing, published_columns
from attribution_dagster.warehouse.views import view_columns, view_query, views_of

PROFILES = [load_profile(name) for name in ("marketplace", "ads", "simulated_coupon")]
VIEW = "view"
"""Type of a view's columns: that of the table's column."""


def defined() -> dict[tuple[str, str], str]:
    """Table and column -> type, of all published tables as their definitions say, and of the views."""
    found = {}
    for profile in PROFILES:
        for name in tables(profile):
            variant = next((v for v in profile.variants if name.endswith(f"_{v}")), None)
            general = name.removesuffix(f"_{variant}") + "_{variant}" if variant else name
            found |= {(general, column.name): column.type for column in table_definition(name).columns}
        for name in views_of(profile):
            query = view_query(name, list(profile.variants))
            found |= {(name, column): VIEW for column in view_columns(query)}
    return found


def differences(listed: Iterable[PublishedColumn], now: dict[tuple[str, str], str]) -> list[str]:
    """What breaks a reader's query, and what nobody has written down."""
    known = {(each.table, each.column): each.type for each in listed}
    gone = [f"{table}.{column} is gone" for table, column in known if (table, column) not in now]
    other = [
        f"{t}.{c} was {known[t, c]}, is {now[t, c]}" for t, c in known if now.get((t, c), known[t, c]) != known[t, c]
    ]
    return gone + other + [f"{table}.{column} is not listed" for table, column in now if (table, column) not in known]


def test_published_columns_are_those_that_are_listed() -> None:
    assert differences(published_columns(), defined()) == [], (
        "raise VERSION in warehouse/published_columns.py (its first part if a column goes, is renamed or changes its type), "
        "then run python -m attribution_dagster_tests.warehouse.test_published_columns"
    )


def test_no_column_is_newer_than_the_version() -> None:
    newest = max(tuple(map(int, each.since.split("."))) for each in published_columns())
    assert newest <= tuple(map(int, VERSION.split(".")))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, "sessions.label is gone"),
        ({("sessions", "label"): "VARCHAR"}, "sessions.label was INT, is VARCHAR"),
        ({("sessions", "label"): "INT", ("sessions", "more"): "INT"}, "sessions.more is not listed"),
    ],
)
def test_a_change_that_readers_feel_is_told(changed: dict[tuple[str, str], str], told: str) -> None:
    listed = [PublishedColumn(table="sessions", column="label", type="INT", since="1.0")]
    assert differences(listed, changed) == [told]


def write() -> None:
    """Lists what there is now; columns that were listed keep the version that brought them."""
    since = {(each.table, each.column): each.since for each in published_columns()} if listing().exists() else {}
    rows = [
        PublishedColumn(table=table, column=column, type=kind, since=since.get((table, column), VERSION))
        for (table, column), kind in defined().items()
    ]
    with listing().open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(
            file, [field.name for field in dataclasses.fields(PublishedColumn)], lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows(dataclasses.asdict(row) for row in rows)


if __name__ == "__main__":
    write()
