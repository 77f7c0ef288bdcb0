"""Rules that hand out the credit of each conversion among the events of its session.

An occurrence's credit is its share of its session's one conversion, 0 where the session did not convert. A type's
score is the mean credit of an occurrence of it in the training sessions, so that a frequent type does not lead by
being frequent.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from attribution_dagster.core.attribution.baselines.scores import (
    Baseline,
    Floats,
    Ints,
    Scores,
    mean_by_type,
    session_of,
    types_of,
)
from attribution_dagster.core.sequences.sequence_set import SequenceSet

HALF_LIFE_S = 300.0
_Rule = Callable[[SequenceSet, Ints, int], Floats]


def last_event(train: SequenceSet, explained: SequenceSet) -> Scores:
    """Return all credit to the last event before the conversion."""
    return _credit(lambda part, types, n_types: _is_at(part, part.offsets[1:] - 1), train, explained)


def first_event(train: SequenceSet, explained: SequenceSet) -> Scores:
    """Return all credit to the first event of the session."""
    return _credit(lambda part, types, n_types: _is_at(part, part.offsets[:-1]), train, explained)


def time_decay(train: SequenceSet, explained: SequenceSet) -> Scores:
    """Return credit that halves with every five minutes before the last event."""
    return time_decay_of(HALF_LIFE_S)(train, explained)


def time_decay_of(half_life_s: float) -> Baseline:
    """Return the rule whose credit halves with so many seconds before the last event."""
    rule = partial(_decayed, half_life_s)
    return lambda train, explained: _credit(rule, train, explained)


def shapley(train: SequenceSet, explained: SequenceSet) -> Scores:
    """Return the Shapley value of event types in the game where a set of types wins the conversions it can make alone.

    v(S) counts converted sessions whose types all lie in S, so each session's conversion is shared equally among its
    distinct types (Zhao et al. 2018); a type's part is shared equally among its occurrences.
    """
    return _credit(_equal_among_types, train, explained)


def _credit(rule: _Rule, train: SequenceSet, explained: SequenceSet) -> Scores:
    train_types, types, n_types = types_of(train, explained)
    learnt, found = (
        rule(part, codes, n_types) * np.asarray(part.label, dtype=np.float64)[session_of(part)]
        for part, codes in ((train, train_types), (explained, types))
    )
    return Scores(by_type=mean_by_type(learnt, train_types, n_types), by_occurrence=found)


def _is_at(sequences: SequenceSet, places: Ints) -> Floats:
    share = np.zeros(sequences.n_events)
    share[places[sequences.lengths > 0]] = 1.0
    return share


def _decayed(half_life_s: float, sequences: SequenceSet, types: Ints, n_types: int) -> Floats:
    session = session_of(sequences)
    last = sequences.event_at_us[np.maximum(sequences.offsets[1:] - 1, 0)] if sequences.n_events else np.zeros(0)
    weight = 0.5 ** ((last[session] - sequences.event_at_us) / 1e6 / half_life_s)
    total = np.bincount(session, weight, sequences.n_sessions)
    return np.asarray(weight / total[session], dtype=np.float64)


def _equal_among_types(sequences: SequenceSet, types: Ints, n_types: int) -> Floats:
    of_type = session_of(sequences) * n_types + types
    present, place, times = np.unique(of_type, return_inverse=True, return_counts=True)
    distinct = np.bincount(present // n_types, minlength=sequences.n_sessions)
    return np.asarray(1.0 / (times[place] * distinct[session_of(sequences)]), dtype=np.float64)
