"""Random attribution: the control that every method has to beat. Independent standard normal values, without a unit.

A session's values follow from its content alone, the codes and numbers that the model reads, so that they are the
same in any batch and on any run; two sessions with the same events get the same values.
"""

from hashlib import blake2b

import numpy as np
import torch

from attribution_dagster.core.attribution.contributions import Contributions, Explainable, Explainer, evaluating
from attribution_dagster.core.sequences.batches import Batch


def random(model: Explainable) -> Explainer:
    """Return a function from a batch to values drawn for each session; signed and centred are the same."""

    def explain(batch: Batch) -> Contributions:
        with evaluating(model), torch.no_grad():
            logit = model.score(model.embed(batch), batch)
        values = torch.zeros(batch.is_event.shape)
        for row, length in enumerate(batch.is_event.sum(dim=1).tolist()):
            content = batch.codes[row, :length].numpy().tobytes() + batch.numbers[row, :length].numpy().tobytes()
            seed = int.from_bytes(blake2b(content, digest_size=16).digest())
            values[row, :length] = torch.from_numpy(np.random.default_rng(seed).standard_normal(length)).float()
        return Contributions(logit=logit, signed=values, centred=values.clone())

    return explain
