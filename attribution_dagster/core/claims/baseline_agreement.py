"""Whether the simple baseline, logistic regression on counts, ranks event types as the model does."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

MINIMUM_TYPES = 4
MINIMUM_CORRELATION = 0.5
"""Rank correlation below which two rankings contradict each other. On simulated worlds both are above .8 with the truth."""


@dataclass(frozen=True, kw_only=True)
class BaselineAgreement:
    """Rank correlation of the model's effects and the baseline's, None with fewer than four event types to rank.

    baseline_effects: event type -> its weight in the baseline against that of an average event, in logits.
    """

    rank_correlation: float | None
    baseline_effects: Mapping[str, float]

    @property
    def contradicts(self) -> bool:
        """Whether the baseline ranks event types clearly otherwise."""
        return self.rank_correlation is not None and not self.rank_correlation >= MINIMUM_CORRELATION


def baseline_agreement(
    effects: Mapping[str, float], occurrences: Mapping[str, int], weights: Mapping[str, float]
) -> BaselineAgreement:
    """Return how far the baseline's ranking is that of the model.

    Args:
        effects: event type -> mean effect of an occurrence under the model, in logits; those with minimum support.
        occurrences: event type -> how often it occurs, to weigh the average event.
        weights: event type -> weight of an occurrence in the baseline, in logits.
    """
    from scipy.stats import spearmanr

    known = [name for name in occurrences if name in weights]
    total = sum(occurrences[name] for name in known)
    mean = sum(weights[name] * occurrences[name] for name in known) / total if total else 0.0
    centred = {name: weights[name] - mean for name in known}
    both = [name for name in effects if name in centred]
    if len(both) < MINIMUM_TYPES:
        return BaselineAgreement(rank_correlation=None, baseline_effects=centred)
    model, baseline = [effects[name] for name in both], [centred[name] for name in both]
    tied = np.ptp(model) == 0 or np.ptp(baseline) == 0
    found = 0.0 if tied else float(spearmanr(model, baseline).statistic)
    return BaselineAgreement(rank_correlation=found, baseline_effects=centred)
