"""One epoch at full size: this package's training against the loop one writes first, on the same sessions and start.

The loop: stock `nn.TransformerEncoder`, batches of 64 in data order padded to the longest, the same AdamW and
schedule, the same readout and start. Both see every session once; validation losses are compared, and the ratio is
that of events per second. `python -m attribution_dagster_tests.bench.bench_training [rounds] [sessions]`
"""

import copy
import json
import sys
import time

import numpy as np
import torch
from torch.nn import functional

from attribution_dagster.core.models.metrics import log_loss
from attribution_dagster.core.models.optimisation import Optimisation
from attribution_dagster.core.models.prediction import predict_encoded
from attribution_dagster.core.models.readout import Labelled, start_readout
from attribution_dagster.core.models.spec import ModelSpec, TrainingSpec
from attribution_dagster.core.models.transformer import AttributionModel
from attribution_dagster.core.sequences.batches import shuffled_batches
from attribution_dagster.core.sequences.vocabulary import NumberScaling, Vocabulary
from attribution_dagster_tests.bench.measuring import interleaved, row, summary
from attribution_dagster_tests.models.stock import StockModel
from attribution_dagster_tests.models.worlds import FULL_COLUMNS, NUMBERS, length_quantiles, planted

BATCH = 64


class Bench:
    """The data, a fresh model for each arm and round, and what each arm's model predicted in the end."""

    def __init__(self, n_sessions: int) -> None:
        self.train_set = planted(length_quantiles(n_sessions), seed=1, types=20)
        self.validation_set = planted(length_quantiles(n_sessions), seed=2, types=20)
        self.spec = ModelSpec(categories=FULL_COLUMNS, numbers=NUMBERS)
        self.training = TrainingSpec(max_epochs=1)
        self.losses: dict[str, list[float]] = {"padded loop": [], "ours": []}

    def fresh(self) -> AttributionModel:
        """A model as `train` starts it."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(len(self.losses["ours"]))
            model = AttributionModel(
                self.spec, Vocabulary.fit(self.train_set, FULL_COLUMNS), NumberScaling.fit(self.train_set, NUMBERS)
            )
        self.train, self.validation = (
            Labelled(data=model.encode(part), label=part.label.astype(np.float64))
            for part in (self.train_set, self.validation_set)
        )
        start_readout(model, self.train, self.validation, self.training.additive_penalty)
        return model

    def ours(self, model: AttributionModel) -> None:
        """An epoch of token-budget batches through the lean encoder."""
        batches = shuffled_batches(self.train.data.lengths, self.training.token_budget, np.random.default_rng(0))
        with Optimisation(model, self.train, self.training, len(batches), seed=0) as optimisation:
            for rows in batches:
                optimisation.step(rows)
            with optimisation.averaged():
                averages = copy.deepcopy(model.state_dict())
        model.load_state_dict(averages)

    def padded_loop(self, model: AttributionModel) -> None:
        """An epoch in data order through the stock encoder."""
        stock = StockModel(model)
        stock.encoder.train()
        stock.encoder.load_state_dict(model.encoder.state_dict())
        parameters = [value for name, value in model.named_parameters() if not name.startswith("encoder.")]
        parameters += list(stock.encoder.parameters())
        optimiser = torch.optim.AdamW(parameters, lr=self.training.learning_rate, betas=(0.9, 0.98), fused=True)
        label = torch.from_numpy(self.train.label).float()
        starts = range(0, len(label), BATCH)
        warm_up = max(round(len(starts) * self.training.warm_up_share), 1)
        for number, start in enumerate(starts):
            rate = min((number + 1) / warm_up, (len(starts) - number) / (len(starts) - warm_up))
            optimiser.param_groups[0]["lr"] = self.training.learning_rate * rate
            rows = np.arange(start, min(start + BATCH, len(label)))
            batch = self.train.data.batch(rows)
            logit = stock.score(model.embed(batch), batch)
            loss = functional.binary_cross_entropy_with_logits(logit, label[rows])
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, self.training.gradient_norm)
            optimiser.step()
        model.encoder.load_state_dict(stock.encoder.state_dict())


def run(rounds: int = 1, n_sessions: int = 4000) -> list[dict]:
    """Rows of name, value, unit."""
    bench = Bench(n_sessions)
    models = {name: [bench.fresh() for _ in range(rounds)] for name in bench.losses}
    left = {name: list(fresh) for name, fresh in models.items()}
    arms = {
        "padded loop": lambda: bench.padded_loop(left["padded loop"].pop()),
        "ours": lambda: bench.ours(left["ours"].pop()),
    }
    seconds, memory = interleaved(arms, rounds)
    rows = summary("training", seconds, memory, bench.train_set.n_events, "events/s")
    truth = bench.validation_set.label
    losses = {
        name: float(np.mean([log_loss(predict_encoded(model, bench.validation.data), truth) for model in trained]))
        for name, trained in models.items()
    }
    start = log_loss(predict_encoded(bench.fresh(), bench.validation.data), truth)
    shown = {"start": start, **losses, "ours minus loop": losses["ours"] - losses["padded loop"]}
    return [*rows, *(row(f"training: validation loss, {name}", loss, "log-loss") for name, loss in shown.items())]


if __name__ == "__main__":
    started = time.perf_counter()
    for result in run(*map(int, sys.argv[1:])):
        print(json.dumps(result))
    print(f"{time.perf_counter() - started:.0f} s")
