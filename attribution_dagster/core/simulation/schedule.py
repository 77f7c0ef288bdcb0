"""When people come: who visits on which device, and where visits fall on the calendar."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from attribution_dagster.core.simulation.world import MarketplaceWorld

Ints = npt.NDArray[np.int64]
MS_PER_HOUR = 3_600_000
MS_PER_WEEK = 7 * 24 * MS_PER_HOUR
SECOND_DEVICE_SHARE = 0.35  # of users; every fifth visit of such a user is on the second device
SECOND_DEVICE_VISITS = 0.2
RETURN_SHARE = 0.12  # of visits: the person comes back shortly after the visit before
EXTRA_PAUSE_MINUTES = 20  # mean of the exponential time by which a pause exceeds the timeout
ACTIVITY_SHAPE = 1.5  # of the gamma distribution of visits per user


@dataclass(frozen=True, kw_only=True)
class Visits:
    """S visits of a block, ordered by user, device and wished start. Times are milliseconds since the first Monday."""

    user: Ints  # (S,) number of the user within the block
    device: Ints  # (S,) 0 or 1
    wished_ms: Ints  # (S,)
    pause_ms: Ints  # (S,) least pause since the end of the visit before on the same device

    @property
    def is_first(self) -> npt.NDArray[np.bool_]:
        """True for the first visit of each user and device, shape (S,)."""
        first = np.ones(self.user.size, dtype=bool)
        first[1:] = (self.user[1:] != self.user[:-1]) | (self.device[1:] != self.device[:-1])
        return first


def draw_visits(world: MarketplaceWorld, weeks: int, weekday: int, rng: np.random.Generator) -> Visits:
    """Return the visits of one block of users over `weeks` weeks that begin on `weekday` (Monday 0).

    The number of visits per user is gamma-Poisson; their hours follow the world's week.
    """
    users = world.block_users
    rate = rng.gamma(ACTIVITY_SHAPE, world.visits_per_user_week / ACTIVITY_SHAPE, users)
    count = rng.poisson(rate * weeks)
    user = np.repeat(np.arange(users), count)
    has_second = rng.random(users) < SECOND_DEVICE_SHARE
    device = (has_second[user] & (rng.random(user.size) < SECOND_DEVICE_VISITS)).astype(np.int64)
    hour = _hours_of_week(world, weekday, rng.random(user.size))
    week = rng.integers(0, weeks, user.size)
    wished = week * MS_PER_WEEK + hour * MS_PER_HOUR + rng.integers(0, MS_PER_HOUR, user.size)
    order = np.lexsort((wished, device, user))
    user, device, wished = user[order], device[order], wished[order]
    extra_ms = 1_000 + rng.exponential(EXTRA_PAUSE_MINUTES * 60_000, user.size).astype(np.int64)
    pause = int(world.inactivity_minutes * 60_000) + extra_ms
    visits = Visits(user=user, device=device, wished_ms=wished, pause_ms=pause)
    # Somebody who returns wishes for the moment of the visit before, and gets the first one after the pause.
    returns = ~visits.is_first & (rng.random(user.size) < RETURN_SHARE)
    return replace(visits, wished_ms=np.where(returns, np.roll(wished, 1), wished))


def place_visits(visits: Visits, duration_ms: Ints) -> Ints:
    """Return the start of each visit, shape (S,): its wish, or later if the visit before has not ended a pause ago.

    start(i) = max(wished(i), start(i - 1) + duration(i - 1) + pause(i)) per user and device, solved for all at once
    as a running maximum of wished - backlog.
    """
    is_first = visits.is_first
    group = np.cumsum(is_first) - 1
    occupied = np.roll(duration_ms, 1) + visits.pause_ms
    backlog = np.cumsum(np.where(is_first, 0, occupied))
    backlog -= backlog[is_first][group]
    slack = visits.wished_ms - backlog
    apart = int(slack.max(initial=0) - slack.min(initial=0)) + 1
    latest: Ints = np.maximum.accumulate(slack + group * apart) - group * apart
    start: Ints = latest + backlog
    return start


def _hours_of_week(world: MarketplaceWorld, weekday: int, uniform: npt.NDArray[np.float64]) -> Ints:
    weight = np.outer(np.roll(world.weekday_weights, -weekday), world.hour_weights).ravel()
    hour = np.searchsorted(np.cumsum(weight) / weight.sum(), uniform, side="right")
    return np.minimum(hour, weight.size - 1)
