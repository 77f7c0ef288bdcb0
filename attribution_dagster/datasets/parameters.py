"""What the statements in `sql/` ask for: bounds in time, computed here in Python, and the profile's numbers."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from attribution_dagster.datasets.profile import Profile
from attribution_dagster.datasets.windows import Window, comparable, preceding, windows
from attribution_dagster.errors import ConfigurationError

TRAILING = 8
"""Windows before one that it is compared with."""
_US_PER_MINUTE = 60_000_000
_NEVER = datetime(1970, 1, 1)
"""Starts no window; fills the places of trailing windows that there are not."""


def parameters(
    profile: Profile, window: Window, wanted: frozenset[str], more: Mapping[str, object] | None = None
) -> dict[str, object]:
    """The values of the `wanted` parameters (`Query.parameters`) for one window; `more` adds or replaces some.

    A statement about sessions that may still be open wants `observation_end`: give it in `more`.

    Raises ConfigurationError naming a parameter that nobody has a value for.
    """
    known = {**_of_profile(profile), **_of_window(profile, window), **(more or {})}
    if wanted - set(known):
        known |= _of_windows_before(profile, window)
    unknown = sorted(wanted - set(known))
    if unknown:
        raise ConfigurationError(f"dataset {profile.name}: no value for the parameter {', '.join(unknown)}")
    return {name: known[name] for name in wanted}


def observation_end(profile: Profile, window: Window, last_event_at: datetime) -> datetime:
    """Until when events were observed (UTC), as far as the window's sessions can tell.

    That is the last event's time or the end of all windows, whichever is earlier; but no later than when every session
    of the window has ended for sure, so that a window does not change when later events arrive.
    """
    sessions = profile.sessions
    all_ended = window.end + timedelta(hours=sessions.max_hours, minutes=sessions.inactivity_minutes, seconds=1)
    ends = [windows(profile)[-1].end] if profile.windows.end else []
    return min(all_ended, last_event_at, *ends)


def _of_window(profile: Profile, window: Window) -> dict[str, object]:
    """Bounds of what has to be read to decide the window's sessions without any other window."""
    longest = timedelta(hours=profile.sessions.max_hours)
    inactivity = timedelta(minutes=profile.sessions.inactivity_minutes)
    return {
        "window_start": window.start,
        "window_end": window.end,
        "scan_start": window.start - longest - inactivity,
        "scan_end": window.end + longest,
        "history_start": window.start - timedelta(days=profile.conversion.history_days),
    }


def _of_windows_before(profile: Profile, window: Window) -> dict[str, object]:
    """Starts of the windows that this one is compared with (`trailing_1` is the latest), and of the first just before it."""
    starts = [each.start for each in comparable(profile, window, TRAILING)]
    padded = starts + [_NEVER] * (TRAILING - len(starts))
    before = preceding(profile, window, TRAILING)
    return {
        "recent_start": before[0].start if before else window.start,
        **{f"trailing_{number}": start for number, start in enumerate(padded, start=1)},
    }


def _of_profile(profile: Profile) -> dict[str, object]:
    sessions = profile.sessions
    return {
        "time_zone": profile.time_zone,
        "inactivity_us": sessions.inactivity_minutes * _US_PER_MINUTE,
        "max_session_us": sessions.max_hours * 60 * _US_PER_MINUTE,
        "bot_max_events": sessions.bot_max_events,
        "bot_max_events_per_minute": sessions.bot_max_events_per_minute,
        "salt": profile.sampling.salt,
        "sample_users": profile.sampling.users,
        "early_events": profile.conversion.early_events,
        "early_us": round(profile.conversion.early_minutes * _US_PER_MINUTE),
    }
