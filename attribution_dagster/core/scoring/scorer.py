"""Probabilities of sessions and the events that moved them most: what a service answers, and what is stored of a window."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from attribution_dagster.core.attribution.registry import ATTRIBUTORS
from attribution_dagster.core.attribution.sessions import Explained, explain_set
from attribution_dagster.core.models.transformer import AttributionModel
from attribution_dagster.core.scoring.reading import RawEvent, Reading, ReadingRules, read, sequences_of
from attribution_dagster.core.sequences.batches import EncodedSequences
from attribution_dagster.core.sequences.vocabulary import UNKNOWN


@dataclass(frozen=True, kw_only=True)
class Reason:
    """An event that moved the logit: its place among those the model reads, from 0, and by how much, in logits."""

    event_position: int
    event: RawEvent
    signed_attribution: float
    centred_attribution: float


@dataclass(frozen=True, kw_only=True)
class Score:
    """The probability that a session converts, and its reasons, the largest centred attribution first.

    An empty session gets the base rate and no reason. `n_unread`: events before the last ones that the model reads;
    `n_unknown`: of those it reads, events of a type that it has not learnt.
    """

    probability: float
    logit: float
    reasons: Sequence[Reason]
    reading: Reading
    n_unread: int
    n_unknown: int


def unknown_types(model: AttributionModel, data: EncodedSequences) -> npt.NDArray[np.int64]:
    """Return for each session (S,) how many of the events read are of a type that training did not hold, or too rarely."""
    is_unknown = data.codes[:, model.spec.categories.index("event_type")] == UNKNOWN
    return np.bincount(np.repeat(np.arange(len(data.lengths)), data.lengths)[is_unknown], minlength=len(data.lengths))


class Scorer:
    """Scores sessions of raw events with one model; prepared once, then called from any thread."""

    def __init__(
        self, model: AttributionModel, rules: ReadingRules, n_reasons: int, method: str = "gradient_x_input"
    ) -> None:
        """Prepare the model, which must not change afterwards; `n_reasons` at most are given for each session.

        Raises ValueError when the attribution method is unknown.
        """
        if method not in ATTRIBUTORS:
            raise ValueError(f"method={method!r} is not one of {sorted(ATTRIBUTORS)}")
        self._model, self._rules, self._n_reasons = model.eval(), rules, n_reasons
        self._explain = ATTRIBUTORS[method](self._model)

    def score(self, sessions: Sequence[Sequence[RawEvent]]) -> list[Score]:
        """Return the score of each session, in their order."""
        readings = [read(events, self._rules) for events in sessions]
        spec = self._model.spec
        sequences = sequences_of(readings, spec.categories, spec.numbers)
        found = explain_set(self._model, self._explain, sequences, run=map)
        probabilities, unknown = (
            self._model.calibration.probability(found.logit),
            unknown_types(self._model, found.data),
        )
        return [
            Score(
                probability=float(probabilities[row]),
                logit=float(found.logit[row]),
                reasons=self._reasons(reading, found, row),
                reading=reading,
                n_unread=int(found.data.first_event[row]),
                n_unknown=int(unknown[row]),
            )
            for row, reading in enumerate(readings)
        ]

    def _reasons(self, reading: Reading, found: Explained, row: int) -> list[Reason]:
        start, end = found.data.offsets[row], found.data.offsets[row + 1]
        order = np.argsort(-np.abs(found.centred[start:end]), kind="stable")[: self._n_reasons]
        unread = int(found.data.first_event[row])
        return [
            Reason(
                event_position=unread + int(place),
                event=reading.events[unread + int(place)],
                signed_attribution=float(found.signed[start + place]),
                centred_attribution=float(found.centred[start + place]),
            )
            for place in order
        ]
