"""Max-sensitivity: how far attributions move when the events' embeddings are disturbed a little (Yeh et al. 2019)."""

import numpy as np
import numpy.typing as npt
import torch

from attribution_dagster.core.attribution.contributions import Attributor
from attribution_dagster.core.attribution.trust.deletion import cells, explain_events
from attribution_dagster.core.models.transformer import AttributionModel
from attribution_dagster.core.sequences.batches import Batch, EncodedSequences

RADIUS = 0.05
"""Length of a disturbance, as a share of the mean distance of an event's embedding from the mean event."""
DRAWS = 3
_Floats = npt.NDArray[np.float64]


class Disturbed:
    """A model whose events lie a little beside where they are; what does not depend on embeddings stays as it is."""

    def __init__(self, model: AttributionModel, data: EncodedSequences, noise: torch.Tensor) -> None:
        self.model, self.data, self.noise = model, data, noise
        self.mean_event, self.mean_additive, self.base_logit = model.mean_event, model.mean_additive, model.base_logit

    def embed(self, batch: Batch) -> torch.Tensor:
        """Return disturbed events (B, T, D)."""
        here = cells(self.data, batch.rows, batch.is_event.shape[1])
        return self.model.embed(batch) + self.noise[torch.from_numpy(here)]

    def score(self, embedded: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return logits (B,)."""
        return self.model.score(embedded, batch)

    def additive(self, batch: Batch) -> torch.Tensor:
        """Return the exact additive contributions (B, T)."""
        return self.model.additive(batch)

    def drop(self, batch: Batch, dropped: torch.Tensor) -> Batch:
        """Return the batch without these events."""
        return self.model.drop(batch, dropped)


def max_sensitivity(model: AttributionModel, data: EncodedSequences, method: Attributor, seed: int = 0) -> _Floats:
    """Return for each session the largest relative change of its attributions over a few disturbances, (S,).

    That is max over draws of |a(x + noise) - a(x)| / |a(x)|, with a the session's centred attributions and noise of length
    RADIUS in a random direction at every event. 0 where all attributions are 0.
    """
    if model.is_silent:
        return np.zeros(len(data.lengths))  # nothing depends on the embeddings
    generator = torch.Generator().manual_seed(seed)
    size = RADIUS * _mean_distance(model, data)
    session = np.repeat(np.arange(len(data.lengths)), data.lengths)

    def length(values: _Floats) -> _Floats:
        return np.sqrt(np.bincount(session, values**2, len(data.lengths)))

    undisturbed = torch.zeros(int(data.offsets[-1]), len(model.mean_event))
    before = explain_events(method(Disturbed(model, data, undisturbed)), model, data).centred
    largest = np.zeros(len(data.lengths))
    for _ in range(DRAWS):
        noise = torch.randn(undisturbed.shape, generator=generator)
        noise *= size / noise.norm(dim=1, keepdim=True).clamp(min=1e-12)
        after = explain_events(method(Disturbed(model, data, noise)), model, data).centred
        largest = np.maximum(largest, length(after - before))
    total = length(before)
    return np.asarray(np.where(total > 0, largest / np.where(total > 0, total, 1.0), 0.0))


@torch.inference_mode()
def _mean_distance(model: AttributionModel, data: EncodedSequences) -> float:
    batch = data.batch(np.flatnonzero(data.lengths))
    return float((model.embed(batch) - model.mean_event)[batch.is_event].norm(dim=1).mean())
