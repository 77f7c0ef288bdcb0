"""Which event types give the conversion away: a detector that is told neither the funnel nor any model's attribution.

Each converted session is looked at just before its conversion, and compared with sessions that did not convert after as
many events (`draw_risk_set` on events of any type). Without that cut, whatever ends a session would look like a
sign of not converting, and length would tell the two apart.

A driver makes a conversion some times as likely, and goes on doing so; a step of the purchase is what a conversion
begins with. So a type is suspected if, at the moment of comparison,

- the odds of seeing it among the last few events are at least ten times higher before a conversion, at the lower end of
  the 95 % interval; ten is e to the 2.3: no honest event is expected to be worth as many logits by itself;
- and that is where it stands in most of the converted sessions that have it.

Limits: steps further from the conversion than the last few events are not seen; a type that honestly is worth more than
2.3 logits is suspected wrongly; on fewer than 30 sessions of a kind nothing is said.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from attribution_dagster.core.attribution.leakage_figures import (
    Bools,
    Estimate,
    Floats,
    Ints,
    auc_of,
    conversion_rate,
    odds_ratio,
)
from attribution_dagster.core.attribution.leakage_model import auc_changes
from attribution_dagster.core.models.metrics import MINIMUM_PER_CLASS

NEAR_EVENTS = 10
"""Events before the moment that count as shortly before it: few purchases take more steps."""
MINIMUM_ODDS = 10.0
MINIMUM_NEAR_SHARE = 0.5


@dataclass(frozen=True, kw_only=True)
class TypeEvidence:
    """What is known of one event type; the meaning of each field is in `sql/ddl/suspected_leakage.sql`."""

    event_type: str
    sessions: int
    converted_sessions: int
    conversion_rate_present: float | None
    rate_low: float | None
    rate_high: float | None
    conversion_rate_absent: float | None
    auc_alone: float | None
    auc_low: float | None
    auc_high: float | None
    near_converted: float | None
    near_other: float | None
    odds_near: float | None
    odds_low: float | None
    odds_high: float | None
    events_after_converted: float | None
    events_after_other: float | None
    auc_fall_without: float | None
    auc_rise_with: float | None
    is_suspected: bool
    reason: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Compared:
    """S sessions at their moments by T event types. converted, user: (S,); counts: (S, T); after: (S, T), NaN if absent."""

    event_types: Sequence[str]
    converted: Bools
    user: Ints
    counts: Floats
    after: Floats

    @staticmethod
    def of(counts: pa.Table) -> "Compared":
        """The sessions of rows with session_id, user_id, label, event_type, n_events, n_after: one per session and type in it."""
        session, first = _codes(counts["session_id"])
        kind, _ = _codes(counts["event_type"])
        names = sorted(set(counts["event_type"].to_pylist()))
        shape = (len(first), len(names))
        amount, after = np.zeros(shape), np.full(shape, np.nan)
        amount[session, kind] = counts["n_events"].to_numpy()
        after[session, kind] = counts["n_after"].to_numpy()
        return Compared(
            event_types=names,
            converted=counts["label"].to_numpy()[first] > 0,
            user=_codes(counts["user_id"])[0][first],
            counts=amount,
            after=after,
        )

    @property
    def is_enough(self) -> bool:
        """Whether there are 30 converted and 30 other sessions."""
        converted = int(self.converted.sum())
        return min(converted, len(self.converted) - converted) >= MINIMUM_PER_CLASS


def find_leakage(counts: pa.Table, population_rate: float, seed: int = 0, *, refit: bool = True) -> list[TypeEvidence]:
    """Return a row per event type, the suspected ones first, then by how far the odds are from 1.

    counts: see `Compared.of`. population_rate: share of converted among all sessions that could be compared; rates are
    brought back to it. refit: whether to say what a model loses without each type, which takes most of the time and no
    part in the suspicion. With fewer than 30 sessions of a kind nothing but counts is given.
    """
    compared = Compared.of(counts)
    if not compared.is_enough:
        return [_unknown(compared, column) for column in range(len(compared.event_types))]
    sample_rate = float(compared.converted.mean())
    shift = float(np.log(population_rate / (1 - population_rate)) - np.log(sample_rate / (1 - sample_rate)))
    rows = [_evidence(compared, column, shift) for column in range(len(compared.event_types))]
    if refit:
        suspected = np.array([row.is_suspected for row in rows])
        changes = auc_changes(compared.counts, compared.converted, compared.user, suspected, seed)
        rows = [
            replace(row, auc_fall_without=fall, auc_rise_with=rise)
            for row, (fall, rise) in zip(rows, changes, strict=True)
        ]
    return sorted(rows, key=lambda row: (not row.is_suspected, -abs(np.log(row.odds_near or 1.0)), row.event_type))


def _evidence(compared: Compared, column: int, shift: float) -> TypeEvidence:
    amount, after = compared.counts[:, column], compared.after[:, column]
    converted, user = compared.converted, compared.user
    present, near = amount > 0, after < NEAR_EVENTS
    alone = auc_of(amount, converted, user)
    odds = odds_ratio(near, converted, user)
    rate = conversion_rate(converted[present], user[present], shift)
    absent = conversion_rate(converted[~present], user[~present], shift)
    stays = float(near[present & converted].mean()) if (present & converted).any() else 0.0
    shares = float(near[converted].mean()), float(near[~converted].mean())
    is_suspected = odds.low >= MINIMUM_ODDS and stays >= MINIMUM_NEAR_SHARE
    return TypeEvidence(
        event_type=compared.event_types[column],
        sessions=int(present.sum()),
        converted_sessions=int((present & converted).sum()),
        conversion_rate_present=rate.value if rate else None,
        rate_low=rate.low if rate else None,
        rate_high=rate.high if rate else None,
        conversion_rate_absent=absent.value if absent else None,
        auc_alone=alone.value,
        auc_low=alone.low,
        auc_high=alone.high,
        near_converted=shares[0],
        near_other=shares[1],
        odds_near=odds.value,
        odds_low=odds.low,
        odds_high=odds.high,
        events_after_converted=_median(after[present & converted]),
        events_after_other=_median(after[present & ~converted]),
        auc_fall_without=None,
        auc_rise_with=None,
        is_suspected=bool(is_suspected),
        reason=_reason(shares, odds, stays, bool(is_suspected)),
    )


def _reason(shares: tuple[float, float], odds: Estimate, stays: float, is_suspected: bool) -> str:
    seen = (
        f"among the last {NEAR_EVENTS} events of {shares[0]:.1%} of converted sessions and {shares[1]:.1%} of others at "
        f"the same moment, odds {_times(odds.value)} ({_times(odds.low)} to {_times(odds.high)})"
    )
    if is_suspected:
        return f"{seen}: it announces the conversion rather than driving it"
    if odds.low >= MINIMUM_ODDS:
        return f"{seen}, but in {1 - stays:.1%} of the converted sessions that have it, it lies further back"
    if odds.low > 1:
        return f"{seen}: more often than by chance, by as much as a driver may"
    return f"{seen}: no sign that it announces the conversion"


def _times(odds: float) -> str:
    return f"x {odds:,.0f}" if odds >= 10 else f"x {odds:.2f}"


def _median(values: Floats) -> float | None:
    return float(np.median(values)) if len(values) else None


def _unknown(compared: Compared, column: int) -> TypeEvidence:
    present = compared.counts[:, column] > 0
    figures = dict.fromkeys(name for name in TypeEvidence.__dataclass_fields__)
    converted = int(compared.converted.sum())
    said = {
        "event_type": compared.event_types[column],
        "sessions": int(present.sum()),
        "converted_sessions": int((present & compared.converted).sum()),
        "is_suspected": False,
        "reason": f"{converted} converted and {len(present) - converted} other sessions can be compared: "
        f"{MINIMUM_PER_CLASS} of either are needed",
    }
    return TypeEvidence(**{**figures, **said})  # type: ignore[arg-type]


def _codes(column: pa.ChunkedArray) -> tuple[Ints, Ints]:
    """Number of each row's value in sorted order, and the first row of each value."""
    values = np.asarray(column.to_pylist(), dtype=object)
    _, first, codes = np.unique(values, return_index=True, return_inverse=True)
    return codes.astype(np.int64), first.astype(np.int64)
