"""Why the lift does not rank, and what pre-norm layers do: a plain transformer in the world of hidden intents.

python -m attribution_dagster_tests.verify.lift [--seeds 3] [--sessions 14000]; writes docs/lift.md.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from attribution_dagster.core.attribution.baselines import BASELINES
from attribution_dagster.core.attribution.contributions import Contributions, Explainer, shares
from attribution_dagster.core.attribution.registry import ATTRIBUTORS
from attribution_dagster.core.benchmark.scoring import Recovery, recovery
from attribution_dagster.core.benchmark.worlds import SPEC, fit, planted_of, spread_rows
from attribution_dagster.core.models.encoder import Encoder, EncoderLayer
from attribution_dagster.core.models.metrics import auc
from attribution_dagster.core.models.prediction import predict
from attribution_dagster.core.models.threads import map_batches
from attribution_dagster.core.models.transformer import AttributionModel
from attribution_dagster.core.sequences.batches import budget_batches
from attribution_dagster.core.simulation.truth_set import TruthSet, simulate_truth
from attribution_dagster.core.simulation.truth_worlds import WORLDS

DOC, WORLD, EXPLAINED = Path("docs/lift.md"), "hidden_intent", 1_500
REFEREED = 200  # sessions for the slow methods; integrated gradients of pre-norm layers take up to 1,024 steps
CENTRED, REFEREE = "**mean centred gradient x input**", "mean integrated gradients, from the mean event"
REFEREES = {
    "mean integrated gradients, from padding": ("integrated_gradients_padding", 0),
    REFEREE: ("integrated_gradients", 1),
    "mean occlusion, masked": ("occlusion_masked", 0),
}
PLAIN = replace(SPEC, readout="plain", local_convolution=False, neighbour_pairs=False)
MODELS = ("plain, post-norm", "plain, pre-norm", "default")


class PreNormLayer(EncoderLayer):
    """h = h + attention(norm1(h)); h = h + linear2(relu(linear1(norm2(h))))."""

    def forward(self, hidden: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        return self._expand(hidden + self.dropout(self.self_attn(self.norm1(hidden), bias)))

    def first_token(self, hidden: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        return self._expand(hidden[:, 0] + self.dropout(self.self_attn.first_token(self.norm1(hidden), bias)))

    def _expand(self, hidden: torch.Tensor) -> torch.Tensor:
        expanded = self.dropout(functional.relu(self.linear1(self.norm2(hidden))))
        return hidden + self.dropout(self.linear2(expanded))


class PreNormEncoder(Encoder):
    """A stack of pre-norm layers with a normalisation at the end."""

    def __init__(self, d_model: int, n_heads: int, n_layers: int, d_feedforward: int, dropout: float) -> None:
        super().__init__(d_model, n_heads, n_layers, d_feedforward, dropout)
        self.layers = nn.ModuleList(PreNormLayer(d_model, n_heads, d_feedforward, dropout) for _ in range(n_layers))
        self.norm = nn.LayerNorm(d_model)

    def forward(self, hidden: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        return self.norm(super().forward(hidden, bias))


class ByAutograd:
    """A model of either kind as the methods know it; the gradient by hand is that of post-norm layers only."""

    def __init__(self, model: AttributionModel) -> None:
        self.embed, self.score, self.additive = model.embed, model.score, model.additive
        self.mean_event, self.mean_additive = model.mean_event, model.mean_additive


def main() -> None:
    """Trains, explains, prints and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sessions", type=int, default=14_000)
    options = parser.parse_args()
    cells: dict[str, dict[tuple[str, int], Recovery]] = {}
    quality: dict[str, list[float]] = {}
    kept: dict[str, list[float]] = {}
    for seed in range(options.seeds):
        earlier, later = (
            simulate_truth(WORLDS[WORLD], sessions=options.sessions, seed=seed, later=is_later)
            for is_later in (False, True)
        )
        explained = later.select(spread_rows(later, EXPLAINED))
        for name in MODELS:
            model = trained_model(name, earlier, seed)
            quality.setdefault(name, []).append(auc(predict(model, later.sequences), later.sequences.label))
            kept.setdefault(name, []).append(cancellation(model, explained.select(spread_rows(explained, REFEREED))))
            for score, found in judge(model, explained).items():
                cells.setdefault(score, {})[name, seed] = found
            print(f"seed {seed}, {name}: AUC {quality[name][-1]:.3f}", flush=True)
        for baseline in ("logistic_counts", "univariate_difference"):
            found = BASELINES[baseline](earlier.sequences, explained.sequences)
            cells.setdefault(baseline.replace("_", " "), {})["", seed] = _recovery(explained, found.by_type)
    lines = table(cells, options.seeds)
    print("\n".join(lines))
    DOC.write_text("\n".join([*document(lines, quality, kept, options), pre_norm(cells), ""]))


