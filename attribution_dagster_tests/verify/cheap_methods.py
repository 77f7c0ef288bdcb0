"""Can gradient x input be beaten at its own price? Candidates on planted truth and on faithfulness, over several seeds.

python -m attribution_dagster_tests.verify.cheap_methods [--seeds 3] [--sessions 8000]

A world with position decay, repeats that count less each time, two pairs of neighbours and a hidden intent that makes
events come together. The truth of an occurrence is what the log-odds lose when it is blanked and all others stay.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from scipy.stats import spearmanr

from attribution_dagster.core.attribution.contributions import Contributions, Explainable, Explainer
from attribution_dagster.core.attribution.gradient_x_input import gradient_dots
from attribution_dagster.core.attribution.occlusion import masked_logit
from attribution_dagster.core.attribution.registry import ATTRIBUTORS
from attribution_dagster.core.models.folding import Point
from attribution_dagster.core.models.spec import ModelSpec, TrainingSpec
from attribution_dagster.core.models.training import train
from attribution_dagster.core.models.transformer import AttributionModel
from attribution_dagster.core.sequences.batches import Batch, budget_batches
from attribution_dagster.core.sequences.sequence_set import SequenceSet
from attribution_dagster_tests.models.worlds import sessions, with_label

TYPES, REPEAT, DECAY = 12, 0.5, 12.0
PAIRS = {(2, 7): 1.0, (8, 3): -0.8}
TEST_SESSIONS = 600
Floats = npt.NDArray[np.float64]


def at_points(nodes: dict[float, float], *, from_mean: bool) -> Callable[[Explainable], Explainer]:
    """Gradients averaged over points on the way from the baseline: {share of the way: weight}."""

    def attributor(model: Explainable) -> Explainer:
        dots = gradient_dots(model)

        def explain(batch: Batch) -> Contributions:
            with torch.no_grad():
                found = [
                    (weight, dots(batch, Point(scale=share, shift=1 - share if from_mean else 0.0)))
                    for share, weight in nodes.items()
                ]
                with_event = torch.stack([weight * event for weight, (_, event, _) in found]).sum(dim=0)
                with_mean = torch.stack([weight * mean for weight, (_, _, mean) in found]).sum(dim=0)
                additive = model.additive(batch)
                centred = with_event - with_mean + (additive - model.mean_additive) * batch.is_event
                logit = model.score(model.embed(batch), batch)
            return Contributions(logit=logit, signed=with_event + additive, centred=centred)

        return explain

    return attributor


GAUSS = {0.5 - 0.5 / 3**0.5: 0.5, 0.5 + 0.5 / 3**0.5: 0.5}
CANDIDATES = {
    **{
        name: ATTRIBUTORS[name] for name in ("gradient_x_input", "integrated_gradients", "integrated_gradients_padding")
    },
    **{name: ATTRIBUTORS[name] for name in ("occlusion_masked", "occlusion_dropped", "attention_mean", "random")},
    "at half way from the mean": at_points({0.5: 1.0}, from_mean=True),
    "at half way from padding": at_points({0.5: 1.0}, from_mean=False),
    "at both ends, mean": at_points({0.0: 0.5, 1.0: 0.5}, from_mean=True),
    "2 Gauss nodes, mean": at_points(GAUSS, from_mean=True),
    "2 Gauss nodes, padding": at_points(GAUSS, from_mean=False),
}
TRAININGS: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "default": ({}, {}),
    "plain": ({"readout": "plain"}, {}),
    "plain, dropout .3": ({"readout": "plain", "dropout": 0.3}, {}),
    "plain, 10 % unknown": ({"readout": "plain"}, {"unknown_dropout": 0.1}),
}


class World:
    """Sessions of a seed: events drawn from a mixture by intent, and log-odds of any subset of a session's events."""

    def __init__(self, n_sessions: int, seed: int, draw: int) -> None:
        world_rng, rng = np.random.default_rng(seed), np.random.default_rng([seed, draw])
        self.effects = np.where(np.arange(TYPES) % 3 == 0, 0.0, world_rng.normal(0.0, 0.7, TYPES))
        mixes = world_rng.dirichlet(np.full(TYPES, 0.7), size=2)
        lengths = rng.integers(3, 21, n_sessions)
        plain = sessions(lengths, seed=1000 * seed + draw, types=TYPES)
        session = np.repeat(np.arange(n_sessions), lengths)
        intent = rng.random(n_sessions) < 0.5
        types = np.array([rng.choice(TYPES, p=mixes[int(intent[s])]) for s in session], dtype=np.int32)
        self.types, self.session, self.rank = types, session, plain.numbers["event_rank"].astype(int) - 1
        changed = replace_codes(plain, types)
        logit = np.array([self.log_odds(self.types[a:b]) for a, b in self.bounds(plain)])
        self.offset = float(-np.mean(logit) - 0.5)
        label = rng.random(n_sessions) < 1 / (1 + np.exp(-(logit + self.offset)))
        self.set = with_label(changed, label)

    @staticmethod
    def bounds(world: SequenceSet) -> list[tuple[int, int]]:
        """Where each session's events begin and end."""
        return list(zip(world.offsets[:-1].tolist(), world.offsets[1:].tolist(), strict=True))

    def log_odds(self, types: npt.NDArray[np.int32]) -> float:
        """Log-odds, without the intercept, of a session whose blank events have type -1."""
        total, seen = 0.0, np.zeros(TYPES)
        for place, kind in enumerate(types):
            if kind < 0:
                continue
            total += self.effects[kind] * np.exp(-place / DECAY) * REPEAT ** seen[kind]
            seen[kind] += 1
            if place and types[place - 1] >= 0:
                total += PAIRS.get((int(types[place - 1]), int(kind)), 0.0)
        return total

    def truth(self) -> Floats:
        """What the log-odds lose with each event, (E,)."""
        found = np.zeros(len(self.types))
        for begin, end in self.bounds(self.set):
            full = self.log_odds(self.types[begin:end])
            for event in range(begin, end):
                blank = self.types[begin:end].copy()
                blank[event - begin] = -1
                found[event] = full - self.log_odds(blank)
        return found


