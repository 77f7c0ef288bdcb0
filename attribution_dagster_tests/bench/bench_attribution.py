"""Gradient x input on the full-size model: this package against Captum as documented and against the stock encoder.

Same sessions (lengths at fixed quantiles, mean 26, longest 200), same weights, arms interleaved, medians of ratios
of one run. `python -m attribution_dagster_tests.bench.bench_attribution [rounds]`
"""

import copy
import json
import sys
import time

import numpy as np
import torch
from captum.attr import InputXGradient

from attribution_dagster.core.attribution.registry import ATTRIBUTORS
from attribution_dagster.core.attribution.sessions import TOKEN_BUDGET
from attribution_dagster.core.models.spec import ModelSpec
from attribution_dagster.core.models.threads import map_batches
from attribution_dagster.core.models.transformer import AttributionModel
from attribution_dagster.core.sequences.batches import EncodedSequences, budget_batches
from attribution_dagster.core.sequences.sequence_set import SequenceSet
from attribution_dagster_tests.bench.measuring import gemm_rate, interleaved, row, summary
from attribution_dagster_tests.models.stock import StockModel
from attribution_dagster_tests.models.worlds import (
    FULL_COLUMNS,
    NUMBERS,
    length_quantiles,
    random_model,
    sessions,
)

STOCK_BUDGET = 4096
CAPTUM_BATCH = 64


def captum(stock: StockModel, data: EncodedSequences) -> None:
    """Captum's InputXGradient, batches of 64 in data order, padded to the longest."""
    method = InputXGradient(stock.score)
    for start in range(0, len(data.lengths), CAPTUM_BATCH):
        batch = data.batch(np.arange(start, min(start + CAPTUM_BATCH, len(data.lengths))))
        embedded = stock.model.embed(batch).detach().requires_grad_(True)
        method.attribute(embedded, additional_forward_args=(batch,)).sum(dim=-1)


def stock_frozen(stock: StockModel, data: EncodedSequences, budget: int = STOCK_BUDGET) -> None:
    """The stock encoder with frozen parameters, batches sorted by length under a token budget."""
    for rows in budget_batches(data.lengths, budget):
        batch = data.batch(rows)
        embedded = stock.model.embed(batch).detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(stock.score(embedded, batch).sum(), embedded)
        (gradient * embedded).sum(dim=-1)


def ours(model: AttributionModel, data: EncodedSequences, budget: int = TOKEN_BUDGET) -> None:
    """This package's path, preparation included, batches side by side as `attribute_sessions` runs them."""
    explain = ATTRIBUTORS["gradient_x_input"](model)
    for _ in map_batches(lambda rows: explain(data.batch(rows)), budget_batches(data.lengths, budget)):
        pass


def flops(data: EncodedSequences, spec: ModelSpec) -> float:
    """Matrix work of `ours` forward and backward, attention's own products included."""
    width, hidden, tokens = spec.d_model, spec.d_feedforward, data.lengths + 1
    layer = 2 * (4 * width**2 + 2 * width * hidden)
    full = spec.n_layers - 1
    first = 2 * 3 * width**2 * (0 if spec.local_convolution else 2)  # looked up, and spared backwards
    convolution = 2 * 2 * width**2 if spec.local_convolution else 0
    attention = full * 2 * 6 * width * tokens
    last = 2 * 6 * spec.n_heads * width
    return float(np.sum(tokens * (2 * full * layer - first + convolution + attention + last)))


def run(rounds: int = 3, n_sessions: int = 1200) -> list[dict]:
    """Rows of name, value, unit."""
    sequences = sessions(length_quantiles(n_sessions), types=40, stores=600, columns=FULL_COLUMNS)
    rate = gemm_rate()
    rows = [row("matrix product, fp32", rate / 1e9, "GFLOP/s")]
    for title, changes in (("plain", {"readout": "plain", "local_convolution": False}), ("default", {})):
        spec = ModelSpec(categories=FULL_COLUMNS, numbers=NUMBERS, **changes)
        rows += compare(f"attribution, {title}", random_model(sequences, spec), sequences, rounds, rate)
    return rows


def compare(title: str, model: AttributionModel, sequences: SequenceSet, rounds: int, rate: float) -> list[dict]:
    """The three arms on one model; parameters are frozen for all but Captum as documented."""
    data = model.encode(sequences)
    documented, frozen = StockModel(copy.deepcopy(model)), StockModel(model)
    for parameter in [*model.parameters(), *frozen.encoder.parameters()]:
        parameter.requires_grad_(False)
    arms = {
        "captum": lambda: captum(documented, data),
        "stock": lambda: stock_frozen(frozen, data),
        "ours": lambda: ours(model, data),
    }
    seconds, memory = interleaved(arms, rounds)
    share = flops(data, model.spec) / min(seconds["ours"]) / rate
    return [
        *summary(title, seconds, memory, int(data.lengths.sum()), "events/s"),
        row(f"{title}: share of the machine's matrix rate, best round", share, "share"),
    ]


if __name__ == "__main__":
    started = time.perf_counter()
    for result in run(*map(int, sys.argv[1:])):
        print(json.dumps(result))
    print(f"{time.perf_counter() - started:.0f} s")
