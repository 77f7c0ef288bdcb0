"""Where training starts: the additive part at its optimum and the network silent, or the base rate."""

import numpy as np
import numpy.typing as npt
import torch

from attribution_dagster.core.models.additive import AdditiveEvents, fit_additive
from attribution_dagster.core.models.transformer import AttributionModel
from attribution_dagster.core.sequences.batches import EncodedSequences


def start_readout(
    model: AttributionModel, data: EncodedSequences, label: npt.NDArray[np.float64], additive_penalty: float
) -> float:
    """Set bias, base logit and additive weights from the training sessions, and return the log-loss they reach.

    With the additive readout the network's head becomes zero, so that it learns what the additive part can't say.
    """
    rate = float(np.mean(label))
    base_logit = float(np.log(rate / (1 - rate)))
    bias, loss = base_logit, float(-rate * np.log(rate) - (1 - rate) * np.log(1 - rate))
    if model.additive_term is not None:
        penalties = dict.fromkeys(model.additive_term.columns, additive_penalty)
        events = _additive_events(list(model.additive_term.columns.values()), data, label)
        bias, loss = fit_additive(model.additive_term, events, penalties)
    with torch.no_grad():
        model.base_logit.fill_(base_logit)
        model.bias.fill_(bias)
        if model.additive_term is not None:
            model.head.zero_()
    return loss


def _additive_events(places: list[int], data: EncodedSequences, label: npt.NDArray[np.float64]) -> AdditiveEvents:
    session = np.repeat(np.arange(len(label)), data.lengths)
    return AdditiveEvents(
        ids=data.codes[:, places].astype(np.int64),
        position=np.arange(len(session)) - data.offsets[:-1][session],
        session=session,
        label=label,
    )