def replace_codes(world: SequenceSet, types: npt.NDArray[np.int32]) -> SequenceSet:
    """The same sessions with other event types."""
    return replace(world, codes={**world.codes, "event_type": types})


def explain_all(model: AttributionModel, explain: Explainer, data: SequenceSet) -> tuple[Floats, Floats, float]:
    """Centred effects (E,), faithfulness, and seconds per 1,000 sessions.

    Faithfulness: mean over sessions of the logit lost when the third of the events with the largest effects is
    blanked, less that lost when the third with the smallest is.
    """
    encoded = model.encode(data)
    centred, gaps, spent = np.zeros(data.n_events), np.zeros(data.n_sessions), 0.0
    for rows in budget_batches(encoded.lengths, 1024):
        batch = encoded.batch(rows)
        began = time.perf_counter()
        found = explain(batch)
        spent += time.perf_counter() - began
        is_event = batch.is_event.numpy()
        events = (encoded.offsets[:-1][rows][:, None] + np.arange(is_event.shape[1]))[is_event]
        centred[events] = found.centred.numpy()[is_event]
        gaps[rows] = _faithfulness(model, batch, found.centred)
    return centred, gaps, 1000 * spent / data.n_sessions


@torch.no_grad()
def _faithfulness(model: AttributionModel, batch: Batch, centred: torch.Tensor) -> Floats:
    third = (batch.is_event.sum(dim=1, keepdim=True) / 3).ceil()
    embedded, logits = model.embed(batch), []
    for sign in (1, -1):
        order = (sign * centred).masked_fill(~batch.is_event, -torch.inf).argsort(dim=1, descending=True).argsort(dim=1)
        logits.append(masked_logit(model, batch, embedded, (order < third) & batch.is_event))
    return (logits[1] - logits[0]).double().numpy()


def scores(world: World, truth: Floats, occlusion: Floats, centred: Floats) -> dict[str, float]:
    """Agreement with the truth by event type and within types, and with occlusion."""
    frame = pd.DataFrame({"type": world.types, "truth": truth, "found": centred})
    means = frame.groupby("type").mean()
    means -= frame[["truth", "found"]].mean()
    strong = means[means["truth"].abs() > 0.05]
    within = [
        (len(part), spearmanr(part["truth"], part["found"]).statistic)
        for _, part in frame.groupby("type")
        if part["truth"].std() > 1e-6 and len(part) > 50
    ]
    sizes, values = np.array(within).T
    return {
        "types": float(spearmanr(means["truth"], means["found"]).statistic),
        "signs": float((np.sign(strong["truth"]) == np.sign(strong["found"])).mean()),
        "within types": float(np.average(values, weights=sizes)),
        "occurrences": float(spearmanr(truth, centred).statistic),
        "occlusion": float(spearmanr(occlusion, centred).statistic),
    }


def measure(seed: int, n_sessions: int, training: str) -> pd.DataFrame:
    """One row per candidate for a world and a way of training."""
    spec_changes, training_changes = TRAININGS[training]
    parts = [World(size, seed, draw) for draw, size in enumerate((n_sessions, n_sessions // 4, TEST_SESSIONS))]
    spec = ModelSpec(
        categories=("event_type", "store_id"),
        numbers=("event_rank", "time_delta"),
        **{"d_model": 48, "n_heads": 3, "n_layers": 2, "d_feedforward": 96, "d_category": 16} | spec_changes,  # type: ignore[arg-type]
    )
    trained = train(parts[0].set, parts[1].set, spec, TrainingSpec(max_epochs=4, **training_changes), seed=seed)  # type: ignore[arg-type]
    test, truth, rows = parts[2], parts[2].truth(), []
    found = {name: explain_all(trained.model, make(trained.model), test.set) for name, make in CANDIDATES.items()}
    for name, (centred, gaps, cost) in found.items():
        agreement = scores(test, truth, found["occlusion_masked"][0], centred)
        said = {"training": training, "seed": seed, "method": name, "kept at epoch": trained.best_epoch}
        rows.append(said | agreement | {"faithfulness": gaps.mean(), "s per 1,000": cost})
    return pd.DataFrame(rows)


def main() -> None:
    """Prints a table per way of training: means over seeds, and in how many seeds gradient x input is beaten."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sessions", type=int, default=8_000)
    options = parser.parse_args()
    torch.set_num_threads(1)
    for training in TRAININGS:
        found = pd.concat(measure(seed, options.sessions, training) for seed in range(options.seeds))
        numbers = found.drop(columns=["training", "method"]).columns.drop("seed")
        table = found.groupby("method", sort=False)[list(numbers)].mean()
        own = found[found["method"] == "gradient_x_input"].set_index("seed")["within types"]
        table["seeds better within types"] = [
            int((part.set_index("seed")["within types"] > own).sum()) for _, part in found.groupby("method", sort=False)
        ]
        print(f"\n{training}\n{table.round(3).to_string()}", flush=True)


if __name__ == "__main__":
    main()