def trained_model(name: str, earlier: TruthSet, seed: int) -> AttributionModel:
    """The model of one column, trained as any other."""
    encoder = PreNormEncoder if name == "plain, pre-norm" else Encoder
    with patch("attribution_dagster.core.models.transformer.Encoder", encoder):
        return fit(earlier.sequences, SPEC if name == "default" else PLAIN, None, seed).model


def judge(model: AttributionModel, explained: TruthSet) -> dict[str, Recovery]:
    """Every score of event types that the page compares."""
    planted, label = planted_of(explained), np.asarray(explained.sequences.label)
    signed, centred = explain(model, "gradient_x_input", explained)
    share = shares(signed, explained.sequences.offsets).share
    converted = np.repeat(label == 1, explained.sequences.lengths)

    def lift(scores: np.ndarray) -> np.ndarray:
        one, other = (
            np.bincount(planted.types[side], scores[side], len(planted.counts))
            / np.bincount(planted.types[side], minlength=len(planted.counts))
            for side in (converted, ~converted)
        )
        return one - other

    by_type: Mapping[str, np.ndarray] = {
        "lift of shares (converted less not)": lift(share),
        "lift of signed gradient x input": lift(signed),
        "mean signed gradient x input": planted.mean(signed),
        CENTRED: planted.mean(centred),
    }
    found = {name: _recovery(explained, scores) for name, scores in by_type.items()}
    few = explained.select(spread_rows(explained, REFEREED))
    for name, (method, side) in REFEREES.items():
        found[name] = _recovery(few, planted_of(few).mean(explain(model, method, few)[side]))
    return found


def explain(model: AttributionModel, method: str, explained: TruthSet) -> tuple[np.ndarray, np.ndarray]:
    """Signed and centred contributions (E,)."""
    data = model.encode(explained.sequences)
    assert not data.first_event.any(), "a session is longer than the model reads"
    explainer: Explainer = ATTRIBUTORS[method](ByAutograd(model))  # type: ignore[arg-type]
    signed, centred = np.zeros(int(data.offsets[-1])), np.zeros(int(data.offsets[-1]))

    def explain_rows(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, Contributions]:
        batch = data.batch(rows)
        return rows, batch.is_event.numpy(), explainer(batch)

    for rows, is_event, found in map_batches(explain_rows, budget_batches(data.lengths, 1024)):
        events = (data.offsets[:-1][rows][:, None] + np.arange(is_event.shape[1]))[is_event]
        signed[events], centred[events] = found.signed.numpy()[is_event], found.centred.numpy()[is_event]
    return signed, centred


def cancellation(model: AttributionModel, explained: TruthSet) -> float:
    """Mean over events of abs(sum over the width of g x) / sum of abs(g x): near 0 where the products cancel."""
    data, kept = model.encode(explained.sequences), []
    for rows in budget_batches(data.lengths, 1024):
        batch = data.batch(rows)
        leaf = model.embed(batch).detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(model.score(leaf, batch).sum(), leaf)
        products = (gradient * leaf.detach())[batch.is_event]
        kept.append(products.sum(dim=1).abs() / products.abs().sum(dim=1).clamp(min=1e-12))
    return float(torch.cat(kept).mean())


