"""The journey model of a window, trained on the windows before; beside it one without intent, and members for the intervals."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import pyarrow as pa

from attribution_dagster.assets.journeys import journeys_spec, open_journeys
from attribution_dagster.assets.showing import top_rows
from attribution_dagster.assets.step import Report, Step, code_version, digest, make
from attribution_dagster.assets.tracking import dagster_run_is_over, run_tags
from attribution_dagster.assets.training import training_keys
from attribution_dagster.datasets.profile import Profile
from attribution_dagster.errors import ConfigurationError, DataError, MissingInputError
from attribution_dagster.graph import TRAINING_POOL, DatasetAssets
from attribution_dagster.partitions import training_windows
from attribution_dagster.reports.markdown import markdown_table
from attribution_dagster.resources.tracker import Training, TrainingRun
from attribution_dagster.resources.workspace import WHOLE, Workspace

if TYPE_CHECKING:
    from attribution_dagster.core.journeys.journeys import Journeys
    from attribution_dagster.core.journeys.lstm import JourneyModel, JourneySpec
    from attribution_dagster.core.journeys.training import JourneyTraining, TrainedJourneys

ASSET = "journey_model"
TABLES = ("journey_metrics", "campaign_credit", "journey_embeddings")
MAIN, WITHOUT_INTENT, MEMBER = "adjusted", "without_intent", "member_"
_CODE = code_version("assets/journey_model.py", "core/journeys", "core/models", "core/sequences")


def journey_model_assets(assets: DatasetAssets) -> list[dg.AssetsDefinition]:
    """The asset `journey_model`."""
    workspace, profile = assets.workspace, assets.workspace.profile
    deps = [dg.AssetDep(assets.key("ad_journeys"), partition_mapping=training_windows(profile))]
    options = assets.options(
        ASSET, deps=deps, kinds={"pytorch", "mlflow"}, group="step3_journeys", code=_CODE, pool=TRAINING_POOL
    )

    @dg.asset(**options)
    def journey_model(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """The LSTM that reads journeys, trained on the windows before, with and without what is known of intent; measured beside simple baselines."""
        return make(
            context,
            workspace,
            ASSET,
            reads=lambda key: [("ad_journeys", k) for k in (*training_keys(workspace, key), key)],
            settings=lambda _: [journeys_spec(profile).model_dump(), profile.windows.retrain_every],
            code=_CODE,
            exists=lambda step: step.table(*TABLES) and _exists(workspace, step.window_key),
            build=lambda step: _build(step, context.instance),
        )

    return [journey_model]


def journey_specifications(profile: Profile) -> "tuple[JourneySpec, JourneyTraining]":
    """What the profile says of the model and its training. ConfigurationError names a wrong key or value."""
    from attribution_dagster.core.journeys.lstm import JourneySpec
    from attribution_dagster.core.journeys.training import JourneyTraining

    given: Mapping[str, Any] = journeys_spec(profile).training
    of_model = {f.name for f in fields(JourneySpec)} - {"uses_intent"}
    of_training = {f.name for f in fields(JourneyTraining)}
    unknown = set(given) - of_model - of_training
    if unknown:
        raise ConfigurationError(
            f"dataset {profile.name}: journeys.training.{min(unknown)} is no setting; known are {', '.join(sorted(of_model | of_training))}"
        )
    try:
        model = JourneySpec(**{k: v for k, v in given.items() if k in of_model})
        return model, JourneyTraining(**{k: v for k, v in given.items() if k in of_training})
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"dataset {profile.name}: journeys.training: {error}") from error


def open_journey_models(workspace: Workspace, key: str) -> "dict[str, JourneyModel]":
    """The window's models by name: `adjusted`, `without_intent`, and the members. MissingInputError if they are not there."""
    from attribution_dagster.core.journeys.storage import load_journey_model

    folder = _folder(workspace, key)
    if folder is None:
        raise MissingInputError(f"{ASSET} of window {key} is missing: materialise it first")
    return {path.name: load_journey_model(path) for path in sorted(folder.iterdir()) if path.is_dir()}


