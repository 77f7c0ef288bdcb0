"""Models of conversion: trained on the windows before, chosen and calibrated on the latest of them, measured on the window."""

import json
import zlib
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import pyarrow as pa

from attribution_dagster.assets.conversion_features import FEATURE_SETS, feature_names
from attribution_dagster.assets.step import Report, Step, code_version, digest, make
from attribution_dagster.assets.tracking import dagster_run_is_over, run_tags
from attribution_dagster.assets.training import training_keys
from attribution_dagster.errors import DataError, MissingInputError
from attribution_dagster.graph import TRAINING_POOL, DatasetAssets
from attribution_dagster.partitions import training_windows
from attribution_dagster.reports.markdown import markdown_table
from attribution_dagster.resources.model_registry import MODEL_FOLDER
from attribution_dagster.resources.tracker import Training
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.ddl import table_definition
from attribution_dagster.warehouse.queries import parse_query

if TYPE_CHECKING:
    from attribution_dagster.core.conversion.fitting import ModelSet
    from attribution_dagster.core.conversion.sample import Sample

ASSET = "conversion_model"
TRAINED_SESSIONS, MEASURED_SESSIONS = 300_000, 100_000
"""Sessions at most that models are trained and measured on: those of users that come first by hash."""
EXPLAINED_SESSIONS = 2_000
"""Sessions whose SHAP values make up the summary."""
_CODE = code_version("assets/conversion_model.py", "core/conversion", "core/models/metrics.py")
_SHOWN = ("feature_set", "model", "metric", "value", "value_low", "value_high", "gain", "is_chosen")
_TABLES = ("conversion_metrics", "conversion_deciles", "shap_summary")


