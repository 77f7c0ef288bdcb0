"""All attribution methods on the same sessions: how far they agree, and what each costs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import rankdata

from attribution_dagster.core.attribution.registry import ATTRIBUTORS
from attribution_dagster.core.attribution.sessions import attribute_sessions
from attribution_dagster.core.models.transformer import AttributionModel
from attribution_dagster.core.sequences.sequence_set import SequenceSet

TOP = 5
LEAST_EVENTS = 3
"""Events below which a session's ranking says nothing, and event types below which theirs does."""
LEAST_OCCURRENCES = 10
"""Occurrences in the sample below which an event type's mean is left out."""
_PASSES_PER_EVENT = 64 * 2 * 3
"""Integrated gradients: nodes, baselines, and a backward pass that costs as much as two forward ones."""
_OCCURRENCE_COLUMNS = ("session_id", "event_position", "event_type", "signed_attribution", "centred_attribution")
_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class MethodComparison:
    """agreement: a row per granularity and ordered pair of methods; occurrences: a row per method and event."""

    agreement: pa.Table
    occurrences: pa.Table
    seconds: Mapping[str, float]


def sample_sessions(sequences: SequenceSet, most_sessions: int, most_passes: int) -> npt.NDArray[np.int64]:
    """Return indices of risk-set sessions with events, in the order of a hash of their ids: the same on every run.

    most_passes: bound on the events passed through the network over all methods. A session of n events takes some
    384 n for integrated gradients and 4 n^2 for occlusion; sessions are taken until the bound, one at least.
    """
    candidates = np.flatnonzero(sequences.in_risk_set & (sequences.lengths > 0))
    ids = sequences.session_id.take(pa.array(candidates)).to_pylist()
    digests = [blake2b(name.encode(), digest_size=8).digest() for name in ids]
    chosen = candidates[sorted(range(len(ids)), key=digests.__getitem__)][:most_sessions]
    lengths = sequences.lengths[chosen]
    passes = np.cumsum(lengths * (_PASSES_PER_EVENT + 4 * lengths))
    return np.sort(chosen[: max(int(np.searchsorted(passes, most_passes, side="right")), 1)])


def compare_methods(
    model: AttributionModel,
    sample: SequenceSet,
    clock: Callable[[], float],
    progress: Callable[[str, float], None] | None = None,
) -> MethodComparison:
    """Return how the registry's methods agree on the sample; clock: seconds, for the cost of each.

    Agreement is of `centred_attribution`. Occurrence: Spearman's correlation within a session, averaged over the
    sessions of at least three events in which both methods tell events apart. Event type: Spearman's correlation of
    means. Top five: share of the five largest, by absolute value, that both name; of events in sessions with more
    than five, of event types where there are more. Residuals are of the method itself, over sessions.
    """
    tables, seconds, missed = {}, {}, {}
    warm_up(model, sample)
    for number, method in enumerate(ATTRIBUTORS):
        began = clock()
        batches = list(attribute_sessions(model, sample, method=method))
        seconds[method] = clock() - began
        found = pa.Table.from_batches(batches)
        tables[method], missed[method] = found.select(list(_OCCURRENCE_COLUMNS)), _missed(found)
        if progress is not None:
            progress(f"{sample.n_sessions} sessions explained by {method}", (number + 1) / len(ATTRIBUTORS))
    rows = [{**row, **missed[str(row["method"])]} for row in _agreement(tables, sample, seconds)]
    return MethodComparison(
        agreement=pa.Table.from_pylist(rows, schema=_SCHEMA),
        occurrences=pa.concat_tables(_named(table, method) for method, table in tables.items()),
        seconds=seconds,
    )


def warm_up(model: AttributionModel, sample: SequenceSet) -> None:
    """Explain the sample once for nothing: whichever method comes first would pay for torch's threads and first allocations."""
    for _ in attribute_sessions(model, sample, method=next(iter(ATTRIBUTORS))):
        pass


_SCHEMA = pa.schema(
    [
        ("granularity", pa.string()),
        ("method", pa.string()),
        ("other_method", pa.string()),
        ("rank_correlation", pa.float64()),
        ("top_five_agreement", pa.float64()),
        ("seconds_per_1000_sessions", pa.float64()),
        ("sessions", pa.int64()),
        ("n_compared", pa.int64()),
        ("residual_median", pa.float64()),
        ("residual_max", pa.float64()),
        ("share_over_bound", pa.float64()),
    ]
)


def _named(table: pa.Table, method: str) -> pa.Table:
    return table.add_column(0, "method", pa.array([method] * table.num_rows, pa.string()))


