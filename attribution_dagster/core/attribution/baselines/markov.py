"""Removal effects in a Markov chain of event types (Anderl et al. 2016)."""

import numpy as np

from attribution_dagster.core.attribution.baselines.scores import Floats, Ints, Scores, per_type, session_of, types_of
from attribution_dagster.core.sequences.sequence_set import SequenceSet


def markov_removal(train: SequenceSet, explained: SequenceSet) -> Scores:
    """Return each type's part of the conversions by its removal effect, per occurrence; NaN where it never occurs.

    The chain goes start -> types -> converted or not. The removal effect is the share of conversions that is lost when
    every visit of the type leads nowhere; conversions are shared in proportion to it.
    """
    train_types, types, n_types = types_of(train, explained)
    step, converts = _chain(train, train_types, n_types)
    whole = _conversion_probability(step, converts)
    lost = np.array([1 - _conversion_probability(*_without(step, converts, each)) / whole for each in range(n_types)])
    occurrences = np.bincount(train_types, minlength=n_types)
    credit = lost / lost.sum() * float(np.sum(train.label))
    return per_type(np.where(occurrences > 0, credit / np.maximum(occurrences, 1), np.nan), types)


def _chain(train: SequenceSet, types: Ints, n_types: int) -> tuple[Floats, Floats]:
    """Return P(next type | type), (T + 1, T), and P(converts next | type), (T + 1,); row T is the start.

    Raises ValueError when no session with events converted: there is nothing to remove.
    """
    has_events = train.lengths > 0
    label = np.asarray(train.label)[has_events] > 0
    if not label.any():
        raise ValueError("no session with events converted: the chain has no conversion to lose")
    first, last = types[train.offsets[:-1][has_events]], types[train.offsets[1:][has_events] - 1]
    goes_on = np.diff(session_of(train)) == 0
    steps = np.zeros((n_types + 1, n_types))
    np.add.at(steps, (types[:-1][goes_on], types[1:][goes_on]), 1.0)
    np.add.at(steps[n_types], first, 1.0)
    converts = np.bincount(last[label], minlength=n_types + 1).astype(np.float64)
    ends = np.bincount(last, minlength=n_types + 1)
    leaves = np.maximum(steps.sum(axis=1) + ends, 1.0)
    return steps / leaves[:, None], converts / leaves


def _without(step: Floats, converts: Floats, removed: int) -> tuple[Floats, Floats]:
    """Return the chain in which every visit of a type leads nowhere."""
    step, converts = step.copy(), converts.copy()
    step[removed], converts[removed] = 0.0, 0.0
    return step, converts


def _conversion_probability(step: Floats, converts: Floats) -> float:
    """Return P(converted | start): p = step p + converts, solved for the types, then read at the start."""
    n_types = step.shape[1]
    of_type = np.linalg.solve(np.eye(n_types) - step[:n_types], converts[:n_types])
    return float(step[n_types] @ of_type)
