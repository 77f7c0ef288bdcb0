"""What a trust report judges: a model, a method, the sessions it is looked at on, and the method's effects there."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from attribution_dagster.core.attribution.contributions import Attributor
from attribution_dagster.core.attribution.registry import ATTRIBUTORS
from attribution_dagster.core.attribution.trust.deletion import Explained, explain_events
from attribution_dagster.core.attribution.trust.effects import Grouping, by_granularity, groupings
from attribution_dagster.core.models.transformer import AttributionModel
from attribution_dagster.core.sequences.batches import EncodedSequences
from attribution_dagster.core.sequences.sequence_set import SequenceSet

_Floats = npt.NDArray[np.float64]
_Strings = npt.NDArray[np.object_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """What is judged: the model, a method, the sessions, and the method's effects; `few` are the sessions of the curves."""

    model: AttributionModel
    name: str
    method: Attributor
    sessions: SequenceSet
    data: EncodedSequences
    explained: Explained
    groups: Mapping[str, Grouping]
    effects: Mapping[str, _Floats]
    few: EncodedSequences
    few_users: _Strings
    few_groups: Mapping[str, Grouping]
    few_explained: Explained

    @staticmethod
    def of(
        model: AttributionModel, risk_set: SequenceSet, name: str, n_sessions: int, n_few: int, seed: int
    ) -> "Subject":
        """Return the model and what the method says of it, on this many sessions drawn at random, the few among them."""
        with_events = np.flatnonzero(risk_set.lengths > 0)
        order = np.random.default_rng(seed).permutation(with_events)
        sessions = risk_set.select(np.sort(order[:n_sessions]))
        few = risk_set.select(np.sort(order[:n_few]))
        data, few_data, method = model.encode(sessions), model.encode(few), ATTRIBUTORS[name]
        explained, groups = explain_events(method(model), model, data), groupings(sessions, data)
        return Subject(
            model=model,
            name=name,
            method=method,
            sessions=sessions,
            data=data,
            explained=explained,
            groups=groups,
            effects=by_granularity(groups, explained.centred),
            few=few_data,
            few_users=users_of(few),
            few_groups=groupings(few, few_data),
            few_explained=explain_events(method(model), model, few_data),
        )

    def effects_of(self, other: AttributionModel) -> dict[str, _Floats]:
        """Return the method's effects under another model, on the same sessions."""
        data = other.encode(self.sessions)
        return by_granularity(self.groups, explain_events(self.method(other), other, data).centred)

    def few_effects(self, values: _Floats) -> dict[str, _Floats]:
        """Return values of the events of the curves' sessions by granularity."""
        return by_granularity(self.few_groups, values)


def users_of(sequences: SequenceSet) -> _Strings:
    """Return the user of each session."""
    return np.asarray(sequences.user_id.to_pylist(), dtype=object)
