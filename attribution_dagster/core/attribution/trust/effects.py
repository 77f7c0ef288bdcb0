"""Effects summed up by event type, position and store, and how far two of them rank alike."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from attribution_dagster.core.sequences.batches import EncodedSequences
from attribution_dagster.core.sequences.sequence_set import MISSING_CODE, SequenceSet

OCCURRENCE, EVENT_TYPE, POSITION, STORE, MODEL = "occurrence", "event_type", "position", "store", "model"
GRANULARITIES = (OCCURRENCE, EVENT_TYPE, POSITION, STORE)
POSITION_BINS = {"1-5": 1, "6-10": 6, "11-20": 11, "21-50": 21, "50+": 51}
"""Name of a bin -> its first position, from 1, as the tables by position have them."""
MINIMUM_OCCURRENCES = 20
MINIMUM_GROUPS = 3
"""Groups below which a rank correlation says nothing, and is None."""
_Floats = npt.NDArray[np.float64]
_Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Grouping:
    """names of the groups with enough occurrences; group: (E,) the place of each event's group among them, -1 for none."""

    names: tuple[str, ...]
    group: _Indices

    def means(self, values: _Floats) -> _Floats:
        """Return the mean of the values (E,) in each group."""
        member = self.group >= 0
        n_groups = len(self.names)
        return np.bincount(self.group[member], values[member], n_groups) / self.counts

    @property
    def counts(self) -> _Indices:
        """Occurrences of each group."""
        return np.bincount(self.group[self.group >= 0], minlength=len(self.names))


def groupings(sequences: SequenceSet, data: EncodedSequences) -> dict[str, Grouping]:
    """Return how the events that the model reads fall into event types, positions and stores.

    data: the same sessions as the model reads them, the last events of each.
    """
    lengths = data.lengths
    session = np.repeat(np.arange(len(lengths)), lengths)
    read = np.arange(len(session)) - data.offsets[:-1][session] + data.first_event[session]
    source = sequences.offsets[:-1][session] + read
    bins = np.searchsorted(list(POSITION_BINS.values()), read + 1, side="right") - 1
    found = {POSITION: _supported(list(POSITION_BINS), bins.astype(np.int64))}
    for name, column in ((EVENT_TYPE, "event_type"), (STORE, "store_id")):
        if column in sequences.codes:
            codes = sequences.codes[column][source].astype(np.int64)
            found[name] = _supported(list(sequences.dictionaries[column]), codes)
    return found


def rank_correlation(one: _Floats, other: _Floats) -> float | None:
    """Return Spearman's correlation, ties at their mean rank; None with fewer than three values, or where all are equal."""
    if len(one) < MINIMUM_GROUPS:
        return None
    ranks = [rankdata(np.round(values, 9)) for values in (one, other)]
    if any(each.min() == each.max() for each in ranks):
        return None
    return float(np.corrcoef(*ranks)[0, 1])


def by_granularity(groups: Mapping[str, Grouping], values: _Floats) -> dict[str, _Floats]:
    """Return the values themselves for `occurrence`, and their means in each of the groupings."""
    return {OCCURRENCE: values} | {name: grouping.means(values) for name, grouping in groups.items()}


def _supported(names: list[str], group: _Indices) -> Grouping:
    counts = np.bincount(group[group != MISSING_CODE], minlength=len(names))
    chosen = np.flatnonzero(counts >= MINIMUM_OCCURRENCES)
    places = np.full(len(names) + 1, -1, dtype=np.int64)  # the last entry is what code -1 reads
    places[chosen] = np.arange(len(chosen))
    return Grouping(names=tuple(names[place] for place in chosen), group=places[group])
