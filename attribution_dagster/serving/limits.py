"""How much a request may hold, and what is one session."""

from dataclasses import dataclass
from datetime import timedelta

MAX_BODY_MB = 4
MAX_SESSIONS = 256


@dataclass(frozen=True, kw_only=True)
class Limits:
    """sessions: in one request; events: in one session; a session ends after `inactivity` and is at most `longest`."""

    sessions: int
    events: int
    inactivity: timedelta
    longest: timedelta
