"""A model per variant: trained on the windows before, measured against its baselines on the window it explains."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from attribution_dagster.assets.measuring import Measured, measure, measured_tables
from attribution_dagster.assets.sequences import open_sequences
from attribution_dagster.assets.step import Report, Step, code_version, digest, make
from attribution_dagster.assets.tracking import dagster_run_is_over, log_result, log_window, training_of
from attribution_dagster.assets.training_together import trainer
from attribution_dagster.datasets.profile import Profile
from attribution_dagster.errors import ConfigurationError, DataError, MissingInputError
from attribution_dagster.graph import TRAINING_POOL, DatasetAssets
from attribution_dagster.partitions import training_windows
from attribution_dagster.reports.markdown import markdown_table
from attribution_dagster.resources.workspace import Workspace

if TYPE_CHECKING:
    from attribution_dagster.core.models.spec import ModelSpec, TrainingSpec
    from attribution_dagster.core.models.training import TrainedModel
    from attribution_dagster.core.models.transformer import AttributionModel
    from attribution_dagster.core.sequences.sequence_set import SequenceSet

VALIDATION_SHARE = 0.2
"""Share of the training sessions, the latest, on which training is stopped and probabilities are calibrated."""
METRICS = ("model", "population", "n_sessions", "auc", "auc_low", "auc_high", "log_loss", "ece")
"""Columns of the table of metrics that people see at the asset."""
_CODE = code_version(
    "assets/training.py",
    "assets/measuring.py",
    "core/models",
    "core/sequences",
    "core/signals.py",
    "core/uncertainty.py",
)


def training_assets(assets: DatasetAssets, variant: str) -> list[dg.AssetsDefinition]:
    """The variant's asset `trained_model`."""
    workspace, profile = assets.workspace, assets.workspace.profile
    asset, tensors = f"{variant}/trained_model", f"{variant}/sequence_tensors"
    mapping = training_windows(profile)
    # Landmarks and the uncut sessions of the window explained are read from the tables that tensors are made from.
    beside = ["sessions", "risk_set"]
    deps = [dg.AssetDep(assets.key(tensors), partition_mapping=mapping), *beside]

    @dg.asset(
        **assets.options(
            asset,
            deps=deps,
            kinds={"pytorch", "mlflow"},
            group=f"step3_{variant}",
            code=_CODE,
            leaks=profile.variants[variant].leaks,
            pool=TRAINING_POOL,
        )
    )
    def trained_model(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """The transformer that explains the window, trained on windows before it, and how well it predicts the window beside simple baselines."""
        return make(
            context,
            workspace,
            asset,
            reads=lambda key: [
                *((tensors, k) for k in (*training_keys(workspace, key), key)),
                *((name, key) for name in beside),
            ],
            settings=lambda _: [profile.training, profile.model.model_dump(), profile.windows.retrain_every],
            code=_CODE,
            exists=lambda step: step.table(*measured_tables(variant)) and _exists(workspace, variant, step.window_key),
            build=lambda step: _build(step, variant, context.instance),
        )

    return [trained_model]


def specifications(profile: Profile) -> "tuple[ModelSpec, TrainingSpec]":
    """What the profile says of the model and its training. ConfigurationError names a wrong key or value."""
    from attribution_dagster.core.models.spec import ModelSpec, TrainingSpec

    model_names = {f.name for f in fields(ModelSpec)} - {"categories", "numbers", "max_events"}
    training_names = {f.name for f in fields(TrainingSpec)}
    unknown = set(profile.training) - model_names - training_names
    if unknown:
        raise ConfigurationError(
            f"dataset {profile.name}: training.{min(unknown)} is no setting; known are "
            f"{', '.join(sorted(model_names | training_names))}"
        )
    given: Mapping[str, Any] = profile.training
    columns = profile.model
    try:
        model = ModelSpec(
            categories=columns.categories,
            numbers=columns.numbers,
            max_events=columns.max_events,
            **{k: v for k, v in given.items() if k in model_names},
        )
        return model, TrainingSpec(**{k: v for k, v in given.items() if k in training_names})
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"dataset {profile.name}: training: {error}") from error


def open_model(workspace: Workspace, variant: str, window_key: str) -> "AttributionModel":
    """The model that explains the window. MissingInputError if it has not been trained."""
    from attribution_dagster.core.models.storage import load_model

    return load_model(model_folder(workspace, variant, window_key))


def model_folder(workspace: Workspace, variant: str, window_key: str) -> Path:
    """Where the model that explains the window lies. MissingInputError if it has not been trained."""
    record = workspace.artifacts.record(f"{variant}/trained_model", window_key)
    folder = None
    if record is not None:
        folder = workspace.artifacts.folder(
            f"{variant}/trained_model", record.report["trained_for_window"], record.report["model_version"]
        )
    if folder is None:
        raise MissingInputError(f"{variant}/trained_model of window {window_key} is missing: materialise it first")
    return folder


def training_keys(workspace: Workspace, key: str) -> list[str]:
    """The windows whose sessions train the model that explains the window."""
    return workspace.look_back(workspace.retrain_key(key))


def _exists(workspace: Workspace, variant: str, key: str) -> bool:
    try:
        open_model(workspace, variant, key)
    except MissingInputError:
        return False
    return True


