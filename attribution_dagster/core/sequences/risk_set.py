"""The risk set: sessions that convert, and sessions that don't, cut so that length does not tell them apart.

A session that converts is seen up to its conversion, the others to their end. So the endings and lengths of the two
differ even where no event has any effect, and a model reads that as signal. Matching removes it: each converted
session (case) of n events gets some sessions that did not convert (controls) with at least n events, cut at n.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Indices = npt.NDArray[np.int64]
_HASHED_AT_ONCE = 65_536
"""Ids, which as Python's texts take ten times the room that they take in Arrow."""


@dataclass(frozen=True, kw_only=True)
class RiskSetCounts:
    """What matching did. `cases_unmatched` had no control left that is long enough; they are outside the risk set."""

    sessions: int
    cases: int
    cases_unmatched: int
    cases_with_fewer_controls: int
    controls: int
    controls_unused: int
    events_cut_from_controls: int


@dataclass(frozen=True, kw_only=True)
class RiskSet:
    """The table `risk_set` of one window, by session id, and the counts that go with it."""

    table: pa.Table
    counts: RiskSetCounts


def draw_risk_set(
    candidates: pa.Table,
    *,
    window_start: datetime,
    cut: Literal["matched", "none"] = "matched",
    controls_per_case: int = 8,
    seed: int = 0,
) -> RiskSet:
    """The risk set of the candidates: session_id, user_id, label (0 or 1), n_no_funnel (at least 1), one row each.

    Cases choose in order of falling length, since few controls are long enough for the longest; among the controls
    that are free and long enough, those with the smallest hash of seed and session id are taken, a first one for each
    case of that length before a second one for any. So the outcome depends on the ids and the seed, not on the order
    of rows. `cut="none"`: everything is in the risk set, uncut.

    Raises ValueError for another `cut`, labels other than 0 and 1, empty sessions and repeated ids.

    Limits: a control is used once, so where cases are many (above 1 / (1 + controls_per_case)) or long, some stay with
    fewer controls or none; both are counted.
    """
    if cut not in ("matched", "none"):
        raise ValueError(f"cut={cut!r} is neither 'matched' nor 'none'")
    if controls_per_case < 1:
        raise ValueError(f"controls_per_case={controls_per_case} must be at least 1")
    ordered = candidates.select(["session_id", "user_id", "label", "n_no_funnel"]).sort_by("session_id")
    del candidates  # two tables at a time are enough where there are millions of sessions
    _check(ordered)
    label = ordered["label"].to_numpy().astype(np.int64)
    length = ordered["n_no_funnel"].to_numpy().astype(np.int64)
    if cut == "none":
        case_of = np.full(len(label), -1, dtype=np.int64)
        return _risk_set(ordered, label, length, case_of, window_start, everything=True, wanted=0)
    case_of = _match(label, length, _hash_order(ordered["session_id"], seed), controls_per_case)
    return _risk_set(ordered, label, length, case_of, window_start, everything=False, wanted=controls_per_case)


def _match(label: Indices, length: Indices, order: Indices, controls_per_case: int) -> Indices:
    """Row of each session's case, (S,): a matched control's, a matched case's own, otherwise -1."""
    case_of = np.full(len(label), -1, dtype=np.int64)
    cases, free = order[label[order] == 1], order[label[order] == 0]
    for events in np.unique(length[cases])[::-1]:
        level = cases[length[cases] == events]
        chosen = np.flatnonzero(length[free] >= events)[: controls_per_case * len(level)]
        controls = free[chosen]
        case_of[controls] = level[np.arange(len(controls)) % len(level)]
        case_of[level[: len(controls)]] = level[: len(controls)]
        free = np.delete(free, chosen)
    return case_of


def _hash_order(session_id: Any, seed: int) -> Indices:
    """Rows by the SipHash of their session id, keyed by the seed."""
    from pandas.util import hash_array

    hashes = np.empty(len(session_id), dtype=np.uint64)
    for start in range(0, len(hashes), _HASHED_AT_ONCE):
        ids = session_id[start : start + _HASHED_AT_ONCE].to_numpy().astype(object)
        hashes[start : start + len(ids)] = hash_array(ids, hash_key=f"{seed % 10**16:016d}", categorize=False)
    return np.argsort(hashes, kind="stable").astype(np.int64)


def _risk_set(
    ordered: pa.Table,
    label: Indices,
    length: Indices,
    case_of: Indices,
    window_start: datetime,
    *,
    everything: bool,
    wanted: int,
) -> RiskSet:
    matched = case_of >= 0
    cut_at = np.where(matched, length[case_of], length) if len(length) else length
    inside = np.ones(len(label), dtype=np.bool_) if everything else matched
    table = pa.table(
        {
            "window_start": pa.array([window_start] * len(label), pa.timestamp("us")),
            "session_id": ordered["session_id"],
            "user_id": ordered["user_id"],
            "label": pa.array(label.astype(np.int32)),
            "n_no_funnel": pa.array(length),
            "cut_at": pa.array(cut_at),
            "in_risk_set": pa.array(inside),
            "matched_case": ordered["session_id"].take(pa.array(case_of, mask=~matched)),
        }
    )
    controls_of = np.bincount(case_of[matched & (label == 0)], minlength=len(label))[label == 1]
    return RiskSet(
        table=table,
        counts=RiskSetCounts(
            sessions=len(label),
            cases=int(inside[label == 1].sum()),
            cases_unmatched=int((~inside[label == 1]).sum()),
            cases_with_fewer_controls=int(((controls_of > 0) & (controls_of < wanted)).sum()),
            controls=int(inside[label == 0].sum()),
            controls_unused=int((~inside[label == 0]).sum()),
            events_cut_from_controls=int((length - cut_at).sum()),
        ),
    )


def _check(ordered: pa.Table) -> None:
    """Refuse what can't be matched; the table is sorted by session_id."""
    for name in ordered.column_names:
        if ordered[name].null_count:
            raise ValueError(f"{name} is NULL in {ordered[name].null_count} rows")
    odd = [value for value in pc.unique(ordered["label"]).to_pylist() if value not in (0, 1)]
    if odd:
        raise ValueError(f"label must be 0 or 1, found {odd[0]!r}")
    shortest = pc.min(ordered["n_no_funnel"]).as_py()
    if shortest is not None and shortest < 1:
        raise ValueError(f"n_no_funnel={shortest}: a session in the risk set has at least one event before the cut")
    if pc.any(pc.equal(ordered["session_id"][1:], ordered["session_id"][:-1])).as_py():
        raise ValueError("session_id is not unique: each session may stand there once")
