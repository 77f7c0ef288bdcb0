"""The four kinds of unit, and what to do with each. Uncertainty decides: only an effect that is clear twice is acted on.

    persuadable      uplift and the measured effect of its group both clearly above 0    treat
    do_not_disturb   both clearly below 0                                                do not treat
    sure_thing       not clear; the outcome is likely without treatment                  do not treat: it would happen anyway
    lost_cause       not clear; the outcome is unlikely                                  do not treat; keep in the next experiment

Clear means that the 95 % interval leaves 0 out. The interval of a unit is the model's, and too narrow where the model is wrong in
kind; that of its group, a tenth of the units by score, is measured in the experiment, and needs no model.
"""

import numpy as np
import numpy.typing as npt

from attribution_dagster.core.uplift.scoring import GroupEffects, Scores

PERSUADABLE, SURE_THING = "persuadable", "sure_thing"
LOST_CAUSE, DO_NOT_DISTURB = "lost_cause", "do_not_disturb"
ACTIONS = {
    PERSUADABLE: "treat",
    SURE_THING: "leave alone: the outcome is likely without treatment",
    LOST_CAUSE: "leave alone: no clear effect; keep in the next experiment",
    DO_NOT_DISTURB: "do not treat: treatment lowers the outcome",
}
"""Quadrant -> recommended action."""


def quadrants(scores: Scores, groups: GroupEffects, likely: float | None = None) -> npt.NDArray[np.str_]:
    """Return the quadrant (N,) of each unit.

    likely: control rate from which an outcome counts as likely without treatment; the mean control rate if not given.
    """
    bound = float(scores.control_rate.mean()) if likely is None else likely
    unclear = np.where(scores.control_rate >= bound, SURE_THING, LOST_CAUSE)
    clear = [(scores.low > 0) & (groups.low > 0), (scores.high < 0) & (groups.high < 0)]
    return np.select(clear, [PERSUADABLE, DO_NOT_DISTURB], unclear)


def actions(found: npt.NDArray[np.str_]) -> list[str]:
    """Return the recommended action for each quadrant (N,)."""
    return [ACTIONS[name] for name in found.tolist()]