def _folder(workspace: Workspace, key: str) -> Path | None:
    record = workspace.artifacts.record(ASSET, key)
    if record is None:
        return None
    return workspace.artifacts.folder(ASSET, record.report["trained_for_window"], record.report["model_version"])


def _exists(workspace: Workspace, key: str) -> bool:
    return _folder(workspace, key) is not None


def _build(step: Step, instance: dg.DagsterInstance) -> Report:
    import torch

    workspace, keys = step.workspace, training_keys(step.workspace, step.window_key)
    torch.set_num_threads(workspace.settings.threads)
    trained_for = workspace.retrain_key(step.window_key)
    inputs = [step.inputs[f"ad_journeys@{k}"] for k in keys]
    version = digest(_CODE, inputs, journeys_spec(workspace.profile).model_dump())
    if workspace.artifacts.folder(ASSET, trained_for, version) is None:
        workspace.tracker.close_abandoned(workspace.profile.name, lambda run_id: dagster_run_is_over(instance, run_id))
        workspace.artifacts.create(ASSET, trained_for, version, lambda folder: _train(step, trained_for, keys, folder))
    folder = workspace.artifacts.folder(ASSET, trained_for, version)
    assert folder is not None
    story = json.loads((folder / "training.json").read_text())
    metrics = _measure(step, folder)
    shown = top_rows(step, "journey_metrics", ("model", "n_journeys", "n_bought", "auc", "log_loss", "ece"), "model")
    return {
        "trained_for_window": trained_for,
        "model_version": version,
        **story,
        **workspace.tracker.link(story["mlflow"]),
        **shown,
        "rows": metrics.num_rows,
        "metrics": {"markdown": markdown_table(metrics, rows=metrics.num_rows)},
    }


def training_journeys(step: Step, keys: list[str]) -> "tuple[Journeys, Journeys]":
    """Journeys of the training windows, the latest days for validation. DataError where either part is all alike."""
    from attribution_dagster.core.journeys.journeys import Journeys
    from attribution_dagster.core.journeys.training import split_by_time

    found = [open_journeys(step.workspace, k) for k in keys]
    parts = split_by_time(Journeys.concatenate([each for each in found if each.sequences.n_sessions]))
    for name, part in zip(("training", "validation"), parts, strict=True):
        bought = int(part.label.sum())
        if bought in (0, len(part.label)):
            raise DataError(
                f"dataset {step.workspace.profile.name}: of {len(part.label)} {name} journeys of windows {keys[0]} to {keys[-1]}, {bought} ended in a "
                "purchase; both kinds are needed. Use more or longer windows, or check the conversion event's name."
            )
    return parts


def _train(step: Step, trained_for: str, keys: list[str], folder: Path) -> None:
    """Fills the folder with a model in each subfolder and the story of the training, which MLflow gets too."""
    from attribution_dagster.core.journeys.journeys import Journeys
    from attribution_dagster.core.journeys.storage import save_journey_model
    from attribution_dagster.core.journeys.training import resample_users, split_by_time, train_journeys

    profile, progress = step.workspace.profile, step.workspace.progress
    train, validation = training_journeys(step, keys)
    spec, training = journey_specifications(profile)
    seed = zlib.crc32(f"{profile.name}/{ASSET}/{trained_for}".encode())
    everyone = Journeys.concatenate([train, validation])
    blind = type(spec)(**{**asdict(spec), "uses_intent": False})
    wanted = {MAIN: (spec, (train, validation)), WITHOUT_INTENT: (blind, (train, validation))}
    for member in range(journeys_spec(profile).members):
        wanted[f"{MEMBER}{member}"] = (spec, split_by_time(resample_users(everyone, seed + 1 + member)))
    parameters = {**asdict(spec), **asdict(training), "seed": seed, "members": journeys_spec(profile).members}
    with step.workspace.tracker.training(_training(step, trained_for, keys, parameters)) as run:
        for number, (name, (of, parts)) in enumerate(wanted.items()):

            def report(message: str, done: float, name: str = name, number: int = number) -> None:
                run.beat()
                progress.advance(f"{name}: {message}", (number + done) / len(wanted))

            trained = train_journeys(*parts, of, training, seed=seed, progress=report)
            save_journey_model(trained.model, folder / name)
            if name == MAIN:
                story = _log(run, trained, train, validation)
        run.log_files(folder)
    (folder / "training.json").write_text(json.dumps({**story, "mlflow": run.location, "mlflow_run_id": run.run_id}))