def _missed(found: pa.Table) -> dict[str, float | None]:
    """Return what a method's sums miss over the sessions, and the share of those that miss more than the bound; None without such sums."""
    of_sessions = found.filter(pc.equal(found["event_position"], 0)).select(["residual", "residual_bound"]).drop_null()
    residual, bound = (of_sessions[name].to_numpy() for name in ("residual", "residual_bound"))
    if not len(residual):
        return dict.fromkeys(("residual_median", "residual_max", "share_over_bound"))
    over = float((residual > bound).mean())
    return {
        "residual_median": float(np.median(residual)),
        "residual_max": float(residual.max()),
        "share_over_bound": over,
    }


def _agreement(
    tables: Mapping[str, pa.Table], sample: SequenceSet, seconds: Mapping[str, float]
) -> list[dict[str, object]]:
    first = next(iter(tables.values()))
    effects = {name: table["centred_attribution"].to_numpy().astype(np.float64) for name, table in tables.items()}
    is_read = ~np.isnan(next(iter(effects.values())))
    session = np.repeat(np.arange(sample.n_sessions), sample.lengths)[is_read]
    kinds = first["event_type"].combine_chunks().dictionary_encode().indices.fill_null(-1).to_numpy()[is_read]
    groups = {
        "occurrence": [_Ranking.of(effects[name][is_read], session) for name in tables],
        "event_type": [_Ranking.of(*_means(effects[name][is_read], kinds)) for name in tables],
    }
    rows: list[dict[str, object]] = []
    for granularity, rankings in groups.items():
        for method, own in zip(tables, rankings, strict=True):
            for other_method, other in zip(tables, rankings, strict=True):
                if method != other_method:
                    correlation, overlap, n_compared = own.agreement(other)
                    rows.append(
                        {
                            "granularity": granularity,
                            "method": method,
                            "other_method": other_method,
                            "rank_correlation": correlation,
                            "top_five_agreement": overlap,
                            "seconds_per_1000_sessions": 1000 * seconds[method] / max(sample.n_sessions, 1),
                            "sessions": sample.n_sessions,
                            "n_compared": n_compared,
                        }
                    )
    return rows


def _means(effects: _Floats, kinds: npt.NDArray[np.int64]) -> tuple[_Floats, npt.NDArray[np.int64]]:
    """Return the means of the event types with enough occurrences, and one group for them all."""
    known = kinds >= 0
    counts = np.bincount(kinds[known])
    sums = np.bincount(kinds[known], effects[known])
    frequent = counts >= LEAST_OCCURRENCES
    return sums[frequent] / counts[frequent], np.zeros(int(frequent.sum()), dtype=np.int64)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Ranking:
    """One method's view: per group, standardised ranks (None where it does not tell items apart) and the top five."""

    ranks: list[_Floats | None]
    tops: list[frozenset[int] | None]

    @staticmethod
    def of(values: _Floats, group: npt.NDArray[np.int64]) -> "_Ranking":
        """Return the view of values (E,) in consecutive groups (E,)."""
        parts = np.split(values, np.flatnonzero(np.diff(group)) + 1)
        return _Ranking(ranks=[_standard_ranks(part) for part in parts], tops=[_top(part) for part in parts])

    def agreement(self, other: "_Ranking") -> tuple[float | None, float | None, int]:
        """Return the mean rank correlation, the mean overlap of the top five, and the groups or items compared."""
        pairs = [(a, b) for a, b in zip(self.ranks, other.ranks, strict=True) if a is not None and b is not None]
        overlaps = [
            len(a & b) / TOP for a, b in zip(self.tops, other.tops, strict=True) if a is not None and b is not None
        ]
        correlation = float(np.clip(np.mean([a @ b for a, b in pairs]), -1.0, 1.0)) if pairs else None
        n_compared = len(pairs) if len(self.ranks) > 1 else sum(len(a) for a, _ in pairs)
        return correlation, float(np.mean(overlaps)) if overlaps else None, n_compared


def _standard_ranks(values: _Floats) -> _Floats | None:
    if len(values) < LEAST_EVENTS:
        return None
    # Values that differ by less than rounding are the same, whatever batch they come from.
    ranks = rankdata(np.round(values, 6)) - (len(values) + 1) / 2
    size = float(np.linalg.norm(ranks))
    return ranks / size if size > 0 else None


def _top(values: _Floats) -> frozenset[int] | None:
    if len(values) <= TOP:
        return None
    return frozenset(np.argsort(-np.abs(np.round(values, 6)), kind="stable")[:TOP].tolist())
