"""One world, from simulation to scores: a model is trained, every method explains the same sessions, truth judges."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from attribution_dagster.core.attribution.baselines import BASELINES, IN_LOGITS
from attribution_dagster.core.attribution.comparison import warm_up
from attribution_dagster.core.attribution.registry import ATTRIBUTORS, WITHOUT_UNIT
from attribution_dagster.core.attribution.sessions import attribute_sessions
from attribution_dagster.core.benchmark.scoring import Planted, Recovery, recovery
from attribution_dagster.core.models.baselines import fit_baselines
from attribution_dagster.core.models.calibration import fit_platt
from attribution_dagster.core.models.metrics import auc, log_loss
from attribution_dagster.core.models.prediction import PairEffect, pair_effects, predict
from attribution_dagster.core.models.spec import ModelSpec, TrainingSpec
from attribution_dagster.core.models.training import TrainedModel, train
from attribution_dagster.core.sequences.sequence_set import SequenceSet
from attribution_dagster.core.simulation.truth_set import TruthSet, simulate_truth
from attribution_dagster.core.simulation.truth_worlds import WORLDS

VALIDATION_SHARE = 0.2  # the latest sessions, as in production
Progress = Callable[[str, float], None]
Clock = Callable[[], float]

SPEC = ModelSpec(
    categories=("event_type", "store_id"),
    numbers=("event_rank", "time_delta"),
    d_model=64,
    n_heads=4,
    n_layers=2,
    d_feedforward=256,
    d_category=16,
)


@dataclass(frozen=True, kw_only=True)
class Size:
    """How many sessions a model is trained on (validation included), and how many are explained."""

    sessions: int = 14_000
    explained: int = 1_500


@dataclass(frozen=True, kw_only=True)
class WorldResult:
    """What one world and seed gave. gain_share: of the oracle's log-loss gain over the base rate, on as many new
    sessions as were trained on; the oracle knows the hazard, hidden intent included. best_epoch: 0 where validation
    kept the additive start.
    """

    world: str
    seed: int
    sessions: int
    auc: float
    auc_counts: float
    auc_oracle: float
    gain_share: float
    gain_share_counts: float
    best_epoch: float
    pairs: Sequence[PairEffect]
    methods: Mapping[str, Recovery]
    baselines: Mapping[str, Recovery]


def run_world(
    name: str,
    *,
    seed: int,
    size: Size,
    clock: Clock,
    spec: ModelSpec = SPEC,
    training: TrainingSpec | None = None,
    progress: Progress | None = None,
) -> WorldResult:
    """Return how well every method and baseline recovers the truth of world `name`.

    `clock` gives seconds; it times the methods. Raises ValueError for an unknown world.
    """
    if name not in WORLDS:
        raise ValueError(f"world={name!r} is not one of {', '.join(WORLDS)}")
    say = progress or (lambda message, share: None)
    say("simulating", 0.0)
    earlier = simulate_truth(WORLDS[name], sessions=size.sessions, seed=seed)
    later = simulate_truth(WORLDS[name], sessions=size.sessions, seed=seed, later=True)
    trained = fit(
        earlier.sequences, spec, training, seed, lambda message, share: say(f"training: {message}", share / 2)
    )
    explained = later.select(spread_rows(later, size.explained))
    methods = {}
    warm_up(trained.model, explained.sequences)
    for number, method in enumerate(ATTRIBUTORS):
        say(f"explaining with {method}", 0.5 + number / len(ATTRIBUTORS) / 2)
        methods[method] = judge_method(trained, explained, method, clock)
    return WorldResult(
        world=name,
        seed=seed,
        sessions=earlier.sequences.n_sessions,
        best_epoch=trained.best_epoch,
        pairs=pair_effects(trained.model, trained.model.encode(earlier.sequences), earlier.sequences.user_id),
        methods=methods,
        baselines=judge_baselines(earlier.sequences, explained, clock),
        **_prediction(trained, earlier.sequences, later),
    )


def fit(
    sequences: SequenceSet, spec: ModelSpec, training: TrainingSpec | None, seed: int, progress: Progress | None = None
) -> TrainedModel:
    """Return the model trained on the earlier sessions, stopped on the latest fifth of them."""
    order = np.argsort(sequences.started_at_us, kind="stable")
    cut = round(len(order) * (1 - VALIDATION_SHARE))
    parts = (sequences.select(np.sort(order[:cut])), sequences.select(np.sort(order[cut:])))
    return train(*parts, spec, training, seed=seed, progress=progress)


def spread_rows(truth: TruthSet, wanted: int) -> npt.NDArray[np.int64]:
    """Return the sessions of as many users, from the first on, as hold about `wanted` sessions: users stay whole."""
    _, user = np.unique(np.asarray(truth.sequences.user_id.to_pylist(), dtype=object), return_inverse=True)
    per_user = np.bincount(user)
    n_users = int(np.searchsorted(np.cumsum(per_user), wanted)) + 1
    return np.flatnonzero(user < n_users)


def planted_of(explained: TruthSet) -> Planted:
    """Return the truth of the occurrences that are explained."""
    sequences = explained.sequences
    _, user = np.unique(np.asarray(sequences.user_id.to_pylist(), dtype=object), return_inverse=True)
    return Planted(
        types=np.asarray(sequences.codes["event_type"], dtype=np.int64),
        user=np.repeat(user, sequences.lengths),
        effect=explained.planted,
    )


def judge_method(trained: TrainedModel, explained: TruthSet, method: str, clock: Clock) -> Recovery:
    """Return how well one method recovers the truth through this model; events beyond the model's reach score 0."""
    began = clock()
    batches = list(attribute_sessions(trained.model, explained.sequences, method))
    seconds = clock() - began
    scores = np.concatenate([batch.column("centred_attribution").to_numpy(zero_copy_only=False) for batch in batches])
    scores, planted = np.nan_to_num(scores.astype(np.float64)), planted_of(explained)
    cost = 1000 * seconds / max(explained.sequences.n_sessions, 1)
    return recovery(
        planted,
        planted.mean(scores),
        scores,
        in_logits=method not in WITHOUT_UNIT,
        has_intervals=True,
        seconds_per_1000=cost,
    )


def judge_baselines(train_set: SequenceSet, explained: TruthSet, clock: Clock) -> dict[str, Recovery]:
    """Return how well each baseline recovers the truth; its cost holds the fit."""
    planted, found = planted_of(explained), {}
    for name, baseline in BASELINES.items():
        began = clock()
        scores = baseline(train_set, explained.sequences)
        cost = 1000 * (clock() - began) / max(explained.sequences.n_sessions, 1)
        found[name] = recovery(
            planted,
            scores.by_type,
            scores.by_occurrence,
            in_logits=name in IN_LOGITS,
            has_intervals=False,
            seconds_per_1000=cost,
        )
    return found


def _prediction(trained: TrainedModel, train_set: SequenceSet, later: TruthSet) -> dict[str, float]:
    label = np.asarray(later.sequences.label)
    model = predict(trained.model, later.sequences)
    counts = fit_baselines(train_set)["counts"].predict(later.sequences)
    platt = fit_platt(later.oracle, label)
    base = log_loss(np.full(len(label), np.log(label.mean() / (1 - label.mean()))), label)
    attainable = base - log_loss(platt.slope * later.oracle + platt.intercept, label)
    return {
        "auc": auc(model, label),
        "auc_counts": auc(counts, label),
        "auc_oracle": auc(later.oracle, label),
        "gain_share": (base - log_loss(model, label)) / attainable,
        "gain_share_counts": (base - log_loss(counts, label)) / attainable,
    }
