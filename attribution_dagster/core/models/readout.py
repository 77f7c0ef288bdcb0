"""Where training starts: the additive part at its optimum and the network silent, or the base rate.

The additive part holds event types always, and stores if they earn it: many stores with small effects help a large
set and hurt a small one, so their weights are kept only when they lower the validation log-loss by more than its
standard error.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from attribution_dagster.core.models.additive import AdditiveEvents, AdditiveFit, additive_logits, fit_additive
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
    """Return the fit with event types only, or the best one with stores if it is better beyond its standard error."""
    assert model.additive_term is not None
    columns = model.additive_term.columns
    events, held_out = (_additive_events(list(columns.values()), part) for part in (train, validation))
    sizes = {name: len(weights) for name, weights in model.additive_term.weights.items()}
    max_events = model.spec.max_events

    def fit(penalties: dict[str, float | None]) -> tuple[AdditiveFit, _Floats]:
        found = fit_additive(events, sizes, max_events, penalties)
        logit = additive_logits(found, held_out)
        return found, np.logaddexp(0.0, logit) - held_out.label * logit

    plain, plain_losses = fit({name: additive_penalty if name == "event_type" else None for name in columns})
    if len(columns) == 1:
        return plain
    others = [
        fit({name: additive_penalty if name == "event_type" else penalty for name in columns})
        for penalty in STORE_PENALTIES
    ]
    best, losses = min(others, key=lambda pair: float(pair[1].mean()))
    gain = plain_losses - losses
    return best if gain.mean() > gain.std() / np.sqrt(len(gain)) else plain


def _additive_events(places: list[int], part: Labelled) -> AdditiveEvents:
    session = np.repeat(np.arange(len(part.label)), part.data.lengths)
    return AdditiveEvents(
        ids=part.data.codes[:, places].astype(np.int64),
        position=np.arange(len(session)) - part.data.offsets[:-1][session],
        session=session,
        label=part.label,
    )
