"""Which of a session's raw events a model reads: what the warehouse's SQL decides for a window, for single sessions.

`stg_events.sql` orders events and drops repeated deliveries, `sessions.sql` finds the conversion, and
`sequence_events.sql` leaves out what the variant may not see. These rules are the only part of the preprocessing that
exists twice; a test holds both against each other on every session of a window. What follows is the training code itself.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import pyarrow as pa

from attribution_dagster.core.sequences.builder import sequences_in_memory
from attribution_dagster.core.sequences.sequence_set import SequenceSet

TEXTS = (
    "event_type",
    "discovery_feature",
    "store_id",
    "store_name",
    "primary_tag",
    "primary_category",
    "product_id",
)
"""Columns of an event that are names."""
_DUPLICATE, _AFTER_CONVERSION, _FUNNEL = "repeated_delivery", "conversion_and_after", "funnel"


@dataclass(frozen=True, kw_only=True, slots=True)
class RawEvent:
    """One event as it happened; `event_at` is UTC without a zone. `event_id` orders events of one instant."""

    event_at: datetime
    event_type: str
    event_id: str | None = None
    discovery_feature: str | None = None
    store_id: str | None = None
    store_name: str | None = None
    primary_tag: str | None = None
    primary_category: str | None = None
    product_id: str | None = None
    is_nv: bool | None = None
    price_usd: float | None = None


@dataclass(frozen=True, kw_only=True)
class ReadingRules:
    """What ends a session for a model, and what it may see of the funnel: `drop` its events, `keep` them, or `stop` at the first."""

    conversion: frozenset[str]
    funnel: frozenset[str]
    funnel_rule: Literal["drop", "keep", "stop"]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The events that a model reads, in order, and how many it doesn't, by reason."""

    events: Sequence[RawEvent]
    ignored: Mapping[str, int] = field(default_factory=dict)


def read(events: Iterable[RawEvent], rules: ReadingRules) -> Reading:
    """Return what a model reads of a session: in order, without repeated deliveries, up to the first conversion.

    Events are ordered by time, id and type as in the warehouse, and an id counts once at an instant. Without ids, those of one instant keep the
    order they came in, and of those with the same type, store and product one counts: staging makes ids of these.
    """
    ordered = sorted(events, key=lambda e: (e.event_at, e.event_id or "", e.event_type if e.event_id else ""))
    ignored: Counter[str] = Counter()
    found: list[RawEvent] = []
    delivered: set[tuple[datetime, *tuple[str | None, ...]]] = set()
    over: str | None = None
    for event in ordered:
        delivery = _delivery(event)
        if delivery in delivered:
            ignored[_DUPLICATE] += 1
            continue
        delivered.add(delivery)
        if over != _AFTER_CONVERSION and event.event_type in rules.conversion:
            over = _AFTER_CONVERSION
        elif over is None and event.event_type in rules.funnel and rules.funnel_rule == "stop":
            over = _FUNNEL
        is_dropped = event.event_type in rules.funnel and rules.funnel_rule == "drop"
        reason = over or (_FUNNEL if is_dropped else None)
        if reason is None:
            found.append(event)
        else:
            ignored[reason] += 1
    return Reading(events=found, ignored=dict(ignored))


def _delivery(event: RawEvent) -> tuple[datetime, *tuple[str | None, ...]]:
    """What tells an event from another delivery of it."""
    if event.event_id is not None:
        return event.event_at, event.event_id
    return event.event_at, event.event_type, event.store_id, event.product_id


def sequences_of(readings: Sequence[Reading], categories: Sequence[str], numbers: Sequence[str]) -> SequenceSet:
    """Return the set of these sessions, in their order, made by the builder that made the training's; labels are unknown, and 0."""
    return sequences_in_memory([_rows(readings)], categories, numbers)


def _rows(readings: Sequence[Reading]) -> pa.RecordBatch:
    """The rows that the builder takes; a session without events is one row without event_at."""
    # Ids that sort as the sessions stand: the builder wants them in order, and the caller's may be anything.
    numbered = [(f"{number:09}", event) for number, each in enumerate(readings) for event in each.events or (None,)]
    ids, events = [number for number, _ in numbered], [event for _, event in numbered]
    time, n_rows = pa.timestamp("us"), len(numbered)
    columns = {
        "session_id": pa.array(ids, pa.string()),
        "user_id": pa.nulls(n_rows, pa.string()),
        "label": pa.array([0] * n_rows, pa.int8()),
        "in_risk_set": pa.array([False] * n_rows, pa.bool_()),
        "started_at": pa.array([datetime(1970, 1, 1)] * n_rows, time),
        "event_at": pa.array([event and event.event_at for event in events], time),
        "is_nv": pa.array([event and event.is_nv for event in events], pa.bool_()),
        "price_usd": pa.array([event and event.price_usd for event in events], pa.float64()),
        **{name: pa.array([event and getattr(event, name) for event in events], pa.string()) for name in TEXTS},
    }
    return pa.RecordBatch.from_pydict(columns)
