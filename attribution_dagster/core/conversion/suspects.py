"""Numbers that may know the outcome: how much each says by itself, in the sessions learnt from and in those predicted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from attribution_dagster.core.conversion.session_table import SessionTable
from attribution_dagster.core.models.metrics import auc

EARLIER, LATER = "earlier", "later"


@dataclass(frozen=True, kw_only=True)
class SuspectedRow:
    """One number in one part of the sessions. `converted_without`: share of the converted in which it is 0 or missing."""

    attribute: str
    part: str
    n_sessions: int
    n_converted: int
    conversion_rate: float
    auc: float | None
    converted_without: float
    others_with: float


def suspected_rows(sessions: SessionTable, names: Sequence[str]) -> list[SuspectedRow]:
    """Return a row per number and part; a missing value counts as 0."""
    rows = []
    for name in names:
        values = np.nan_to_num(np.asarray(sessions.table[name].to_numpy(), dtype=np.float64))
        for part, chosen in ((EARLIER, ~sessions.later), (LATER, sessions.later)):
            label, value = sessions.label[chosen], values[chosen]
            both = bool(0 < label.sum() < len(label))
            rows.append(
                SuspectedRow(
                    attribute=name,
                    part=part,
                    n_sessions=len(label),
                    n_converted=int(label.sum()),
                    conversion_rate=_share(label == 1),
                    auc=float(auc(value, label)) if both else None,
                    converted_without=_share(value[label == 1] == 0),
                    others_with=_share(value[label == 0] != 0),
                )
            )
    return rows


def _share(happens: np.ndarray) -> float:
    return float(happens.mean()) if len(happens) else 0.0
