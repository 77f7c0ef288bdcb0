"""How near scores come to the truth, where the treatment was simulated and both outcomes of each unit are known."""

from dataclasses import dataclass

import numpy as np

from attribution_dagster.core.uplift.base_models import Floats
from attribution_dagster.core.uplift.scoring import GroupEffects, Scores


@dataclass(frozen=True, kw_only=True)
class TruthFigure:
    """One figure of scores against the truth, what a score that gives everybody the average effect has, and what it means."""

    figure: str
    value: float
    of_average: float
    meaning: str


def truth_figures(scores: Scores, groups: GroupEffects, effect: Floats) -> list[TruthFigure]:
    """Return PEHE, coverage, rank correlation, and policy value and regret of treating whoever has a positive score.

    effect: (N,) the true change of each unit's probability. The average is the true one.
    """
    from scipy.stats import spearmanr

    average = float(effect.mean())
    oracle = float(np.maximum(effect, 0).mean())
    value = float(np.where(scores.uplift > 0, effect, 0).mean())
    of_average = max(average, 0.0)
    held = float(np.mean((scores.low <= effect) & (effect <= scores.high)))
    group_held = [
        bool(low <= effect[groups.group == number].mean() <= high)
        for number in np.unique(groups.group)
        for low, high in [(groups.low[groups.group == number][0], groups.high[groups.group == number][0])]
    ]
    ranks = spearmanr(scores.uplift, effect).statistic if np.ptp(scores.uplift) > 0 and np.ptp(effect) > 0 else 0.0
    return [
        TruthFigure(
            figure="pehe",
            value=float(np.sqrt(np.mean((scores.uplift - effect) ** 2))),
            of_average=float(effect.std()),
            meaning="Root mean squared error of the uplift of a unit (precision in estimating heterogeneous effects); less is better.",
        ),
        TruthFigure(
            figure="coverage",
            value=held,
            of_average=float("nan"),
            meaning="Share of the units whose 95 % interval holds the true effect. Below .95: intervals leave out what every model gets wrong.",
        ),
        TruthFigure(
            figure="group_coverage",
            value=float(np.mean(group_held)),
            of_average=float("nan"),
            meaning="Share of the groups by score whose measured 95 % interval holds the true mean effect of the group.",
        ),
        TruthFigure(
            figure="rank_correlation",
            value=float(ranks),
            of_average=0.0,
            meaning="Rank correlation (Spearman) of the uplift with the true effect; 1 is perfect.",
        ),
        TruthFigure(
            figure="average_error",
            value=float(scores.uplift.mean() - average),
            of_average=0.0,
            meaning="Mean uplift minus the true average effect, in probability.",
        ),
        TruthFigure(
            figure="policy_value",
            value=value,
            of_average=of_average,
            meaning="Outcomes gained per unit by treating whoever has a positive uplift.",
        ),
        TruthFigure(
            figure="policy_regret",
            value=oracle - value,
            of_average=oracle - of_average,
            meaning="Outcomes per unit that the oracle, who treats whoever gains, gains more; less is better.",
        ),
    ]
