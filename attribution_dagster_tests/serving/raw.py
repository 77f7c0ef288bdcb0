"""Sessions of the small dataset as somebody would send them: the raw events that the warehouse put into each."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from attribution_dagster.core.scoring.reading import TEXTS, RawEvent
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.queries import parse_query
from attribution_dagster_tests.pipeline.small import EXPLAINED

COLUMNS = ("event_at", "event_id", *TEXTS, "is_nv", "price_usd")


def raw_sessions(workspace: Workspace) -> dict[str, list[RawEvent]]:
    """Session id -> its events, those after the conversion too, in an order that nobody asked for."""
    query = parse_query(
        "session_events",
        f"SELECT session_id, {', '.join(COLUMNS)} FROM session_events WHERE window_start = :window_start ORDER BY session_id, event_id",
    )
    rows = workspace.fetch(query, EXPLAINED).to_pylist()
    found: dict[str, list[RawEvent]] = {}
    for place in np.random.default_rng(5).permutation(len(rows)):
        row = rows[place]
        found.setdefault(row.pop("session_id"), []).append(RawEvent(**row))
    return found


def as_request(sessions: Mapping[str, Sequence[RawEvent]]) -> dict[str, Any]:
    """The sessions as the service's JSON."""
    return {
        "inputs": [
            {"session_id": name, "events": [_event(event) for event in events]} for name, events in sessions.items()
        ]
    }


def _event(event: RawEvent) -> dict[str, Any]:
    values = {name: getattr(event, name) for name in COLUMNS}
    return {**values, "event_at": event.event_at.isoformat()}
