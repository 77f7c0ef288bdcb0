"""What a request may hold: sessions of raw events in canonical columns. A bad one is refused with the field named."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Annotated

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from attribution_dagster.core.scoring.reading import RawEvent
from attribution_dagster.serving.limits import Limits

INPUTS = "inputs"
_EARLIEST, _LATEST = datetime(1990, 1, 1), datetime(2100, 1, 1)  # as in stg_events.sql
_Text = Annotated[str, Field(max_length=1024)]
_MAX_NAME = 40
"""Of a field's name, so much is repeated: one that is unknown is the caller's text."""
_SAID = {
    "model_type": "must be an object",
    "extra_forbidden": "is no field that is known",
    "string_pattern_mismatch": "must not be blank",
}
"""What is said in place of pydantic's own words, which speak of our classes and patterns."""


class BadRequestError(MlflowException):
    """A request that can't be scored: MLflow's server answers 400 with this body, which does not repeat what was sent."""

    def __init__(self, field: str, problem: str) -> None:
        """`field` is a path such as inputs[0].events[3].event_at."""
        super().__init__(f"{field}: {problem}", error_code=INVALID_PARAMETER_VALUE)
        self._body = json.dumps({"error_code": self.error_code, "field": field, "message": f"{field}: {problem}"})

    def serialize_as_json(self) -> str:
        """The body of the answer. MLflow would put all of the request into the message."""
        return self._body


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class EventIn(_Strict):
    """An event in the canonical columns; those that no model reads are taken and change nothing."""

    event_at: Annotated[str, Field(max_length=64)]
    event_type: Annotated[_Text, Field(pattern=r"[^ ]")]
    event_id: _Text | None = None
    discovery_feature: _Text | None = None
    store_id: _Text | None = None
    store_name: _Text | None = None
    primary_tag: _Text | None = None
    primary_category: _Text | None = None
    product_id: _Text | None = None
    is_nv: bool | None = None
    price_usd: Annotated[float, Field(allow_inf_nan=False)] | None = None
    user_id: _Text | None = None
    device_id: _Text | None = None
    auction_id: _Text | None = None
    ad_id: _Text | None = None
    ad_outcome: _Text | None = None


class SessionIn(_Strict):
    """A session: an id of the caller's, and its events in any order."""

    session_id: _Text
    events: list[EventIn]


_SESSIONS = TypeAdapter(list[SessionIn])
_UNREAD = {"event_at", "user_id", "device_id", "auction_id", "ad_id", "ad_outcome"}


def parse_sessions(inputs: object, limits: Limits) -> list[tuple[str, list[RawEvent]]]:
    """Id and events of each session of a request, in its order.

    Raises:
        BadRequestError: a field lacks, is unknown, or has another type or value than it may; an id is there twice; or there is
            too much of something.
    """
    _require_not_too_many(inputs, limits)
    try:
        sessions = _SESSIONS.validate_python(inputs)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise BadRequestError(_path(first["loc"]), _SAID.get(first["type"], first["msg"])) from None
    _require_distinct([session.session_id for session in sessions])
    found = []
    for number, session in enumerate(sessions):
        events = [_raw(event, (number, "events", place)) for place, event in enumerate(session.events)]
        _require_one_session(events, number, limits)
        found.append((session.session_id, events))
    return found


def _require_not_too_many(inputs: object, limits: Limits) -> None:
    """Counted before anything is parsed, so that a refusal costs little."""
    if not isinstance(inputs, list):
        raise BadRequestError(INPUTS, f"must be a list of sessions, not {type(inputs).__name__}")
    if not 1 <= len(inputs) <= limits.sessions:
        raise BadRequestError(INPUTS, f"holds {len(inputs)} sessions; from 1 to {limits.sessions} are taken at once")
    for number, session in enumerate(inputs):
        events = session.get("events") if isinstance(session, Mapping) else None
        if isinstance(events, list) and len(events) > limits.events:
            problem = f"holds {len(events)} events; a session of this dataset has at most {limits.events}"
            raise BadRequestError(_path((number, "events")), problem)


def _require_distinct(ids: Sequence[str]) -> None:
    """Refuses an id that is there twice: halves of a session have scores that are no session's, and a caller who joins by id mixes them."""
    first: dict[str, int] = {}
    for number, each in enumerate(ids):
        if (before := first.setdefault(each, number)) != number:
            raise BadRequestError(
                _path((number, "session_id")), f"is that of {_path((before,))} too: send a session once"
            )


def _raw(event: EventIn, place: tuple[int | str, ...]) -> RawEvent:
    try:
        at = datetime.fromisoformat(event.event_at.replace("\0", "?"))  # it would read no further than a NUL
        at = at if at.tzinfo is None else at.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        problem = "is no time in ISO 8601, such as 2026-01-31T12:00:00Z; without a zone it is taken for UTC"
        raise BadRequestError(_path((*place, "event_at")), problem) from None
    if not _EARLIEST <= at < _LATEST:
        raise BadRequestError(_path((*place, "event_at")), f"{at.isoformat()} is not between 1990 and 2100")
    return RawEvent(**event.model_dump(exclude=_UNREAD), event_at=at)


def _require_one_session(events: Sequence[RawEvent], number: int, limits: Limits) -> None:
    """Refuses what sessions.sql would have cut in two, or rejected: a model has never seen such a gap inside a session."""
    order = sorted(range(len(events)), key=lambda place: events[place].event_at)
    for before, place in pairwise(order):
        gap = events[place].event_at - events[before].event_at
        if gap > limits.inactivity:
            problem = f"is {gap} after the event before it; a session ends after {limits.inactivity}: send two sessions"
            raise BadRequestError(_path((number, "events", place, "event_at")), problem)
    if order and (length := events[order[-1]].event_at - events[order[0]].event_at) > limits.longest:
        problem = f"is {length} after the session's first event; a session is at most {limits.longest} long"
        raise BadRequestError(_path((number, "events", order[-1], "event_at")), problem)


def _path(location: Sequence[int | str]) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{_cut(step)}" for step in location)
    return INPUTS + "".join(steps)


def _cut(name: str) -> str:
    return name if len(name) <= _MAX_NAME else f"{name[:_MAX_NAME]}..."
