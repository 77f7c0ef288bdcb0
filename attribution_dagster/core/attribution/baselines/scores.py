"""What every baseline returns, and what they share."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from attribution_dagster.core.sequences.sequence_set import SequenceSet

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Scores:
    """by_type: (T,) in the order of the dictionary, NaN where nothing is known. by_occurrence: (E,) of the explained."""

    by_type: Floats
    by_occurrence: Floats


Baseline = Callable[[SequenceSet, SequenceSet], Scores]
"""(training set, explained set) -> scores. Both have labels; rules of credit read those of the explained set, too."""


def types_of(train: SequenceSet, explained: SequenceSet) -> tuple[Ints, Ints, int]:
    """Return the event types of both sets as codes (E,), and how many types there are.

    Raises ValueError where an event has no type, or the sets number their types differently.
    """
    names = list(train.dictionaries["event_type"])
    if names != list(explained.dictionaries["event_type"]):
        raise ValueError("the training and the explained set have different dictionaries of event types")
    codes = [np.asarray(part.codes["event_type"], dtype=np.int64) for part in (train, explained)]
    if any(len(each) and each.min() < 0 for each in codes):
        raise ValueError("an event has no type; the baselines need one for each event")
    return codes[0], codes[1], len(names)


def session_of(sequences: SequenceSet) -> Ints:
    """Return the number of each event's session, (E,)."""
    return np.repeat(np.arange(sequences.n_sessions), sequences.lengths)


def mean_by_type(values: Floats, types: Ints, n_types: int) -> Floats:
    """Return the mean of the values of each type's occurrences, (T,); NaN without any."""
    counts = np.bincount(types, minlength=n_types)
    sums = np.bincount(types, values, n_types)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def per_type(scores: Floats, types: Ints) -> Scores:
    """Return scores that are the same for each occurrence of a type; 0 where the type's is unknown."""
    return Scores(by_type=scores, by_occurrence=np.nan_to_num(scores)[types])
