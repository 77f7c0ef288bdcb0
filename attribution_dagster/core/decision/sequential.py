"""A guard against peeking: how clear an effect must be at each look so that all looks together reject a true null in alpha.

Lan and DeMets (Biometrika 70, 1983) spend alpha by the share t of the planned units, here as O'Brien and Fleming would: each of
the two sides has a = alpha / 2, of which 2 (1 - Phi(z(1 - a / 2) / sqrt(t))) is spent at t, next to nothing early and almost all of
it at the end. The looks may come when they like, as long as their times don't depend on what was seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from attribution_dagster.core.claims.experiment import ALPHA
from attribution_dagster.core.uplift.base_models import Floats

LOOKS = 5
"""Looks that are planned if nobody says otherwise: weekly in a test of five weeks."""
_FARTHEST, _POINTS = 8.0, 801
"""Grid of the integration, in standard errors, and its points."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """One look. information: share of the planned units seen by then; stop if |z| reaches z_bound, or p falls to p_bound."""

    information: float
    z_bound: float
    p_bound: float
    alpha_spent: float


def spent(information: float, alpha: float = ALPHA) -> float:
    """Return the alpha that may have been spent when this share of the planned units has been seen."""
    from scipy.stats import norm

    return float(4 * norm.sf(norm.ppf(1 - alpha / 4) / np.sqrt(information)))


def looks(information: Sequence[float], alpha: float = ALPHA) -> list[Look]:
    """Return the two-sided bound at each look.

    information: shares of the planned units, rising, in (0, 1]. The density of the test statistic that has not been stopped is
    carried from look to look by numerical integration (Armitage, McPherson and Rowe, JRSS A 1969).

    Raises:
        ValueError: shares that don't rise, or lie outside (0, 1].
    """
    from scipy.stats import norm

    times = np.asarray(information, dtype=np.float64)
    if len(times) == 0 or times[0] <= 0 or times[-1] > 1 or not (np.diff(times) > 0).all():
        raise ValueError(
            f"looks at {', '.join(f'{t:g}' for t in times)}: give rising shares of the planned units, in (0, 1]"
        )
    # The score process z sqrt(t) has independent normal increments.
    grid = np.linspace(-_FARTHEST, _FARTHEST, _POINTS)
    found: list[Look] = []
    density = norm.pdf(grid) / np.sqrt(times[0])
    for time in times.tolist():
        scaled = grid * np.sqrt(time)
        if found:
            density = _carried(density, grid, found[-1], scaled, time)
        total = spent(time, alpha)
        bound = _bound(scaled, density, total - (found[-1].alpha_spent if found else 0.0)) / np.sqrt(time)
        found.append(Look(information=time, z_bound=float(bound), p_bound=float(2 * norm.sf(bound)), alpha_spent=total))
    return found


def _carried(density: Floats, grid: Floats, before: Look, scaled: Floats, time: float) -> Floats:
    """The density at the next look of what was not stopped at the look before."""
    from scipy.stats import norm

    inside = grid / _FARTHEST * before.z_bound * np.sqrt(before.information)
    kept = np.interp(inside, grid * np.sqrt(before.information), density)
    step = np.sqrt(time - before.information)
    return np.asarray(np.trapezoid(kept * norm.pdf(scaled[:, None] - inside, scale=step), inside, axis=1))


def equal_looks(count: int = LOOKS, alpha: float = ALPHA) -> list[Look]:
    """Return the bounds of so many looks at equal distances, the last at the planned end."""
    return looks([(place + 1) / count for place in range(count)], alpha)


def _bound(values: Floats, density: Floats, alpha: float) -> float:
    """Where the two tails of a symmetric density hold alpha."""
    upper = values >= 0
    positive, part = values[upper], density[upper]
    below = np.concatenate([[0.0], np.cumsum((part[1:] + part[:-1]) / 2 * np.diff(positive))])
    return float(np.interp(below[-1] - alpha / 2, below, positive))