def _training(step: Step, trained_for: str, keys: list[str], parameters: Mapping[str, Any]) -> Training:
    profile, source = step.workspace.profile, step.workspace.artifacts.record("source", WHOLE)
    return Training(
        dataset=profile.name,
        variant=ASSET,
        window_key=trained_for,
        parameters={**parameters, "training_windows": f"{keys[0]} to {keys[-1]}"},
        tags=run_tags(step, trained_for),
        digest=digest([step.inputs[f"ad_journeys@{k}"] for k in keys]),
        source=str(source.report["first_file"]["path"]) if source else profile.name,
    )


def _log(run: TrainingRun, trained: "TrainedJourneys", train: "Journeys", validation: "Journeys") -> dict[str, Any]:
    """Logs the curves, and returns what the asset's page and MLflow say of the training."""
    import torch

    curves = {
        name: [getattr(point, name) for point in trained.curves]
        for name in ("epoch", "training_loss", "validation_loss", "learning_rate")
    }
    run.log_curves(curves)
    model = trained.model
    story = {
        "training_journeys": train.sequences.n_sessions,
        "training_events": train.sequences.n_events,
        "validation_journeys": validation.sequences.n_sessions,
        "epochs": len(trained.curves) - 1,
        "best_epoch": trained.best_epoch,
        "validation_loss": min(curves["validation_loss"]),
        "network_adds": not model.is_silent,
        "half_life_hours": float(model.response.half_life_hours),
        "parameters": sum(p.numel() for p in model.parameters()),
        "non_finite_weights": sum(int((~torch.isfinite(p)).sum()) for p in model.parameters()),
    }
    run.log_metrics({name: float(value) for name, value in story.items()})
    return story


def _measure(step: Step, folder: Path) -> pa.Table:
    """Writes the window's metrics, credit by rules and embeddings; the metrics."""
    from attribution_dagster.core.journeys.credit import credited_purchases
    from attribution_dagster.core.journeys.measuring import embeddings, measured
    from attribution_dagster.core.journeys.storage import load_journey_model

    workspace, key = step.workspace, step.window_key
    journeys = open_journeys(workspace, key)
    train, _ = training_journeys(step, training_keys(workspace, key))
    main = load_journey_model(folder / MAIN)
    models = {ASSET: main, "journey_model_without_intent": load_journey_model(folder / WITHOUT_INTENT)}
    credit = [
        {"rule": rule, "campaign_id": campaign, "purchases": purchases}
        for (rule, campaign), purchases in sorted(credited_purchases(journeys).items())
    ]
    rows = {"journey_metrics": measured(models, train, journeys), "campaign_credit": credit}
    rows["journey_embeddings"] = embeddings(main, journeys)
    return write_rows(step, rows)["journey_metrics"]


def write_rows(step: Step, tables: Mapping[str, list[dict[str, Any]]]) -> dict[str, pa.Table]:
    """Writes each table's slice of the step's window from rows; the tables as they were written."""
    from attribution_dagster.warehouse.ddl import table_definition

    start, found = step.workspace.window(step.window_key).start, {}
    for name, rows in tables.items():
        schema = table_definition(name).schema
        found[name] = pa.Table.from_pylist([{"window_start": start, **row} for row in rows], schema=schema)
        step.workspace.warehouse.load(name, step.window_key, step.version, found[name].to_batches())
    return found
