"""Simulated events and their truth as Arrow tables, built from codes without a Python loop over events."""

import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from attribution_dagster.core.simulation.block import Block
from attribution_dagster.core.simulation.catalogue import DISCOVERY_FEATURES, Catalogue
from attribution_dagster.core.simulation.world import MarketplaceWorld

_BLOCK_DIGITS, _ROW_DIGITS, _USER_DIGITS = 6, 8, 8

EVENT_SCHEMA = pa.schema(
    [
        ("event_id", pa.string()),
        ("user_id", pa.string()),
        ("device_id", pa.string()),
        ("event_at", pa.timestamp("us")),
        ("event_type", pa.string()),
        ("discovery_feature", pa.string()),
        ("store_id", pa.string()),
        ("store_name", pa.string()),
        ("primary_tag", pa.string()),
        ("primary_category", pa.string()),
        ("is_nv", pa.bool_()),
        ("product_id", pa.string()),
        ("price_usd", pa.float64()),
        ("is_sale", pa.bool_()),
    ]
)
OCCURRENCE_SCHEMA = pa.schema(
    [
        ("event_id", pa.string()),
        ("user_id", pa.string()),
        ("device_id", pa.string()),
        ("session_number", pa.int32()),
        ("event_at", pa.timestamp("us")),
        ("event_type", pa.string()),
        ("position", pa.int32()),
        ("planted_effect_logits", pa.float64()),
        ("next_bonus_logits", pa.float64()),
        ("oracle_logit", pa.float64()),
    ]
)


def block_tables(
    world: MarketplaceWorld, catalogue: Catalogue, block: Block, *, number: int, start: datetime.date
) -> tuple[pa.Table, pa.Table]:
    """Return the raw events of block `number` and the truth about them, row by row the same events.

    Categories are dictionary arrays: their strings are held once. `event_at` is UTC without a zone.
    """
    common = _identity(world, block, number, start)
    store, product = block.store, block.product
    has_product = product >= 0
    events = {
        **common,
        "discovery_feature": _coded(block.feature, DISCOVERY_FEATURES),
        "store_id": _coded(store, catalogue.store_ids),
        "store_name": _coded(store, catalogue.store_names),
        "primary_tag": _labelled(store, catalogue.tags),
        "primary_category": _labelled(store, catalogue.categories),
        "is_nv": pa.array(catalogue.is_nv[store], mask=store < 0),
        "product_id": _coded(product, catalogue.product_ids),
        "price_usd": pa.array(catalogue.prices_usd[product], mask=~has_product),
        "is_sale": pa.array(catalogue.on_sale[product], mask=~has_product),
    }
    occurrences = {
        **common,
        "session_number": pa.array(block.session.astype(np.int32)),
        "position": pa.array(block.position.astype(np.int32), mask=block.position == 0),
        "planted_effect_logits": _logits(block.planted_effect),
        "next_bonus_logits": _logits(block.next_bonus),
        "oracle_logit": _logits(block.oracle_logit),
    }
    return (
        pa.table({name: events[name] for name in EVENT_SCHEMA.names}),
        pa.table({name: occurrences[name] for name in OCCURRENCE_SCHEMA.names}),
    )


def _identity(world: MarketplaceWorld, block: Block, number: int, start: datetime.date) -> dict[str, pa.Array]:
    users = range(number * world.block_users, (number + 1) * world.block_users)
    user_ids = [f"u{user:0{_USER_DIGITS}d}" for user in users]
    device_ids = [f"d{user:0{_USER_DIGITS}d}{letter}" for user in users for letter in "ab"]
    midnight = np.datetime64(start, "us")
    return {
        "event_id": _numbered_ids(number, block.at_ms.size),
        "user_id": _coded(block.user, user_ids),
        "device_id": _coded(2 * block.user + block.device, device_ids),
        "event_at": pa.array(midnight + (block.at_ms * 1000).astype("timedelta64[us]")),
        "event_type": _coded(block.types, world.event_names),
    }


def _coded(codes: npt.NDArray[np.int64], values: tuple[str, ...] | list[str]) -> pa.DictionaryArray:
    """Return strings by code; a negative code is NULL. `values` are distinct."""
    indices = pa.array(codes.astype(np.int32), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(list(values), pa.string()))


def _labelled(codes: npt.NDArray[np.int64], labels: tuple[str, ...]) -> pa.DictionaryArray:
    """Return labels that several codes share. A dictionary with a value twice is not always written alike."""
    distinct, label = np.unique(np.array(labels), return_inverse=True)
    return _coded(np.where(codes < 0, -1, label[codes]), distinct.tolist())


def _logits(values: npt.NDArray[np.float64]) -> pa.Array:
    """Return logits rounded to nine decimals, NULL where undefined."""
    return pa.array(np.round(values, 9), mask=np.isnan(values))


def _numbered_ids(block: int, rows: int) -> pa.Array:
    """Return `e`, the block, and the row within it as fixed-width strings; they sort in order of emission."""
    if block >= 10**_BLOCK_DIGITS or rows > 10**_ROW_DIGITS:
        raise ValueError(f"block {block} with {rows} events has no room for its event ids; use a smaller block_users")
    head = f"e{block:0{_BLOCK_DIGITS}d}".encode()
    width = len(head) + _ROW_DIGITS
    letters = np.empty((rows, width), dtype=np.uint8)
    letters[:, : len(head)] = np.frombuffer(head, dtype=np.uint8)
    rest = np.arange(rows, dtype=np.uint32)
    for column in range(width - 1, len(head) - 1, -1):
        rest, digit = np.divmod(rest, np.uint32(10))
        letters[:, column] = digit + ord("0")
    offsets = np.arange(0, (rows + 1) * width, width, dtype=np.int32)
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(letters))
