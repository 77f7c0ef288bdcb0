"""Where training starts: the additive part at its optimum and the network silent, or the base rate.

The additive part holds event types always; stores, and pairs of neighbours, if they earn it. Many stores with small
effects help a large set and hurt a small one, so stores are kept only when they lower the validation log-loss by more
than its standard error. A pair has passed a test already, and is kept when it lowers the validation loss at all: asked
for a standard error as well, three of four true pairs were refused in a world of 14,000 sessions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import expit

from attribution_dagster.core.models.additive import (
    AdditiveEvents,
    AdditiveFit,
    additive_logits,
    fit_additive,
    position_scale,
)
from attribution_dagster.core.models.pairs import MAX_PAIRS, MAX_TYPES, NO_PAIR, pair_ids, strongest_pair
from attribution_dagster.core.models.transformer import AttributionModel
from attribution_dagster.core.sequences.batches import EncodedSequences

STORE_PENALTIES = (100.0, 300.0, 1000.0)  # precisions of the prior: effects of about .1, .06 and .03 logits
_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Labelled:
    """Sessions as the model reads them, with their labels (S,)."""

    data: EncodedSequences
    label: _Floats


def start_readout(model: AttributionModel, train: Labelled, validation: Labelled, additive_penalty: float) -> float:
    """Set bias, base logit and additive weights from the training sessions, and return the log-loss they reach.

    With the additive readout the network's head becomes zero, so that it learns what the additive part can't say.
    """
    rate = float(np.mean(train.label))
    base_logit = float(np.log(rate / (1 - rate)))
    bias, loss = base_logit, float(-rate * np.log(rate) - (1 - rate) * np.log(1 - rate))
    if model.additive_term is not None:
        fit = _choose(model, train, validation, additive_penalty)
        model.additive_term.set_weights(fit)
        bias, loss = fit.bias, fit.loss
    with torch.no_grad():
        model.base_logit.fill_(base_logit)
        model.bias.fill_(bias)
        if model.additive_term is not None:
            model.head.zero_()
    return loss


def _choose(model: AttributionModel, train: Labelled, validation: Labelled, additive_penalty: float) -> AdditiveFit:
    """Return the fit with event types, and with the stores and pairs that make it better beyond its standard error."""
    assert model.additive_term is not None
    columns = model.additive_term.columns
    search = _Search(
        events=_additive_events(columns, train),
        held_out=_additive_events(columns, validation),
        sizes={name: len(weights) for name, weights in model.additive_term.weights.items()},
        max_events=model.spec.max_events,
    )
    plain = dict.fromkeys(columns) | {"event_type": additive_penalty}
    best, penalties = search.fit(plain), plain
    if len(columns) > 1:
        tried = [{name: penalty if p is None else p for name, p in plain.items()} for penalty in STORE_PENALTIES]
        fits = [search.fit(each) for each in tried]
        with_stores = min(range(len(fits)), key=lambda number: fits[number].validation_losses.mean())
        if search.is_better(fits[with_stores], best):
            best, penalties = fits[with_stores], tried[with_stores]
    return search.add_pairs(best, penalties).fit if model.spec.neighbour_pairs else best.fit


@dataclass(frozen=True, kw_only=True)
class _Tried:
    """A fit, and its log-loss on each validation session."""

    fit: AdditiveFit
    validation_losses: _Floats


@dataclass(frozen=True, kw_only=True)
class _Search:
    """Fits on the training sessions, compared on the validation sessions."""

    events: AdditiveEvents
    held_out: AdditiveEvents
    sizes: Mapping[str, int]
    max_events: int

    def fit(self, penalties: Mapping[str, float | None], pairs: Sequence[int] = ()) -> _Tried:
        """Return the fit with these priors and pairs."""
        found = fit_additive(self.events, self.sizes, self.max_events, penalties, pairs)
        logit = additive_logits(found, self.held_out)
        return _Tried(fit=found, validation_losses=np.logaddexp(0.0, logit) - self.held_out.label * logit)

    def is_better(self, one: _Tried, other: _Tried) -> bool:
        """Return whether the validation loss of one is lower by more than the difference's standard error."""
        gain = other.validation_losses - one.validation_losses
        return bool(gain.mean() > gain.std() / np.sqrt(len(gain)))

    def add_pairs(self, best: _Tried, penalties: Mapping[str, float | None]) -> _Tried:
        """Return the fit with as many pairs as pass the score test and the validation, the strongest first."""
        while len(best.fit.pairs) < MAX_PAIRS:
            pair = self._strongest_pair(best.fit)
            if pair is None:
                break
            larger = self.fit(penalties, [*best.fit.pairs, pair])
            if larger.validation_losses.mean() >= best.validation_losses.mean():
                break
            best = larger
        return best

    def _strongest_pair(self, fit: AdditiveFit) -> int | None:
        events, n_sessions = self.events, len(self.events.label)
        # Rare types, which make no pairs, count as one.
        scale, n_types = position_scale(fit, events), min(self.sizes["event_type"], MAX_TYPES + 1)
        types = np.minimum(events.ids[:, 0], MAX_TYPES)
        counts = np.bincount(events.session * n_types + types, scale, n_sessions * n_types)
        held = [np.bincount(events.session, (events.pair == each) * scale, n_sessions) for each in fit.pairs]
        return strongest_pair(
            pair=np.where(np.isin(events.pair, list(fit.pairs)), NO_PAIR, events.pair),
            scale=scale,
            session=events.session,
            nuisance=np.column_stack([np.ones(n_sessions), counts.reshape(n_sessions, n_types), *held]),
            probability=expit(additive_logits(fit, events)),
            label=events.label,
        )


def _additive_events(columns: Mapping[str, int], part: Labelled) -> AdditiveEvents:
    session = np.repeat(np.arange(len(part.label)), part.data.lengths)
    ids = part.data.codes[:, list(columns.values())].astype(np.int64)
    position = np.arange(len(session)) - part.data.offsets[:-1][session]
    by_column = dict(zip(columns, ids.T, strict=True))
    return AdditiveEvents(
        ids=ids,
        pair=pair_ids(by_column["event_type"], by_column.get("store_id"), position),
        position=position,
        session=session,
        label=part.label,
    )