def _build(step: Step, variant: str, instance: dg.DagsterInstance) -> Report:
    import torch

    from attribution_dagster.core.sequences.sequence_set import SequenceSet
    from attribution_dagster.reports.training_plots import reliability

    workspace, keys = step.workspace, training_keys(step.workspace, step.window_key)
    torch.set_num_threads(workspace.settings.threads)
    sets = [open_sequences(workspace, variant, k) for k in keys]
    train_set, validation_set, prevalence = split_sessions(sets, workspace.profile.name, variant, keys)
    trained_for = workspace.retrain_key(step.window_key)
    version = digest(_CODE, [step.inputs[f"{variant}/sequence_tensors@{k}"] for k in keys], workspace.profile.training)
    folder = workspace.artifacts.folder(step.asset, trained_for, version)
    if folder is None:
        workspace.tracker.close_abandoned(workspace.profile.name, lambda run_id: dagster_run_is_over(instance, run_id))
        workspace.artifacts.create(
            step.asset,
            trained_for,
            version,
            lambda path: _train(step, variant, keys, path, (train_set, validation_set), prevalence),
        )
        folder = workspace.artifacts.folder(step.asset, trained_for, version)
    assert folder is not None
    story = json.loads((folder / "training.json").read_text())
    found = measure(step, variant, folder, SequenceSet.concatenate([train_set, validation_set]))
    return {
        "trained_for_window": trained_for,
        "model_version": version,
        **story,
        **workspace.tracker.link(story["mlflow"]),
        "rows": found.metrics.num_rows,
        "metrics": {"markdown": markdown_table(found.metrics, METRICS, rows=found.metrics.num_rows)},
        "neighbours": {"markdown": markdown_table(found.pairs)}
        if found.pairs.num_rows
        else "none passed the score test",
        "metric_rows": found.metrics.to_pylist(),
        "counts_weights": found.counts_weights,
        "calibration": dict(
            zip(("predicted", "observed"), reliability(found.probabilities, found.labels), strict=True)
        ),
        "window_in_mlflow": _log_measured(step, variant, story["mlflow_run_id"], found),
    }


def _log_measured(step: Step, variant: str, run_id: str, found: Measured) -> str:
    """Adds the metrics, the neighbours and a calibration plot of the window to the model's run."""
    from attribution_dagster.reports.training_plots import calibration_plot

    tables = {"model_metrics": found.metrics} | ({"pairs": found.pairs} if found.pairs.num_rows else {})
    plot = calibration_plot(found.probabilities, found.labels, f"Calibration, {step.window_key}")
    pictures = {"calibration.png": plot}
    return log_window(step, variant, run_id, tables=tables, pictures=pictures, metrics=found.numbers())


def split_sessions(
    sets: "list[SequenceSet]", dataset: str, variant: str, keys: list[str]
) -> "tuple[SequenceSet, SequenceSet, float]":
    """Risk-set sessions for training, the latest of them for validation, and the share of all sessions that convert."""
    import numpy as np

    from attribution_dagster.core.sequences.sequence_set import SequenceSet

    labels = np.concatenate([s.label for s in sets])
    risk_set = SequenceSet.concatenate([s.select(np.flatnonzero(s.in_risk_set)) for s in sets])
    order = np.argsort(risk_set.started_at_us, kind="stable")
    cut = round(len(order) * (1 - VALIDATION_SHARE))
    train_set, validation_set = risk_set.select(np.sort(order[:cut])), risk_set.select(np.sort(order[cut:]))
    for name, part in (("training", train_set), ("validation", validation_set)):
        converted = int(part.label.sum())
        if converted in (0, part.n_sessions):
            raise DataError(
                f"dataset {dataset}, variant {variant}: the {name} part of windows {keys[0]} to {keys[-1]} has {converted} converted of "
                f"{part.n_sessions} sessions; both kinds are needed. Use more or longer windows, or check the conversion event's name."
            )
    return train_set, validation_set, float(labels.mean())


def _train(
    step: Step,
    variant: str,
    training_keys: list[str],
    folder: Path,
    parts: "tuple[SequenceSet, SequenceSet]",
    prevalence: float,
) -> None:
    """Fills the folder with weights, vocabularies, calibration and the story of the training, which MLflow gets too."""
    from attribution_dagster.core.models.storage import save_model

    workspace, profile = step.workspace, step.workspace.profile
    train_set, validation_set = parts
    trained_for = workspace.retrain_key(step.window_key)
    spec, training = specifications(profile)
    # The model is the same whichever of the windows it explains is made first.
    seed = zlib.crc32(f"{profile.name}/{variant}/{trained_for}".encode())
    parameters = {**asdict(spec), **asdict(training), "seed": seed}

    def progress(message: str, share: float) -> None:
        run.beat()
        workspace.progress.advance(message, share)

    with workspace.tracker.training(training_of(step, variant, trained_for, training_keys, parts, parameters)) as run:
        trained = trainer(workspace, folder)(
            train_set,
            validation_set,
            spec,
            training,
            seed=seed,
            progress=progress,
            population_prevalence=prevalence,
        )
        save_model(trained.model, folder)
        story = _story(trained, train_set, validation_set, prevalence)
        story |= log_result(step, run, variant, trained_for, trained, folder, story)
    (folder / "training.json").write_text(json.dumps(story))


def _story(
    trained: "TrainedModel", train_set: "SequenceSet", validation_set: "SequenceSet", prevalence: float
) -> dict[str, Any]:
    """What the asset's page and MLflow say of the training."""
    import torch

    return {
        "training_sessions": train_set.n_sessions,
        "training_events": train_set.n_events,
        "validation_sessions": validation_set.n_sessions,
        "population_conversion_rate": prevalence,
        "epochs": len({int(point.epoch - 1e-9) for point in trained.curves}),
        "best_epoch": trained.best_epoch,
        "validation_loss": min(point.validation_loss for point in trained.curves),
        "parameters": sum(p.numel() for p in trained.model.parameters()),
        "non_finite_weights": sum(int((~torch.isfinite(p)).sum()) for p in trained.model.parameters()),
        "share_unknown": trained.model.vocabulary.unknown_shares(validation_set),
    }
