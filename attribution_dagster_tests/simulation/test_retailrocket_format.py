import csv
import re
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from attribution_dagster.core.simulation import generate_retailrocket

ROWS = 40_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate_retailrocket(tmp_path_factory.mktemp("retailrocket") / "out", rows=ROWS, seed=5).folder


@pytest.fixture(scope="module")
def events(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "events.csv", dtype={"transactionid": "Int64"})


def test_headers_and_rows_look_as_published(folder):
    head = {path.name: path.read_text().splitlines()[0] for path in folder.glob("*.csv")}
    assert head == {
        "events.csv": "timestamp,visitorid,event,itemid,transactionid",
        "item_properties_part1.csv": "timestamp,itemid,property,value",
        "item_properties_part2.csv": "timestamp,itemid,property,value",
        "category_tree.csv": "categoryid,parentid",
    }
    lines = (folder / "events.csv").read_text().splitlines()[1:]
    assert len(lines) == ROWS
    assert all(re.fullmatch(r"\d{13},\d+,(view,\d+,|addtocart,\d+,|transaction,\d+,\d+)", line) for line in lines)


def test_events_have_the_published_shares_and_span(events):
    share = events["event"].value_counts(normalize=True)
    assert share["view"] == pytest.approx(0.967, abs=0.001)
    assert share["addtocart"] == pytest.approx(0.025, abs=0.001)
    assert share["transaction"] == pytest.approx(0.008, abs=0.001)
    assert events["visitorid"].nunique() == pytest.approx(ROWS * 0.5107, rel=0.01)
    times = pd.to_datetime(events["timestamp"], unit="ms")
    assert times.min() >= pd.Timestamp("2015-05-03") and times.max() <= pd.Timestamp("2015-09-18")
    assert not events["timestamp"].is_monotonic_increasing
    assert not events.duplicated(["visitorid", "timestamp"]).any()


def test_a_transaction_follows_a_cart_with_the_same_item(events):
    ordered = events.sort_values(["visitorid", "timestamp"])
    before = ordered.shift()
    bought = ordered["event"] == "transaction"
    assert (before.loc[bought, "event"] == "addtocart").all()
    for column in ("visitorid", "itemid"):
        assert (before.loc[bought, column] == ordered.loc[bought, column]).all()
    assert ordered.loc[bought, "transactionid"].is_unique


def test_item_properties_are_weekly_snapshots_with_numbers_behind_an_n(folder, events):
    parts = [pd.read_csv(folder / f"item_properties_part{n}.csv", dtype=str) for n in (1, 2)]
    properties = pd.concat(parts)
    assert len(properties) == ROWS
    assert not properties.duplicated(["timestamp", "itemid", "property"]).any()
    snapshots = sorted(properties["timestamp"].astype("int64").unique())
    assert {b - a for a, b in pairwise(snapshots)} == {7 * 86_400_000}
    patterns = {"categoryid": r"\d+", "available": "[01]", "790": r"n\d+\.\d{3}"}
    for name, values in properties.groupby("property")["value"]:
        assert values.str.fullmatch(patterns.get(name, r"\d+ \d+ n\d+\.\d{3}")).all(), name
    with_category = set(properties.loc[properties["property"] == "categoryid", "itemid"].astype(int))
    assert set(events["itemid"]) <= with_category


def test_the_category_tree_has_roots_and_no_circle(folder):
    with (folder / "category_tree.csv").open() as file:
        parent = {row["categoryid"]: row["parentid"] for row in csv.DictReader(file)}
    assert len(parent) == 1_669 and sum(above == "" for above in parent.values()) == 25
    for category in parent:
        for _ in range(len(parent)):
            if category == "":
                break
            category = parent[category]
        assert category == ""


def test_it_says_that_it_is_generated(folder):
    assert "not RetailRocket's data" in (folder / "GENERATED.txt").read_text()
    assert "not RetailRocket's data" in generate_retailrocket.__globals__["__doc__"]


def test_one_seed_gives_identical_bytes_and_another_does_not(tmp_path):
    names = ("events.csv", "item_properties_part1.csv", "item_properties_part2.csv", "category_tree.csv")
    first, again, other = (
        generate_retailrocket(tmp_path / name, rows=2_000, seed=seed).folder
        for name, seed in (("first", 1), ("again", 1), ("other", 2))
    )
    for name in names:
        assert (first / name).read_bytes() == (again / name).read_bytes()
        assert (first / name).read_bytes() != (other / name).read_bytes()


def test_nonsense_is_refused(tmp_path):
    with pytest.raises(ValueError, match="rows=5 must be at least 100"):
        generate_retailrocket(tmp_path / "out", rows=5)
    with pytest.raises(ValueError, match="property_rows=1000000 must be within 2 to"):
        generate_retailrocket(tmp_path / "out", rows=200, property_rows=1_000_000)
