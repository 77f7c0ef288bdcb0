"""What the service answers: for each session its probability, what moved it most, and which model says so."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from attribution_dagster.core.models.storage import load_model
from attribution_dagster.core.scoring.reading import ReadingRules
from attribution_dagster.core.scoring.scorer import Reason, Score, Scorer
from attribution_dagster.serving.limits import Limits
from attribution_dagster.serving.requests import parse_sessions

DESCRIPTION = "serving.json"


@dataclass(frozen=True, kw_only=True)
class Described:
    """All that scoring needs to know beside the model, as it is kept with it; times in seconds."""

    model: str
    leaks: bool
    conversion: list[str]
    funnel: list[str]
    funnel_rule: Literal["drop", "keep", "stop"]
    method: str
    reasons: int
    max_sessions: int
    max_events: int
    inactivity_s: float
    longest_s: float

    def write(self, folder: Path) -> None:
        """Keep the description in the model's folder."""
        (folder / DESCRIPTION).write_text(json.dumps(asdict(self), indent=1))

    @staticmethod
    def of(folder: Path) -> "Described":
        """The description kept in the model's folder."""
        return Described(**json.loads((folder / DESCRIPTION).read_text()))


class ScoringService:
    """One model, ready to answer; may be called from several threads."""

    def __init__(self, folder: Path) -> None:
        """Load the model and its description from the folder."""
        self._known = known = Described.of(folder)
        rules = ReadingRules(
            conversion=frozenset(known.conversion), funnel=frozenset(known.funnel), funnel_rule=known.funnel_rule
        )
        self._scorer = Scorer(load_model(folder), rules, known.reasons, known.method)
        self._limits = Limits(
            sessions=known.max_sessions,
            events=known.max_events,
            inactivity=timedelta(seconds=known.inactivity_s),
            longest=timedelta(seconds=known.longest_s),
        )

    def answer(self, inputs: object) -> list[dict[str, Any]]:
        """One answer for each session, in the request's order.

        Raises:
            BadRequestError: the request can't be scored; the field is named.
        """
        sessions = parse_sessions(inputs, self._limits)
        scores = self._scorer.score([events for _, events in sessions])
        return [self._said(session_id, score) for (session_id, _), score in zip(sessions, scores, strict=True)]

    def _said(self, session_id: str, score: Score) -> dict[str, Any]:
        return {
            "session_id": session_id,
            "probability": score.probability,
            "logit": score.logit,
            "model_version": self._known.model,
            "reasons": [_reason(reason) for reason in score.reasons],
            "events_read": len(score.reading.events) - score.n_unread,
            "events_of_unknown_type": score.n_unknown,
            "events_ignored": _ignored(score),
            **({"caution": "DATA LEAKAGE: this model sees the funnel"} if self._known.leaks else {}),
        }


def _reason(reason: Reason) -> dict[str, Any]:
    event = reason.event
    return {
        "event_position": reason.event_position,
        "event_at": event.event_at.isoformat(),
        "event_type": event.event_type,
        "store_id": event.store_id,
        "signed_attribution": reason.signed_attribution,
        "centred_attribution": reason.centred_attribution,
    }


def _ignored(score: Score) -> Mapping[str, int]:
    """Events that the model did not read, by reason."""
    return {**score.reading.ignored, **({"before_the_last_that_are_read": score.n_unread} if score.n_unread else {})}
