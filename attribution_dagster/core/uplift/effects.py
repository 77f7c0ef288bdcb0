"""What each arm of an experiment did on average, against the control."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from attribution_dagster.core.uncertainty import Z_95
from attribution_dagster.core.uplift.base_models import Floats
from attribution_dagster.core.uplift.validity import two_rates


@dataclass(frozen=True, kw_only=True)
class Effect:
    """One arm against the control on one outcome. relative_effect is None where the control's rate is 0."""

    arm: str
    outcome: str
    units: int
    control_units: int
    rate: float
    control_rate: float
    effect: float
    effect_low: float
    effect_high: float
    relative_effect: float | None
    p_value: float


def average_effects(arms: npt.NDArray[np.str_], control: str, outcomes: Mapping[str, Floats]) -> list[Effect]:
    """Return the effect of each arm but the control, by name, on each outcome, with normal intervals of unpooled variances.

    arms: (N,); outcomes: name -> values (N,), 0 and 1, or dollars.

    Raises:
        ValueError: an arm with fewer than two units.
    """
    found = []
    for arm in sorted(set(arms.tolist()) - {control}):
        for outcome, values in outcomes.items():
            found.append(_effect(arm, outcome, values[arms == arm], values[arms == control]))
    return found


def _effect(arm: str, outcome: str, under: Floats, control: Floats) -> Effect:
    from scipy.stats import norm

    if min(len(under), len(control)) < 2:
        raise ValueError(f"arm {arm} has {len(under)} units and the control {len(control)}: two of each are needed")
    control_rate, error, effect = two_rates(under, control)
    return Effect(
        arm=arm,
        outcome=outcome,
        units=len(under),
        control_units=len(control),
        rate=control_rate + effect,
        control_rate=control_rate,
        effect=effect,
        effect_low=effect - Z_95 * error,
        effect_high=effect + Z_95 * error,
        relative_effect=effect / control_rate if control_rate else None,
        p_value=float(2 * norm.sf(abs(effect) / error)) if error else float(effect == 0),
    )
