"""What statements would cost in Snowflake, by arithmetic on assumptions that are all written down; no account is asked."""

from collections.abc import Sequence
from dataclasses import dataclass

CREDITS_PER_HOUR = {"xsmall": 1, "small": 2, "medium": 4, "large": 8, "xlarge": 16, "xxlarge": 32, "xxxlarge": 64, "x4large": 128}  # fmt: skip
"""Of a standard warehouse, by size. Source: Snowflake's service consumption table."""
MINIMUM_S = 60
"""Billed each time a suspended warehouse resumes, however short the statement."""


@dataclass(frozen=True, kw_only=True)
class Assumptions:
    """What the estimate rests on besides the number of statements."""

    size: str
    events_per_window: int
    rows_per_s: int
    """Events that a statement gets through per second and credit per hour: twice the size, twice as many."""
    statement_s: float = 0.5
    """Of each statement, before it reads a row."""
    auto_suspend_s: int = 60
    """How long the warehouse goes on, billed, after the last statement of a burst."""

    def __str__(self) -> str:
        """In a person's words."""
        return (
            f"a {self.size} warehouse ({CREDITS_PER_HOUR[self.size]} credits an hour), {self.events_per_window:,} events a window, every statement reading "
            f"all of them, {self.rows_per_s:,} events a second and statement on xsmall and in proportion to size, {self.statement_s} s for each "
            f"statement besides, suspended {self.auto_suspend_s} s after the last, and at least {MINIMUM_S} s billed each time it resumes"
        )


def credits(statements_per_burst: Sequence[int], assumed: Assumptions) -> float:
    """Credits of bursts of statements, one burst for each of these numbers, between which the warehouse is suspended.

    A burst is billed for its statements one after the other and the wait until the warehouse suspends, and never for less than a minute.
    Source: Snowflake's documentation of warehouse billing (per second, 60 s at least). Limits: cloud services, storage and transfer are not
    in it; statements of other sessions on the same warehouse may share its seconds.
    """
    hourly = CREDITS_PER_HOUR[assumed.size]
    each_s = assumed.statement_s + assumed.events_per_window / (assumed.rows_per_s * hourly)
    billed_s = [max(MINIMUM_S, number * each_s + assumed.auto_suspend_s) for number in statements_per_burst if number]
    return sum(billed_s) * hourly / 3600