def conversion_model_assets(assets: DatasetAssets) -> list[dg.AssetsDefinition]:
    """The asset `conversion_model`."""
    workspace, profile = assets.workspace, assets.workspace.profile
    deps = [dg.AssetDep(assets.key("session_features"), partition_mapping=training_windows(profile))]

    @dg.asset(
        **assets.options(
            ASSET,
            deps=deps,
            kinds={"catboost", "xgboost", "mlflow"},
            group="step3_conversion",
            code=_CODE,
            pool=TRAINING_POOL,
        )
    )
    def conversion_model(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Logistic regression, CatBoost and XGBoost that predict conversion, from the first events or from all, and how well they do it on the window."""
        return make(
            context,
            workspace,
            ASSET,
            reads=lambda key: [("session_features", k) for k in (*training_keys(workspace, key), key)],
            settings=lambda _: [profile.conversion.model_dump(), profile.windows.retrain_every],
            code=_CODE,
            exists=lambda step: step.table(*_TABLES) and model_folder(workspace, step.window_key) is not None,
            build=lambda step: _build(step, context.instance),
        )

    return [conversion_model]


def load_sample(workspace: Workspace, keys: Iterable[str], feature_set: str) -> "Sample":
    """The sessions of these windows with their features."""
    from attribution_dagster.core.conversion.sample import Sample

    names = feature_names()
    about = ("session_id", "user_id", "started_at", "is_converted", "main_category", "has_device")
    select = f"SELECT {', '.join((*about, *names))} FROM session_features WHERE window_start = :window_start"
    query = parse_query("session_features", f"{select} AND feature_set = :feature_set")
    tables = [workspace.fetch(query, key, feature_set=feature_set) for key in keys]
    return Sample.from_table(pa.concat_tables(tables), names)


def model_folder(workspace: Workspace, key: str) -> Path | None:
    """The folder of the models that predict the window, a folder for each feature set; None if they have not been trained."""
    record = workspace.artifacts.record(ASSET, key)
    if record is None:
        return None
    return workspace.artifacts.folder(ASSET, record.report["trained_for_window"], record.report["model_version"])


def open_models(workspace: Workspace, key: str) -> "dict[str, ModelSet]":
    """Feature set -> the models that predict the window. MissingInputError if they have not been trained."""
    from attribution_dagster.core.conversion.fitting import ModelSet

    folder = model_folder(workspace, key)
    if folder is None:
        raise MissingInputError(f"{ASSET} of window {key} is missing: materialise it first")
    return {name: ModelSet.load(folder / name) for name in FEATURE_SETS if (folder / name).is_dir()}


def _build(step: Step, instance: dg.DagsterInstance) -> Report:
    workspace, keys = step.workspace, training_keys(step.workspace, step.window_key)
    trained_for = workspace.retrain_key(step.window_key)
    inputs = [step.inputs[f"session_features@{key}"] for key in keys]
    version = digest(_CODE, inputs, workspace.profile.conversion.model_dump())
    if workspace.artifacts.folder(ASSET, trained_for, version) is None:
        workspace.tracker.close_abandoned(workspace.profile.name, lambda run_id: dagster_run_is_over(instance, run_id))
        workspace.artifacts.create(ASSET, trained_for, version, partial(_train, step, keys, inputs))
    folder = workspace.artifacts.folder(ASSET, trained_for, version)
    assert folder is not None
    story = json.loads((folder / "training.json").read_text())
    metrics = _measure(step, folder, keys)
    shown = metrics.filter(pa.compute.equal(metrics["segment"], "all"))
    return {
        "trained_for_window": trained_for,
        "model_version": version,
        "rows": metrics.num_rows,
        "metrics": {"markdown": markdown_table(shown, _SHOWN, rows=shown.num_rows)},
        **story,
    }


def _train(step: Step, keys: list[str], inputs: list[str], folder: Path) -> None:
    """Fills the folder with the models of each feature set, and the story of their training; MLflow gets a run for each."""
    story: dict[str, Any] = {}
    for feature_set in FEATURE_SETS:
        parts = _slices(step, keys, feature_set)
        lacking = [name for name, part in parts.items() if not part.has_both_classes]
        if lacking:
            counts = ", ".join(f"{name}: {int(p.label.sum())} of {len(p)} converted" for name, p in parts.items())
            said = f"windows {keys[0]} to {keys[-1]} are too few to predict conversion from ({counts}); both kinds are needed in both"
            if feature_set == "full":
                raise DataError(f"dataset {step.workspace.profile.name}: {said}. Use more or longer windows.")
            story[f"{feature_set}_left_out"] = said
            continue
        story |= {f"{feature_set}_{k}": v for k, v in _train_set(step, feature_set, parts, inputs, folder).items()}
    (folder / "training.json").write_text(json.dumps(story))


def _slices(step: Step, keys: list[str], feature_set: str) -> "dict[str, Sample]":
    """The sessions to fit on and those to choose and calibrate on, before the first window that the models predict."""
    from attribution_dagster.core.conversion.sample import time_slices

    workspace = step.workspace
    sample = load_sample(workspace, keys, feature_set).limited(TRAINED_SESSIONS)
    start = workspace.window(workspace.retrain_key(step.window_key)).start
    end_us = int(pa.scalar(start, pa.timestamp("us")).cast(pa.int64()).as_py())
    embargo_us = workspace.profile.sessions.max_hours * 3_600_000_000
    fit_on, choose_on = time_slices(sample, end_us=end_us, embargo_us=embargo_us)
    return {"fitted_on": fit_on, "chosen_on": choose_on}


def _train_set(
    step: Step, feature_set: str, parts: "Mapping[str, Sample]", inputs: list[str], folder: Path
) -> dict[str, Any]:
    """Trains the models of one feature set in one MLflow run, and registers the best."""
    import numpy as np

    from attribution_dagster.core.conversion.fitting import fit_models

    workspace, spec = step.workspace, step.workspace.profile.conversion
    trained_for = workspace.retrain_key(step.window_key)
    workspace.progress.advance(f"models on features: {feature_set}", 0.1 + 0.5 * FEATURE_SETS.index(feature_set))
    seed = zlib.crc32(f"{workspace.profile.name}/{feature_set}/{trained_for}".encode()) % 2**31
    variant = f"conversion_{feature_set}"
    parameters = {**spec.model_dump(), "seed": seed, "features": len(feature_names())}
    with workspace.tracker.training(_training(step, variant, trained_for, parameters, inputs)) as run:
        models = fit_models(
            parts["fitted_on"],
            parts["chosen_on"],
            trials=spec.trials,
            trees=spec.trees,
            threads=workspace.settings.threads,
            seed=seed,
        )
        models.save(folder / feature_set)
        run.log_metrics({f"chosen_on_log_loss_{name}": model.loss for name, model in models.models.items()})
        run.log_files(folder / feature_set, MODEL_FOLDER)
        model_id = run.log_estimator(models.best.estimator, np.zeros((2, len(feature_names()))))  # nobody's
        registered = workspace.registry.register(variant, model_id, run.run_id, trained_for)
    counts = {f"{name}_{kind}": n for name, p in parts.items() for kind, n in _counts(p).items()}
    return {
        **counts,
        "best": models.best.name,
        "model": registered.name,
        "mlflow_run_id": run.run_id,
        "losses": {name: model.loss for name, model in models.models.items()},
    }


def _counts(sample: "Sample") -> dict[str, int]:
    return {"sessions": len(sample), "converted": int(sample.label.sum())}


def _training(step: Step, variant: str, trained_for: str, parameters: Mapping[str, Any], inputs: list[str]) -> Training:
    profile = step.workspace.profile
    return Training(
        dataset=profile.name,
        variant=variant,
        window_key=trained_for,
        parameters=parameters,
        tags={**run_tags(step, trained_for), "variant": variant},
        digest=digest(inputs),
        source="session_features",
    )


def _measure(step: Step, folder: Path, keys: list[str]) -> pa.Table:
    """Writes the metrics, deciles and SHAP summary of the window's sessions; returns the metrics."""
    from attribution_dagster.core.conversion.fitting import ModelSet
    from attribution_dagster.core.conversion.measuring import measure

    found: dict[str, list[dict[str, Any]]] = {table: [] for table in _TABLES}
    for feature_set in FEATURE_SETS:
        sample = load_sample(step.workspace, [step.window_key], feature_set).limited(MEASURED_SESSIONS)
        if not (folder / feature_set).is_dir() or not len(sample):
            continue
        learnt_from = _slices(step, keys, feature_set)["fitted_on"]
        measured = measure(ModelSet.load(folder / feature_set), sample, learnt_from, explained=EXPLAINED_SESSIONS)
        for table, rows in zip(_TABLES, measured, strict=True):
            found[table] += [{"feature_set": feature_set, **row} for row in rows]
    for table, rows in found.items():
        write_rows(step, table, rows)
    return step.workspace.slice_of("conversion_metrics", step.window_key)


def write_rows(step: Step, table: str, rows: "list[dict[str, Any]]") -> int:
    """Writes rows as the table's slice of this version; their number."""
    start = step.workspace.window(step.window_key).start
    stamped = pa.Table.from_pylist(
        [{"window_start": start, **row} for row in rows], schema=table_definition(table).schema
    )
    return step.workspace.warehouse.load(table, step.window_key, step.version, stamped.to_batches())


def chosen_metrics(rows: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Metrics of the chosen models over all sessions, flat: `full_auc`."""
    return {f"{r['feature_set']}_{r['metric']}": r["value"] for r in rows if r["is_chosen"] and r["segment"] == "all"}
