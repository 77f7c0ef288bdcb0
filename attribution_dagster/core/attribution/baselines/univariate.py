"""The comparison anybody makes first: how often sessions with an event convert, against those without it."""

import numpy as np

from attribution_dagster.core.attribution.baselines.scores import Scores, per_type, session_of, types_of
from attribution_dagster.core.sequences.sequence_set import SequenceSet


def univariate_difference(train: SequenceSet, explained: SequenceSet) -> Scores:
    """Return P(converted | type present) - P(converted | absent) in training; NaN where one of the two has no session."""
    train_types, types, n_types = types_of(train, explained)
    label = np.asarray(train.label, dtype=np.float64)
    present = np.unique(session_of(train) * n_types + train_types)
    sessions = np.bincount(present % n_types, minlength=n_types)
    converted = np.bincount(present % n_types, label[present // n_types], n_types)
    others = len(label) - sessions
    known = (sessions > 0) & (others > 0)
    difference = converted / np.maximum(sessions, 1) - (label.sum() - converted) / np.maximum(others, 1)
    return per_type(np.where(known, difference, np.nan), types)
