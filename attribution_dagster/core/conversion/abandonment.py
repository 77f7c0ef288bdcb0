"""What abandoned sessions cost: a scenario with its assumptions, and how sure its counts are."""

from dataclasses import dataclass

from attribution_dagster.core.uncertainty import Z_95


@dataclass(frozen=True, kw_only=True)
class LostRevenue:
    """Revenue of abandoned sessions that could be won back, in US dollars; low and high join sampling and assumption."""

    abandoned: int
    expected_usd: float
    low_usd: float
    high_usd: float


def lost_revenue(
    sessions: int,
    abandoned_share_error: float,
    abandoned: int,
    order_value_usd: float,
    share: tuple[float, float, float],
) -> LostRevenue:
    """Return abandoned sessions x order value x recoverable share.

    Args:
        sessions: that reached the stage.
        abandoned_share_error: standard error of the share of them that went no further, clustered by user.
        abandoned: how many went no further.
        order_value_usd: value of an order, an assumption.
        share: low, expected and high recoverable share, assumptions. The interval takes the low share with the lower
            end of the 95 % interval of the abandoned, and the high with the upper.
    """
    reach = Z_95 * abandoned_share_error * sessions
    low, high = max(abandoned - reach, 0.0), min(abandoned + reach, float(sessions))
    return LostRevenue(
        abandoned=abandoned,
        expected_usd=abandoned * order_value_usd * share[1],
        low_usd=low * order_value_usd * share[0],
        high_usd=high * order_value_usd * share[2],
    )
