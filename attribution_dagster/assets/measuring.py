"""A trained model on the window it explains: how well it predicts beside its baselines, and the neighbours it weighs."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attribution_dagster.assets.sequences import open_sequences, sequences_cut
from attribution_dagster.assets.step import Step
from attribution_dagster.core.signals import MINIMUM_SUPPORT_USERS

if TYPE_CHECKING:
    import pyarrow as pa

    from attribution_dagster.core.models.baselines import Baseline
    from attribution_dagster.core.models.evaluation import MetricRow
    from attribution_dagster.core.models.transformer import AttributionModel
    from attribution_dagster.core.sequences.sequence_set import SequenceSet
    from attribution_dagster.resources.workspace import Workspace

_TITLES = {"counts": "logistic_regression"}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The tables without the window's column; the model's calibrated probability and the label of each session; and how much
    logistic regression on counts gives for an occurrence of each event type, in logits."""

    metrics: "pa.Table"
    pairs: "pa.Table"
    probabilities: Any
    labels: Any
    counts_weights: dict[str, float]

    def numbers(self) -> dict[str, float]:
        """The model's own metrics, named for a tracker: `window_auc`; of other populations `window_unseen_auc`, `window_after_5_auc`."""
        return {
            f"window_{'' if row['population'] == 'all' else row['population'] + '_'}{name}": float(value)
            for row in self.metrics.to_pylist()
            if row["model"] == "transformer"
            for name, value in row.items()
            if isinstance(value, int | float)
        }


def measured_tables(variant: str) -> tuple[str, str]:
    """Names of the tables that `measure` writes."""
    return f"model_metrics_{variant}", f"transformer_pair_attribution_{variant}"


def measure(step: Step, variant: str, folder: Path, learnt_from: "SequenceSet") -> Measured:
    """Writes metrics and pairs on the window's own risk set, and returns them.

    Baselines need no validation: they learn from all sessions that the model was trained or validated on. Besides on the
    risk set, all are measured on uncut sessions, and on what was seen by landmarks in sessions still open.
    """
    import numpy as np
    import pyarrow as pa

    from attribution_dagster.core.models.baselines import fit_baselines
    from attribution_dagster.core.models.evaluation import evaluate_all
    from attribution_dagster.core.models.prediction import pair_effects, predict
    from attribution_dagster.core.models.storage import load_model
    from attribution_dagster.core.uncertainty import with_test

    sequences = open_sequences(step.workspace, variant, step.window_key)
    test_set = sequences.select(np.flatnonzero(sequences.in_risk_set))
    model = load_model(folder)
    baselines = {_TITLES.get(name, name): baseline for name, baseline in fit_baselines(learnt_from).items()}
    scores = {"transformer": predict(model, test_set)}
    scores |= {name: baseline.predict(test_set) for name, baseline in baselines.items()}
    users = [np.asarray(s.user_id.to_pylist(), dtype=object) for s in (test_set, learnt_from)]
    calibrated = {"transformer": model.calibration.sample_probability(scores["transformer"])}
    rows = evaluate_all(scores, test_set.label, users[0], users[1], calibrated)
    rows += _elsewhere(step.workspace, variant, step.window_key, model, baselines)
    pairs = [
        {"first_event_type": p.first, "second_event_type": p.second}
        | {name: value for name, value in asdict(p).items() if name not in ("first", "second")}
        | {"has_minimum_support": p.users >= MINIMUM_SUPPORT_USERS}
        for p in pair_effects(model, model.encode(test_set), test_set.user_id)
    ]
    tested = pa.Table.from_pylist(pairs)
    if pairs:
        tested = with_test(tested, "mean_effect", "standard_error", ("effect_low", "effect_high"))
    made = pa.Table.from_pylist([row.to_json() for row in rows]), tested
    for name, table in zip(measured_tables(variant), made, strict=True):
        start = pa.array([step.workspace.window(step.window_key).start] * table.num_rows, type=pa.timestamp("us"))
        stamped = table.add_column(0, "window_start", start).to_batches() if table.num_rows else []
        step.workspace.warehouse.load(name, step.window_key, step.version, stamped)
    return Measured(
        metrics=made[0],
        pairs=made[1],
        probabilities=calibrated["transformer"],
        labels=test_set.label,
        counts_weights=baselines["logistic_regression"].named_weights(),
    )


def _elsewhere(
    workspace: "Workspace",
    variant: str,
    window_key: str,
    model: "AttributionModel",
    baselines: "Mapping[str, Baseline]",
) -> "list[MetricRow]":
    """Metrics on the window's sessions without the risk set's cut, and after landmarks."""
    from attribution_dagster.core.models.evaluation import LANDMARKS, UNCUT, landmark_population

    uncut = sequences_cut(workspace, variant, window_key, "none")
    rows = _population(UNCUT, uncut, model, {**baselines, "length": _best_length(uncut, baselines["length"])})
    for events in LANDMARKS:
        seen = sequences_cut(workspace, variant, window_key, "landmark", events)
        rows += _population(landmark_population(events), seen, model, baselines)
    return rows


def _population(
    name: str, sequences: "SequenceSet", model: "AttributionModel", baselines: "Mapping[str, Baseline]"
) -> "list[MetricRow]":
    """Metrics on a population of all sampled sessions, whose share of converted is not that of the risk set: odds are moved to it."""
    import numpy as np
    from scipy.special import expit

    from attribution_dagster.core.models.evaluation import UNCUT, population_rows
    from attribution_dagster.core.models.prediction import predict

    scores = {"transformer": predict(model, sequences)}
    scores |= {baseline: fitted.predict(sequences) for baseline, fitted in baselines.items()}
    probabilities = {baseline: expit(logits + model.calibration.shift) for baseline, logits in scores.items()}
    probabilities["transformer"] = model.calibration.probability(scores["transformer"])
    if name == UNCUT:
        probabilities["length"] = expit(scores["length"])  # fitted on these sessions
    users = np.asarray(sequences.user_id.to_pylist(), dtype=object)
    return population_rows(name, scores, sequences.label, users, probabilities)


def _best_length(sequences: "SequenceSet", otherwise: "Baseline") -> "Baseline":
    """Length alone where it may tell the outcome: fitted on these very sessions, since in the risk set it says nothing."""
    from attribution_dagster.core.models.baselines import fit_length

    return fit_length(sequences) if 0 < int(sequences.label.sum()) < sequences.n_sessions else otherwise
