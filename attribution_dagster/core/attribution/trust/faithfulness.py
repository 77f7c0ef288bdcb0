"""Deletion and insertion curves: does the logit fall fastest when the events said to matter most are taken away first?

Samek et al. (2017), Petsiuk et al. (2018). For each session its events are deleted in the order of their attribution, the
most positive first, the least first, or at random, a share at a time. The area between two curves is the mean distance of
their logits on the way. Inserting the most relevant first into an empty session is deleting the least relevant first,
read backwards; so both curves come from the same copies.

What is deleted is gone, and the signed attribution says what that costs: the bounds are on its order. What ranks is the
centred one, against an average event, which is nearly but not always the same order; its curves stand beside.

Such curves ask whether the explanation is true to the model. They don't notice a model that learnt noise; that is what
`label_curves` is for: it deletes the events said to matter most, in either direction, and asks how well the logits still
tell converted sessions from others.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from attribution_dagster.core.attribution.trust.deletion import Explained, deleted_logits
from attribution_dagster.core.models.metrics import Interval, bootstrap_auc
from attribution_dagster.core.models.transformer import AttributionModel
from attribution_dagster.core.sequences.batches import EncodedSequences

SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
"""Shares of a session's events that are deleted, along a curve."""
DELETED_FOR_LABELS = 0.5
_Floats = npt.NDArray[np.float64]
_Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Curves:
    """Logits (len(SHARES), S) along the way: most relevant first, least relevant first, and at random."""

    most_first: _Floats
    least_first: _Floats
    at_random: _Floats

    @property
    def deletion(self) -> _Floats:
        """Area below the random curve when the most relevant go first, (S,), in logits."""
        return _area(self.at_random - self.most_first)

    @property
    def insertion(self) -> _Floats:
        """Area above the random curve when the most relevant come first, (S,), in logits."""
        return _area(self.least_first - self.at_random)


def curves(
    model: AttributionModel, data: EncodedSequences, orders: Mapping[str, _Floats], seed: int = 0
) -> dict[str, Curves]:
    """Return the curves of each order, against the same random one; an order is given by values (E,), the highest first."""
    chance = removal_places(np.random.default_rng(seed).random(int(data.offsets[-1])), data)
    at_random = deleted_logits(model, data, _along(chance, data))
    found = {}
    for name, values in orders.items():
        kept = [_along(removal_places(sign * values, data), data)[1:-1] for sign in (1.0, -1.0)]
        middle = np.split(deleted_logits(model, data, np.concatenate(kept)), 2)
        most, least = (np.concatenate([at_random[:1], part, at_random[-1:]]) for part in middle)
        found[name] = Curves(most_first=most, least_first=least, at_random=at_random)
    return found


@dataclass(frozen=True, kw_only=True)
class LabelFaithfulness:
    """AUC that the most relevant half of the events carries beyond what a random half does; None with too few of a class."""

    gain: Interval | None


def label_faithfulness(
    model: AttributionModel,
    data: EncodedSequences,
    explained: Explained,
    labels: npt.ArrayLike,
    users: npt.NDArray[np.object_],
    seed: int = 0,
) -> LabelFaithfulness:
    """Return how much more AUC is lost with the events said to matter most than with as many random ones.

    Events matter by the size of their centred attribution. The interval resamples users, both losses on the same.
    """
    chance = removal_places(np.random.default_rng(seed).random(int(data.offsets[-1])), data)
    places = removal_places(np.abs(explained.centred), data)
    kept = np.stack([_kept(each, data, DELETED_FOR_LABELS) for each in (chance, places)])
    random_left, top_gone = deleted_logits(model, data, kept)
    _, gains = bootstrap_auc({"random": random_left, "top": top_gone}, labels, users, seed=seed)
    return LabelFaithfulness(gain=gains.get("top"))


def removal_places(values: _Floats, data: EncodedSequences) -> npt.NDArray[np.int64]:
    """Return the place of each event in the order of falling value within its session, from 0, (E,); ties by position."""
    session = np.repeat(np.arange(len(data.lengths)), data.lengths)
    order = np.lexsort((-values, session))
    places = np.empty(len(values), dtype=np.int64)
    places[order] = np.arange(len(values)) - data.offsets[:-1][session]
    return places


def _along(places: npt.NDArray[np.int64], data: EncodedSequences) -> _Flags:
    return np.stack([_kept(places, data, share) for share in SHARES])


def _kept(places: npt.NDArray[np.int64], data: EncodedSequences, share: float) -> _Flags:
    gone = np.round(share * data.lengths).astype(np.int64)
    return np.asarray(places >= np.repeat(gone, data.lengths))


def _area(distance: _Floats) -> _Floats:
    return np.asarray(np.trapezoid(distance, np.asarray(SHARES), axis=0))
