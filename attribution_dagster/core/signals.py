"""When an effect counts as a signal: the bounds and the tests that the statistics, the findings, the pictures and the summary share."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

MINIMUM_SUPPORT_USERS = 30
"""Users that must stand behind an event type, position, store or category before it is ranked and tested together with the others."""
SIGNIFICANCE = 0.05
"""A group whose q is not below it is 'Neutral', whatever its effect: of those that are not, about one in twenty is there by chance."""
STRONG_EFFECT = 0.10
"""Mean centred effect in logits above which a significant group is a 'Strong positive signal': odds of converting 11 % higher."""
MODERATE_EFFECT = 0.05
"""Above it, up to `STRONG_EFFECT`, it is a 'Moderate positive signal': odds 5 % to 11 % higher."""
NEGATIVE_EFFECT = -0.05
"""Below it, it is a 'Negative signal': odds at least 5 % lower."""
LEAST_MODELS = 4
"""Models on halves of the users below which their spread is too rough for an interval: one pair has a single degree of freedom."""
NEUTRAL = "Neutral"
"""`signal_strength` of a group that is small, not significant, or has too few users."""


def signal_bounds() -> Mapping[str, float]:
    """The bounds as the parameters of `sql/marts/attribution_statistics.sql`."""
    return {
        "minimum_support": MINIMUM_SUPPORT_USERS,
        "significance": SIGNIFICANCE,
        "strong_effect": STRONG_EFFECT,
        "moderate_effect": MODERATE_EFFECT,
        "negative_effect": NEGATIVE_EFFECT,
    }


def q_values(
    effects: Sequence[float], errors: Sequence[float | None], degrees: float = np.inf
) -> list[float | None]:
    """Return Benjamini-Hochberg q-values of effects against 0, by Student's t; None where there is no error.

    degrees: of freedom of the errors; without end it is the normal distribution. An effect without any error is certain, unless it is 0.
    """
    from scipy.stats import false_discovery_control
    from scipy.stats import t as student

    known = [number for number, error in enumerate(errors) if error is not None]
    found: list[float | None] = [None] * len(effects)
    if known:
        effect = np.abs(np.array([effects[number] for number in known], dtype=np.float64))
        error = np.array([errors[number] for number in known], dtype=np.float64)
        distance = np.divide(effect, error, out=np.where(effect == 0, 0.0, np.inf), where=error > 0)
        for number, q_value in zip(known, false_discovery_control(2 * student.sf(distance, degrees)), strict=True):
            found[number] = float(q_value)
    return found


def retrained(row: Mapping[str, Any], spread: Mapping[str, Any] | None) -> dict[str, Any]:
    """The row with the interval and q of training again on other users, where enough models tell; `is_retrained` says whether.

    What may be the chance of which users the model learnt from is then 'Neutral'.
    """
    if spread is None or spread["models"] < LEAST_MODELS:
        return {**row, "is_retrained": False}
    effect, reach = row["mean_centred_effect"], spread["retraining_high"] - spread["mean_centred_effect"]
    said = {"effect_low": effect - reach, "effect_high": effect + reach, "q_value": spread["retraining_q"]}
    said |= {name: spread[name] for name in ("windows_same_sign", "windows_compared")}
    signal = row["signal_strength"] if spread["retraining_q"] < SIGNIFICANCE else NEUTRAL
    return {**row, **said, "signal_strength": signal, "is_retrained": True}
