"""How well the effects of a simulated run agree with those that were planted."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """Agreement over event types. slope: estimated on planted effect; signs: types whose planted effect is not null."""

    correlation: float
    slope: float
    right_signs: int
    signs: int
    types: int


def recovery(events: pa.Table, planted: Mapping[str, float]) -> Recovery | None:
    """Compare event-type rows that have minimum support with the mean planted effect of an occurrence, in logits.

    An estimated effect is one against an average event, so both sides are centred at their mean over occurrences. None
    where fewer than three types can be compared or the planted effects do not differ.
    """
    rows = [row for row in events.to_pylist() if row["has_minimum_support"] and row["event_type"] in planted]
    if len(rows) < 3:
        return None
    weights = np.array([row["occurrences"] for row in rows], dtype=float)
    raw = np.array([planted[row["event_type"]] for row in rows])
    truth = raw - np.average(raw, weights=weights)
    estimate = np.array([row["mean_centred_effect"] for row in rows])
    estimate = estimate - np.average(estimate, weights=weights)
    if np.ptp(truth) == 0 or np.ptp(estimate) == 0:
        return None
    real = raw != 0
    return Recovery(
        correlation=float(np.corrcoef(truth, estimate)[0, 1]),
        slope=float(np.polyfit(truth, estimate, 1)[0]),
        right_signs=int((np.sign(truth[real]) == np.sign(estimate[real])).sum()),
        signs=int(real.sum()),
        types=len(rows),
    )
