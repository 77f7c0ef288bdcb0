"""What assets tell MLflow: the story of a training, and what a model later said of the windows it explains."""

import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from attribution_dagster.assets.showing import leakage_warning
from attribution_dagster.assets.step import Step, digest
from attribution_dagster.resources.liveness import DAGSTER_RUN
from attribution_dagster.resources.model_registry import MODEL_FOLDER
from attribution_dagster.resources.tracker import Training, TrainingRun
from attribution_dagster.resources.workspace import WHOLE

if TYPE_CHECKING:
    import pyarrow as pa

    from attribution_dagster.core.models.training import TrainedModel
    from attribution_dagster.core.models.transformer import AttributionModel
    from attribution_dagster.core.sequences.sequence_set import SequenceSet


def run_tags(step: Step, trained_for: str) -> dict[str, str]:
    """What every training's run is found by: the run of Dagster's that it belongs to, and what it learnt from."""
    profile = step.workspace.profile
    return {
        DAGSTER_RUN: step.run_id,
        "dagster.asset": f"{profile.name}/{step.asset}",
        "dagster.partition": trained_for,
        "dagster.attempt": str(step.attempt),
        "data": "simulated" if profile.simulated else "real",
    }


def training_of(
    step: Step,
    variant: str,
    trained_for: str,
    training_keys: list[str],
    parts: "tuple[SequenceSet, SequenceSet]",
    parameters: Mapping[str, Any],
) -> Training:
    """What is told before the training: its data with a digest, the bounds of both parts, parameters, who runs it."""
    workspace, profile = step.workspace, step.workspace.profile
    source = workspace.artifacts.record("source", WHOLE)
    tensors = [step.inputs[f"{variant}/sequence_tensors@{key}"] for key in training_keys]
    bounds = {
        "training_windows": f"{training_keys[0]} to {training_keys[-1]}",
        "source_digest": source.report["digest"] if source else "",
    }
    for name, part in zip(("training", "validation"), parts, strict=True):
        first, last = int(part.started_at_us.min()), int(part.started_at_us.max())
        bounds |= {f"{name}_first_session_at": _utc(first), f"{name}_last_session_at": _utc(last)}
    return Training(
        dataset=profile.name,
        variant=variant,
        window_key=trained_for,
        parameters={**parameters, **bounds},
        tags={**run_tags(step, trained_for), "variant": variant, **leakage_warning(profile, variant)},
        digest=digest(tensors),
        source=str(source.report["first_file"]["path"]) if source else profile.name,
    )


def log_result(
    step: Step,
    run: TrainingRun,
    variant: str,
    trained_for: str,
    trained: "TrainedModel",
    folder: Path,
    story: Mapping[str, Any],
) -> Mapping[str, Any]:
    """Logs what came of the training, registers the model as challenger, and returns where both can be found."""
    from attribution_dagster.reports.training_plots import learning_curve

    points = trained.curves
    curves = {
        name: [getattr(p, name) for p in points]
        for name in ("epoch", "training_loss", "validation_loss", "learning_rate")
    }
    run.log_curves(curves)
    run.log_metrics({name: float(value) for name, value in story.items() if isinstance(value, int | float)})
    picture = learning_curve(
        curves["epoch"], curves["training_loss"], curves["validation_loss"], best_epoch=trained.best_epoch
    )
    run.log_picture("learning_curve.png", picture)
    run.log_files(folder, MODEL_FOLDER)
    model_id = run.log_model(trained.model, _example(trained.model))
    version = step.workspace.registry.register(variant, model_id, run.run_id, trained_for)
    return {"mlflow": run.location, "mlflow_run_id": run.run_id, "model": version.name, "model_number": version.version}


def log_window(
    step: Step,
    variant: str,
    run_id: str,
    *,
    tables: "Mapping[str, pa.Table] | None" = None,
    pictures: Mapping[str, bytes] | None = None,
    metrics: Mapping[str, float | None] | None = None,
) -> str:
    """Adds results of the step's window to the run of the model that explained it; says whether that run was there.

    Tables become CSV files in which a spreadsheet runs nothing, and which say so if they show leakage.
    """
    from attribution_dagster.reports.exports import warning_of, write_csv

    profile = step.workspace.profile
    leaking = [name for name, each in profile.variants.items() if each.leaks]
    with tempfile.TemporaryDirectory() as scratch:
        for name, table in (tables or {}).items():
            said = warning_of(f"{name}_{variant}", leaking=leaking, simulated=profile.simulated)
            write_csv(Path(scratch) / f"{name}.csv", table, said)
        for name, content in (pictures or {}).items():
            (Path(scratch) / name).write_bytes(content)
        known = {name: value for name, value in (metrics or {}).items() if value is not None}
        found = step.workspace.tracker.log_window(run_id, step.window_key, known, Path(scratch))
    return f"logged to run {run_id}" if found else f"run {run_id} is not in this MLflow store: nothing logged"


def explaining_model(step: Step, variant: str) -> Mapping[str, Any]:
    """The model that explained the step's window, as `event_attribution` recorded it: `model` and `mlflow_run_id`."""
    record = step.workspace.artifacts.record(f"{variant}/event_attribution", step.window_key)
    assert record is not None  # what asks reads the attribution
    return {name: record.report[name] for name in ("model", "mlflow_run_id")}


def dagster_run_is_over(instance: dg.DagsterInstance, run_id: str) -> bool | None:
    """Whether the Dagster run has ended; None if this instance doesn't know it."""
    run = instance.get_run_by_id(run_id)
    return None if run is None else run.is_finished


def _example(model: "AttributionModel") -> dict[str, Any]:
    """A made-up batch of two sessions of five events, from which the model is exported; it holds nobody's events."""
    import torch

    n_categories, n_numbers = len(model.spec.categories), len(model.spec.numbers)
    return {
        "codes": torch.ones(2, 5, n_categories, dtype=torch.long),
        "numbers": torch.zeros(2, 5, n_numbers),
        "is_event": torch.ones(2, 5, dtype=torch.bool),
    }


def _utc(microseconds: int) -> str:
    return datetime.fromtimestamp(microseconds / 1e6, UTC).isoformat(timespec="seconds")
