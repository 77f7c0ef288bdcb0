"""A trained model on the window it explains: how well it predicts beside its baselines, and the neighbours it weighs."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attribution_dagster.assets.sequences import open_sequences
from attribution_dagster.assets.step import Step

if TYPE_CHECKING:
    import pyarrow as pa

    from attribution_dagster.core.sequences.sequence_set import SequenceSet


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
        """The model's own metrics, named for a tracker: `window_auc`, `window_unseen_auc` for users it has not learnt from."""
        named = {"all": "window_", "unseen": "window_unseen_"}
        return {
            f"{named[row['population']]}{name}": float(value)
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

    Baselines need no validation: they learn from all sessions that the model was trained or validated on.
    """
    import numpy as np
    import pyarrow as pa

    from attribution_dagster.core.models.baselines import fit_baselines
    from attribution_dagster.core.models.evaluation import evaluate_all
    from attribution_dagster.core.models.prediction import pair_effects, predict
    from attribution_dagster.core.models.storage import load_model

    sequences = open_sequences(step.workspace, variant, step.window_key)
    test_set = sequences.select(np.flatnonzero(sequences.in_risk_set))
    model = load_model(folder)
    scores = {"transformer": predict(model, test_set)}
    baselines = fit_baselines(learnt_from)
    for name, baseline in baselines.items():
        scores["logistic_regression" if name == "counts" else name] = baseline.predict(test_set)
    users = [np.asarray(s.user_id.to_pylist(), dtype=object) for s in (test_set, learnt_from)]
    calibrated = {"transformer": model.calibration.sample_probability(scores["transformer"])}
    rows = evaluate_all(scores, test_set.label, users[0], users[1], calibrated)
    pairs = [
        {"first_event_type": p.first, "second_event_type": p.second}
        | {name: getattr(p, name) for name in ("same_store", "mean_effect", "occurrences", "sessions")}
        for p in pair_effects(model, model.encode(test_set))
    ]
    made = pa.Table.from_pylist([row.to_json() for row in rows]), pa.Table.from_pylist(pairs)
    for name, table in zip(measured_tables(variant), made, strict=True):
        start = pa.array([step.workspace.window(step.window_key).start] * table.num_rows, type=pa.timestamp("us"))
        stamped = table.add_column(0, "window_start", start).to_batches() if table.num_rows else []
        step.workspace.warehouse.load(name, step.window_key, step.version, stamped)
    return Measured(
        metrics=made[0],
        pairs=made[1],
        probabilities=calibrated["transformer"],
        labels=test_set.label,
        counts_weights=baselines["counts"].named_weights(),
    )