def _recovery(explained: TruthSet, by_type: np.ndarray) -> Recovery:
    planted = planted_of(explained)
    scores = np.nan_to_num(by_type)[planted.types]
    return recovery(planted, by_type, scores, in_logits=False, has_intervals=False, seconds_per_1000=0.0)


def table(cells: Mapping[str, Mapping[tuple[str, int], Recovery]], seeds: int) -> list[str]:
    """Rank correlation / right signs: scores by models and seeds; a baseline stands once, in the first model's columns."""
    columns = [(name, seed) for name in MODELS for seed in range(seeds)]
    lines = [
        "| score per event type | " + " | ".join(f"{name}, seed {seed}" for name, seed in columns) + " |",
        "|---" + "|---:" * len(columns) + "|",
    ]
    for score, by_column in cells.items():
        found = [by_column.get(c) or (by_column.get(("", c[1])) if c[0] == MODELS[0] else None) for c in columns]
        told = (f"{one.rank_correlation:+.2f} / {one.sign_accuracy:.2f}" if one else "" for one in found)
        lines.append(f"| {score} | " + " | ".join(told) + " |")
    return lines


def document(
    lines: Sequence[str], quality: Mapping[str, list[float]], kept: Mapping[str, list[float]], asked: argparse.Namespace
) -> list[str]:
    """The page around the table."""
    return [
        "# Why the lift does not rank",
        "",
        f"Written by `python -m attribution_dagster_tests.verify.lift --seeds {asked.seeds} --sessions {asked.sessions}`: world `{WORLD}` of the "
        f"[truth benchmark](truth-benchmark.md), {EXPLAINED:,} later sessions explained (by integrated gradients and occlusion, {REFEREED}), "
        f"width {SPEC.d_model}, {SPEC.n_layers} layers. Simulated. "
        "Cells: rank correlation with the planted effects over event types / share of types with an effect on the right side of the average.",
        "",
        *lines,
        "",
        f"AUC by seed: {_by_seed(quality)}.",
        "",
        f"Share of gradient x input that does not cancel over the width, abs(sum) / sum(abs), by seed: {_by_seed(kept)}.",
        "",
        "**Plain** is the transformer alone: no additive readout, no local convolution, no pairs. **Default** is the default specification at that "
        "width. The pre-norm layers exist in this script only.",
        "",
        "- The **lift** conditions on the outcome: it compares how much *room* an event had in converted sessions and in others. Shares of long "
        "sessions are small, and a share cannot be negative, so a driver and a brake look alike.",
    ]


def pre_norm(cells: Mapping[str, Mapping[tuple[str, int], Recovery]]) -> str:
    """What pre-norm layers did to gradient x input, beside integrated gradients, which do not depend on scale."""
    centred, referee = cells[CENTRED], cells[REFEREE]
    post, pre, of_post, of_pre = (ranks(by, name) for by in (centred, referee) for name in MODELS[:2])
    lost = min(pre) < min(post)
    return (
        "- **Pre-norm**: a layer normalisation does not see scale, and gradient x input is the effect of scale, so right behind an embedding it "
        "cancels the more, the less is added to the embedding before it (here: positions). Rank correlation of mean centred gradient x input "
        f"with pre-norm layers {_from_to(pre)}, of integrated gradients {_from_to(of_pre)}; with post-norm layers {_from_to(post)} and {_from_to(of_post)}. "
        f"What is left after cancelling ranks {'worse' if lost else 'no worse'} than behind post-norm layers."
    )


def ranks(by_column: Mapping[tuple[str, int], Recovery], name: str) -> list[float]:
    """The rank correlations of a score under a model, seed by seed."""
    return [found.rank_correlation for (model, _), found in by_column.items() if model == name]


def _from_to(values: Sequence[float]) -> str:
    return f"{min(values):+.2f} to {max(values):+.2f}"


def _by_seed(values: Mapping[str, list[float]]) -> str:
    return "; ".join(f"{name} {', '.join(f'{value:.3f}' for value in found)}" for name, found in values.items())


if __name__ == "__main__":
    main()
