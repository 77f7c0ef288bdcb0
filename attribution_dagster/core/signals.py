"""When an effect counts as a signal: the bounds and the tests that the statistics, the findings, the pictures and the summary share."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

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
DRIVER, BRAKE = "driver", "brake"
"""What goes with more, or fewer, conversions than an average event does, and also by itself."""
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


def direction(row: Mapping[str, Any]) -> str:
    """Return 'driver' or 'brake' where the event type is one by itself too; else the side of an average event on which it lies.

    An event that does nothing lies below an average event that drives, and above one that brakes.
    """
    if row["mean_centred_effect"] > 0:
        return DRIVER if row["mean_signed_effect"] > MODERATE_EFFECT else "above average"
    return BRAKE if row["mean_signed_effect"] < NEGATIVE_EFFECT else "below average"


def average_event(rows: Sequence[Mapping[str, Any]]) -> float:
    """Return what an average event brings by itself, in logits: by how much effects against it are lower than effects by themselves."""
    occurrences = sum(row["occurrences"] for row in rows)
    excess = sum(row["occurrences"] * (row["mean_signed_effect"] - row["mean_centred_effect"]) for row in rows)
    return float(excess / occurrences) if occurrences else 0.0


def is_significant(q_value: float | None) -> bool:
    """Return whether chance does not explain it; what could not be tested may be chance."""
    return q_value is not None and q_value < SIGNIFICANCE


def p_values(effects: npt.ArrayLike, errors: npt.ArrayLike, degrees: float = np.inf) -> npt.NDArray[np.float64]:
    """Return two-sided p of effects (N,) against 0 by Student's t; `degrees` without end is the normal distribution.

    An effect without any error is certain, unless it is 0, which is no effect.
    """
    from scipy.stats import t as student

    effect, error = np.abs(np.asarray(effects, dtype=np.float64)), np.asarray(errors, dtype=np.float64)
    with np.errstate(over="ignore"):
        distance = np.divide(effect, error, out=np.where(effect == 0, 0.0, np.inf), where=error > 0)
    return np.asarray(2 * student.sf(distance, degrees), dtype=np.float64)


def q_values(effects: Sequence[float], errors: Sequence[float | None], degrees: float = np.inf) -> list[float | None]:
    """Return Benjamini-Hochberg q-values of effects against 0 (see `p_values`); None where there is no error."""
    from scipy.stats import false_discovery_control

    known = [number for number, error in enumerate(errors) if error is not None]
    found: list[float | None] = [None] * len(effects)
    if known:
        tested = p_values([effects[number] for number in known], [errors[number] or 0.0 for number in known], degrees)
        for number, q_value in zip(known, false_discovery_control(tested).tolist(), strict=True):
            found[number] = q_value
    return found


def retrained(
    rows: Sequence[Mapping[str, Any]], spread: Mapping[str, Mapping[str, Any]], by: str = "event_type"
) -> list[dict[str, Any]]:
    """Return rows of event types, or of positions, with the intervals and q of training again on other users; `is_retrained` says of which they are known.

    The interval lies about the published effect, and q tests the same effect, among the rows with minimum support. What may be the chance
    of which users the model learnt from is then 'Neutral'. So is a row of which nothing is known: it has neither interval nor q, so that
    rows shown together are of one kind. Where too few models were trained again, all rows keep what was said under this one model.

    spread: the rows of `attribution_spread` by the name that stands in the column `by` of the rows.
    """
    from scipy.stats import t as student

    known = {name: each for name, each in spread.items() if _is_known(each)}
    if not known:
        return [{**row, "is_retrained": False} for row in rows]
    degrees = min(each["retraining_degrees"] for each in known.values())
    errors = [known[row[by]]["retraining_error"] if row[by] in known else None for row in rows]
    tested = [error if row["has_minimum_support"] else None for row, error in zip(rows, errors, strict=True)]
    judged = q_values([row["mean_centred_effect"] for row in rows], tested, degrees)
    reach = float(student.ppf(0.975, degrees))
    return [
        _again(row, known.get(row[by]), None if error is None else reach * error, q_value)
        for row, error, q_value in zip(rows, errors, judged, strict=True)
    ]


def _is_known(spread: Mapping[str, Any]) -> bool:
    return spread["models"] >= LEAST_MODELS and spread["retraining_error"] is not None


def _again(
    row: Mapping[str, Any], spread: Mapping[str, Any] | None, reach: float | None, q_value: float | None
) -> dict[str, Any]:
    said = {"q_value": q_value, "signal_strength": row["signal_strength"] if is_significant(q_value) else NEUTRAL}
    if spread is None or reach is None:
        return {**row, **said, "effect_low": None, "effect_high": None, "is_retrained": False}
    effect = row["mean_centred_effect"]
    windows = {name: spread[name] for name in ("windows_same_sign", "windows_compared")}
    return {**row, **said, **windows, "effect_low": effect - reach, "effect_high": effect + reach, "is_retrained": True}
