"""One epoch of the journey model: token-budget batches, packed, against the loop one writes first; and counterfactuals a second.

The loop: batches of 64 in data order, padded to the longest, the LSTM run over the padding too, the same AdamW, loss and start. Both see every
journey once; validation losses are compared. `python -m attribution_dagster_tests.bench.bench_journeys [users] [rounds]`
"""

import copy
import json
import sys

import numpy as np
import torch
from torch.nn import functional

from attribution_dagster.core.journeys.counterfactuals import group_by_impression, remove_each
from attribution_dagster.core.journeys.journeys import EncodedJourneys, JourneyBatch
from attribution_dagster.core.journeys.lstm import JourneyModel, JourneySpec
from attribution_dagster.core.journeys.training import (
    JourneyTraining,
    fit_first,
    fresh_model,
    predict_logits,
    shuffled_journeys,
    split_by_time,
)
from attribution_dagster.core.models.metrics import log_loss
from attribution_dagster.core.simulation.ads_world import AdsWorld
from attribution_dagster_tests.bench.measuring import interleaved, row, summary
from attribution_dagster_tests.journeys.world import build

BATCH = 64


class Bench:
    """Journeys of a simulated world, and the model that every training starts from, all but its network fitted."""

    def __init__(self, users: int) -> None:
        world = build(AdsWorld(), users=users, weeks=4, seed=0)
        train, self.validation = split_by_time(world.journeys)
        torch.manual_seed(0)
        self.training = JourneyTraining()
        self.start = fresh_model(train, JourneySpec(), self.training)
        fit_first(self.start, train)
        self.data, self.label = self.start.encode(train), torch.from_numpy(train.label).float()
        self.losses: dict[str, float] = {}

    def ours(self) -> None:
        """An epoch of batches under the token budget, packed by true length."""
        batches = shuffled_journeys(self.data, self.training.token_budget, np.random.default_rng(0))
        self._epoch("ours", batches, lambda model, batch: model(batch))

    def padded_loop(self) -> None:
        """An epoch of padded batches in data order."""
        rows = np.arange(len(self.label))
        self._epoch("padded loop", [rows[i : i + BATCH] for i in range(0, len(rows), BATCH)], _padded)

    def _epoch(self, arm: str, batches, forward) -> None:  # type: ignore[no-untyped-def]
        model = copy.deepcopy(self.start)
        optimiser = torch.optim.AdamW(model.parameters(), lr=self.training.learning_rate)
        per_step = len(self.label) / len(batches)
        for rows in batches:
            optimiser.zero_grad()
            logits = forward(model, self.data.batch(rows))
            loss = functional.binary_cross_entropy_with_logits(logits, self.label[rows], reduction="sum")
            (loss / per_step).backward()
            optimiser.step()
        logits = predict_logits(model, model.encode(self.validation))
        self.losses[arm] = log_loss(logits, self.validation.label)


def _padded(model: JourneyModel, batch: JourneyBatch) -> torch.Tensor:
    """Logits (B,) with the LSTM run over all cells of the batch, and its state after the last event read."""
    if not batch.is_event.shape[1]:
        return model.without_ads(batch)
    lengths = batch.is_event.sum(dim=1)
    states = model.lstm(model.embed(batch))[0]
    last = states[torch.arange(len(lengths)), (lengths - 1).clamp(min=0)] * (lengths > 0)[:, None]
    return model.without_ads(batch) + model.response(batch) + model.head(last)[:, 0]


def run(users: int = 1500, rounds: int = 3) -> list[dict]:
    """Rows of name, value, unit; on one thread."""
    torch.set_num_threads(1)
    bench = Bench(users)
    lengths = bench.data.lengths
    seconds, memory = interleaved({"padded loop": bench.padded_loop, "ours": bench.ours}, rounds)
    rows = [
        row("journeys, training: journeys", len(lengths), "journeys"),
        row("journeys, training: events", int(lengths.sum()), "events"),
        row("journeys, training: longest", int(lengths.max()), "events"),
        *summary("journeys, training", seconds, memory, len(lengths), "journeys/s"),
        row("journeys, validation log-loss: padded loop", bench.losses["padded loop"], "nats"),
        row("journeys, validation log-loss: ours less it", bench.losses["ours"] - bench.losses["padded loop"], "nats"),
    ]
    return [*rows, *_counterfactuals(bench.start, bench.data)]


def _counterfactuals(model: JourneyModel, data: EncodedJourneys) -> list[dict]:
    """How many copies of journeys, each without one impression, are scored a second; the network has a say."""
    model = copy.deepcopy(model).eval()
    with torch.no_grad():
        model.head.weight.fill_(0.1)
    rates = {
        removal: remove_each(model, data, group_by_impression, removal).per_second for removal in ("masked", "dropped")
    }
    return [row(f"journeys, counterfactuals, {name}", rate, "copies/s") for name, rate in rates.items()]


if __name__ == "__main__":
    for each in run(*map(int, sys.argv[1:])):
        print(json.dumps(each))
