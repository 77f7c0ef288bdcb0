"""Files in the exact format and size of RetailRocket's public data set. GENERATED, not RetailRocket's data.

For benchmarks and format tests only: behaviour is random, and nothing about shops can be learned from it. Format and
sizes (2,756,101 events of 1,407,580 visitors on 235,061 items, May to September 2015; 20,275,902 item properties) as
published with the data set on Kaggle, "Retailrocket recommender system dataset".
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from attribution_dagster.core.simulation.folder import generated_folder

Ints = npt.NDArray[np.int64]
LABEL = "Generated in RetailRocket's format by attribution_dagster. This is not RetailRocket's data."
PUBLISHED_ROWS = 2_756_101
VISITORS_PER_ROW, ITEMS_PER_ROW = 1_407_580 / PUBLISHED_ROWS, 235_061 / PUBLISHED_ROWS
CART_SHARE, TRANSACTION_SHARE = 69_332 / PUBLISHED_ROWS, 22_457 / PUBLISHED_ROWS
FIRST_MS, DAYS, MS_PER_DAY = 1_430_622_000_000, 137, 86_400_000  # 3 May 2015 03:00 UTC
SNAPSHOT_MS, SNAPSHOTS = 1_431_226_800_000, 18  # 10 May 2015 03:00 UTC, then weekly
CATEGORIES, ROOT_CATEGORIES = 1_669, 25
# Two named properties, the price, and hashed ones that hold text.
_PROPERTIES = ("categoryid", "available", "790", "888", "283", "6", "776", "678", "364", "202", "159")
_CHUNK = 1_000_000
_PLAIN = pyarrow.csv.WriteOptions(quoting_style="none", include_header=False)
_EVENTS = ("view", "addtocart", "transaction")


@dataclass(frozen=True, kw_only=True)
class RetailRocketSummary:
    """Rows written to each file."""

    folder: Path
    events: int
    visitors: int
    views: int
    carts: int
    transactions: int
    properties: int
    categories: int


def generate_retailrocket(
    out: Path, *, rows: int = PUBLISHED_ROWS, seed: int = 0, property_rows: int | None = None
) -> RetailRocketSummary:
    """Return what was written to the folder `out`, all of it generated, none of it RetailRocket's.

    `events.csv` has `rows` rows in no order of time (timestamp in milliseconds; transactionid on transactions only),
    `item_properties_part1.csv` and `_part2.csv` together `property_rows` (default: `rows`; published: 20,275,902),
    `category_tree.csv` a parent per category, empty for roots. One seed gives identical bytes.

    Raises:
        ValueError: fewer than 100 rows, more properties than items have, or `out` holds other files.
    """
    if rows < 100:
        raise ValueError(f"rows={rows} must be at least 100")
    events_rng, items_rng = (np.random.Generator(np.random.SFC64(s)) for s in np.random.SeedSequence(seed).spawn(2))
    properties = rows if property_rows is None else property_rows
    items = max(int(rows * ITEMS_PER_ROW), 10)
    if not 2 <= properties <= _changes(items):
        raise ValueError(f"property_rows={properties} must be within 2 to {_changes(items)} for {items} items")
    with generated_folder(out, LABEL) as folder:
        visitors, kinds = _write_events(folder / "events.csv", rows, items, events_rng)
        half = properties // 2
        for part, numbers in ((1, range(half)), (2, range(half, properties))):
            _write_properties(folder / f"item_properties_part{part}.csv", numbers, items, items_rng)
        _write_categories(folder / "category_tree.csv", items_rng)
    views, carts, transactions = (int(n) for n in np.bincount(kinds, minlength=3))
    return RetailRocketSummary(
        folder=out, events=rows, visitors=visitors, views=views, carts=carts, transactions=transactions,
        properties=properties, categories=CATEGORIES,
    )  # fmt: skip


def _write_events(path: Path, rows: int, items: int, rng: np.random.Generator) -> tuple[int, Ints]:
    """Write the events shuffled; return the number of visitors and the kind of each event in order of visitor."""
    visitor = _visitors(rows, rng)
    is_first = np.diff(visitor, prepend=-1) != 0
    item = _items(is_first, items, rng)
    kind = _kinds(is_first, rng)
    follows_up = kind > 0  # a cart or a transaction is about the item seen just before
    item = item[np.maximum.accumulate(np.where(follows_up, 0, np.arange(rows)))]
    at_ms = _times(is_first, rng)
    transaction = np.cumsum(kind == 2) - 1
    shuffled = rng.permutation(rows)
    names = pa.DictionaryArray.from_arrays(pa.array(kind[shuffled].astype(np.int8)), pa.array(_EVENTS))
    table = pa.table({
        "timestamp": at_ms[shuffled],
        "visitorid": visitor[shuffled],
        "event": names.cast(pa.string()),
        "itemid": item[shuffled],
        "transactionid": pa.array(transaction[shuffled], mask=kind[shuffled] != 2),
    })  # fmt: skip
    with _headed(path, table.column_names) as sink:
        pyarrow.csv.write_csv(table, sink, _PLAIN)
    return int(is_first.sum()), kind


def _visitors(rows: int, rng: np.random.Generator) -> Ints:
    """Return the visitor of each event, ascending, shape (rows,): one event each, the rest heavy-tailed."""
    visitors = max(int(rows * VISITORS_PER_ROW), 1)
    appetite = np.cumsum(rng.pareto(1.6, visitors))
    more = np.searchsorted(appetite / appetite[-1], rng.random(rows - visitors))
    return np.repeat(np.arange(visitors), 1 + np.bincount(more, minlength=visitors))


def _items(is_first: npt.NDArray[np.bool_], items: int, rng: np.random.Generator) -> Ints:
    """Return the item of each event, shape (rows,): a few are popular, and a visitor often stays with one."""
    fresh = (items * rng.random(is_first.size) ** 2.5).astype(np.int64)
    stays = ~is_first & (rng.random(is_first.size) < 0.35)
    return fresh[np.maximum.accumulate(np.where(stays, 0, np.arange(is_first.size)))]


def _kinds(is_first: npt.NDArray[np.bool_], rng: np.random.Generator) -> Ints:
    """Return 0 view, 1 addtocart, 2 transaction per event: a cart follows an event, a transaction follows a cart."""
    kind = np.zeros(is_first.size, dtype=np.int64)
    later = np.flatnonzero(~is_first)
    carts = rng.choice(later, min(round(is_first.size * CART_SHARE), later.size), replace=False)
    kind[carts] = 1
    after_cart = later[(kind[later - 1] == 1) & (kind[later] == 0)]
    bought = rng.choice(after_cart, min(round(is_first.size * TRANSACTION_SHARE), after_cart.size), replace=False)
    kind[bought] = 2
    return kind


def _times(is_first: npt.NDArray[np.bool_], rng: np.random.Generator) -> Ints:
    """Return milliseconds per event: visitors come any time, go on within minutes, and sometimes days later."""
    span = DAYS * MS_PER_DAY
    gap = np.exp(11 + 1.1 * rng.standard_normal(is_first.size))  # median one minute
    is_late = rng.random(is_first.size) < 0.25
    gap = np.where(is_late, rng.exponential(6 * MS_PER_DAY, is_first.size), gap).astype(np.int64)
    elapsed = np.cumsum(np.where(is_first, 0, gap))
    first = np.flatnonzero(is_first)
    stay = np.append(elapsed[first[1:] - 1], elapsed[-1]) - elapsed[first]  # from first to last event of a visitor
    squeeze = np.minimum(1, 0.9 * span / np.maximum(stay, 1))  # the busiest would not fit otherwise
    arrival = (span - stay * squeeze) * rng.random(first.size)
    visitor = np.cumsum(is_first) - 1
    since_arrival = (elapsed - elapsed[first][visitor]) * squeeze[visitor]
    at_ms: Ints = FIRST_MS + (arrival[visitor] + since_arrival).astype(np.int64)
    return at_ms


def _write_properties(path: Path, rows: range, items: int, rng: np.random.Generator) -> None:
    fields = [("timestamp", pa.int64()), ("itemid", pa.int64()), ("property", pa.string()), ("value", pa.string())]
    schema = pa.schema(fields)
    with _headed(path, schema.names) as sink, pyarrow.csv.CSVWriter(sink, schema, write_options=_PLAIN) as writer:
        for start in range(rows.start, rows.stop, _CHUNK):
            chunk = np.arange(start, min(start + _CHUNK, rows.stop))
            writer.write_table(_property_rows(chunk, items, rng).cast(schema))


def _property_rows(row: Ints, items: int, rng: np.random.Generator) -> pa.Table:
    """Return the property rows with these numbers: first category, availability and price of every item, then changes.

    Changes step through all (item, property, week) by a stride that meets each once: no value is given twice.
    """
    count = row.size
    is_initial = row < 3 * items
    key = np.where(is_initial, row, (row - 3 * items) * _stride(items) % _changes(items))
    item, which = key % items, key // items % len(_PROPERTIES)
    week = np.where(is_initial, 0, 1 + key // (items * len(_PROPERTIES)))
    category = pa.array(rng.integers(0, CATEGORIES, count)).cast(pa.string())
    available = pa.array(rng.integers(0, 2, count)).cast(pa.string())
    text = pc.binary_join_element_wise(_tokens(rng, count), _tokens(rng, count), _numbers(rng, count), " ")
    kinds = pc.make_struct(*(pa.array(which == kind) for kind in range(3)))
    names = pa.DictionaryArray.from_arrays(pa.array(which.astype(np.int8)), pa.array(_PROPERTIES))
    return pa.table({
        "timestamp": SNAPSHOT_MS + week * 7 * MS_PER_DAY,
        "itemid": item,
        "property": names.cast(pa.string()),
        "value": pc.case_when(kinds, category, available, _numbers(rng, count), text),
    })  # fmt: skip


def _changes(items: int) -> int:
    """Return how many (item, property, week) there are after the first week."""
    return items * len(_PROPERTIES) * (SNAPSHOTS - 1)


def _stride(items: int) -> int:
    """Return the first number from the golden section of the changes on that has no factor in common with them."""
    stride = int(_changes(items) * 0.618)
    while math.gcd(stride, _changes(items)) > 1:
        stride += 1
    return stride


@contextmanager
def _headed(path: Path, names: list[str]) -> Iterator[BinaryIO]:
    """Yield a new file that holds the header without quotes, as RetailRocket writes it."""
    with path.open("wb") as sink:
        sink.write((",".join(names) + "\n").encode())
        yield sink


def _numbers(rng: np.random.Generator, count: int) -> pa.Array:
    """Return numbers as RetailRocket writes them: `n` and three decimals, `n277.200`."""
    thousandths = np.where(rng.random(count) < 0.9, 0, 100 * rng.integers(0, 10, count))
    decimals = pc.utf8_lpad(pa.array(thousandths).cast(pa.string()), 3, "0")
    return pc.binary_join_element_wise(
        "n", pa.array(rng.integers(1, 100_000, count)).cast(pa.string()), ".", decimals, ""
    )


def _tokens(rng: np.random.Generator, count: int) -> pa.Array:
    """Return hashed words: whole numbers as text."""
    return pa.array(rng.integers(1, 1_400_000, count)).cast(pa.string())


def _write_categories(path: Path, rng: np.random.Generator) -> None:
    """Write a tree: every category but the roots hangs below one with a smaller position in a random order."""
    order = rng.permutation(CATEGORIES)
    above = (rng.random(CATEGORIES) * np.arange(CATEGORIES)).astype(np.int64)
    table = pa.table({
        "categoryid": order, "parentid": pa.array(order[above], mask=np.arange(CATEGORIES) < ROOT_CATEGORIES)
    })  # fmt: skip
    with _headed(path, table.column_names) as sink:
        pyarrow.csv.write_csv(table, sink, _PLAIN)
