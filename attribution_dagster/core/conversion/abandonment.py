"""What abandoned sessions cost: a scenario with its assumptions, and how sure its counts are."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class LostRevenue:
    """Revenue of abandoned sessions that could be won back, in US dollars; low and high join sampling and assumption."""

    abandoned: int
    expected_usd: float
    low_usd: float
    high_usd: float


def lost_revenue(
    sessions: int,
    abandoned: int,
    abandoned_share: tuple[float, float],
    *,
    order_value_usd: float,
    recoverable_share: tuple[float, float, float],
) -> LostRevenue:
    """Return abandoned sessions x order value x recoverable share.

    Args:
        sessions: that reached the stage.
        abandoned: how many of them did not convert.
        abandoned_share: 95 % interval of the share of these.
        order_value_usd: value of an order, an assumption.
        recoverable_share: low, expected and high, assumptions. The low end of the amount takes the low share with the
            lower end of the interval, the high end the high share with the upper.
    """
    low, high = (share * sessions for share in abandoned_share)
    return LostRevenue(
        abandoned=abandoned,
        expected_usd=abandoned * order_value_usd * recoverable_share[1],
        low_usd=low * order_value_usd * recoverable_share[0],
        high_usd=high * order_value_usd * recoverable_share[2],
    )
