"""Conversion predicted from a table of sessions: models of the earlier ones, how good they are and why, and the later ones' probabilities."""

import json
import zlib
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import pyarrow as pa

from attribution_dagster.assets.conversion_model import EXPLAINED_SESSIONS, chosen_metrics
from attribution_dagster.assets.conversion_results import model_pictures, prediction_columns
from attribution_dagster.assets.report import inline_picture
from attribution_dagster.assets.session_table import TABLE, open_session_table, profile_of, write_rows
from attribution_dagster.assets.showing import top_rows
from attribution_dagster.assets.step import Report, Step, code_version, digest, make
from attribution_dagster.assets.tracking import run_tags
from attribution_dagster.errors import DataError, MissingInputError
from attribution_dagster.graph import TRAINING_POOL, DatasetAssets
from attribution_dagster.reports.caveats import MODEL_NOT_CAUSE
from attribution_dagster.reports.markdown import markdown_table
from attribution_dagster.reports.session_table import SessionTablePage
from attribution_dagster.resources.model_registry import MODEL_FOLDER
from attribution_dagster.resources.tracker import Training
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.ddl import table_definition

if TYPE_CHECKING:
    from attribution_dagster.core.conversion.fitting import ModelSet
    from attribution_dagster.core.conversion.sample import Sample
    from attribution_dagster.core.conversion.session_table import SessionTable

MODEL, PREDICTIONS, REPORT = "conversion_model", "conversion_predictions", "conversion_report"
PAGE = "session_conversion"
_STORY = "training.json"
_GROUP = "step2_conversion"
_CODE = code_version("assets/session_table_results.py", "core/conversion", "core/models/metrics.py")
_CODE_REPORT = code_version(
    "assets/session_table_results.py",
    "core/conversion",
    "reports/conversion_plots.py",
    "reports/session_table.py",
    f"reports/templates/{PAGE}.html",
    f"reports/templates/{PAGE}.md",
)
_TABLES = ("conversion_metrics", "conversion_deciles", "shap_summary", "suspected_attributes")
_SHOWN = ("feature_set", "segment", "model", "metric", "value", "value_low", "value_high", "is_chosen")
_PREDICTED = ("conversion_probability", "decile", "risk_segment", "reason_1", "reason_2", "reason_3")


def session_table_result_assets(assets: DatasetAssets) -> list[dg.AssetsDefinition]:
    """The assets `conversion_model`, `conversion_predictions` and `conversion_report` of a dataset of `kind: sessions`."""
    workspace, profile = assets.workspace, assets.workspace.profile
    settings = [profile.conversion.model_dump(), profile_of(workspace).session_table.model_dump(), profile.title]

    def made(context: dg.AssetExecutionContext, asset: str, reads: list[str], code: str, **how: Any) -> Any:
        return make(
            context,
            workspace,
            asset,
            reads=lambda key: [(name, key) for name in reads],
            settings=lambda _: settings,
            code=code,
            **how,
        )

    kinds = {"catboost", "xgboost", "mlflow"}

    @dg.asset(**assets.options(MODEL, deps=[TABLE], kinds=kinds, group=_GROUP, code=_CODE, pool=TRAINING_POOL))
    def conversion_model(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Models of conversion on the earlier sessions, and how well it is predicted: by chance folds, in time, and without what may know the outcome."""
        return made(
            context, MODEL, [TABLE], _CODE, exists=lambda step: step.table(*_TABLES) and step.artifact(), build=_train
        )

    @dg.asset(**assets.options(PREDICTIONS, deps=[TABLE, MODEL], kinds={"catboost"}, group=_GROUP, code=_CODE))
    def conversion_predictions(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """The probability that each later session converts, its decile and risk segment, and for those at the top the reasons."""
        return made(
            context, PREDICTIONS, [TABLE, MODEL], _CODE, exists=lambda step: step.table(PREDICTIONS), build=_predict
        )

    @dg.asset(**assets.options(REPORT, deps=[TABLE, MODEL], kinds={"matplotlib"}, group=_GROUP, code=_CODE_REPORT))
    def conversion_report(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """The page with the figures side by side and why they differ, pictures of the models, their files and metrics, as they are exported."""
        return made(context, REPORT, [TABLE, MODEL], _CODE_REPORT, exists=Step.artifact, build=_report)

    return [conversion_model, conversion_predictions, conversion_report]


def open_session_models(workspace: Workspace, key: str) -> "tuple[ModelSet, Sample]":
    """The models, and the later sessions that they predict. MissingInputError if there are none yet."""
    from attribution_dagster.core.conversion.fitting import ModelSet

    record = workspace.artifacts.record(MODEL, key)
    folder = workspace.artifacts.folder(MODEL, key, record.version) if record is not None else None
    if folder is None:
        raise MissingInputError(f"{MODEL} of window {key} is missing: materialise it first")
    return ModelSet.load(folder), open_session_table(workspace, key).samples()[1]


def _train(step: Step) -> Report:
    from attribution_dagster.core.conversion.fitting import ModelSet
    from attribution_dagster.core.conversion.session_table_figures import measure_session_table
    from attribution_dagster.core.conversion.suspects import suspected_rows

    workspace, profile = step.workspace, profile_of(step.workspace)
    sessions = open_session_table(workspace, step.window_key)
    _refuse_too_few(profile.name, sessions)
    workspace.artifacts.create(step.asset, step.window_key, step.version, partial(_fit, step, sessions))
    folder = workspace.artifacts.folder(step.asset, step.window_key, step.version)
    assert folder is not None
    models, suspected = ModelSet.load(folder), profile.session_table.suspected
    workspace.progress.advance("figures by chance folds and in time", 0.4)
    figures = measure_session_table(
        models, sessions, suspected, explained=EXPLAINED_SESSIONS, trees=profile.conversion.trees
    )
    suspects = [asdict(row) for row in suspected_rows(sessions, suspected)]
    for table, rows in zip(_TABLES, (*figures, suspects), strict=True):
        _load(step, table, rows)
    metrics = workspace.slice_of("conversion_metrics", step.window_key)
    shown = metrics.filter(pa.compute.equal(metrics["metric"], "auc"))
    return {
        "rows": metrics.num_rows,
        "metrics": {"markdown": markdown_table(shown, _SHOWN, rows=shown.num_rows)},
        "best": models.best.name,
        **json.loads((folder / _STORY).read_text()),
    }


def _refuse_too_few(dataset: str, sessions: "SessionTable") -> None:
    from attribution_dagster.core.conversion.folds import FOLDS

    for part, chosen in (("earlier", ~sessions.later), ("later", sessions.later)):
        n, converted = int(chosen.sum()), int(sessions.label[chosen].sum())
        if min(converted, n - converted) < FOLDS:
            raise DataError(
                f"dataset {dataset}: {converted} of the {n} {part} sessions converted; at least {FOLDS} of either kind are needed on both "
                "sides. Give more sessions, or correct session_table.later."
            )


def _fit(step: Step, sessions: "SessionTable", folder: Path) -> None:
    """Fills the folder with the models of the earlier sessions and what MLflow calls them, in one MLflow run."""
    import numpy as np

    from attribution_dagster.core.conversion.folds import fit_cross_calibrated

    workspace, profile = step.workspace, profile_of(step.workspace)
    spec, (earlier, _) = profile.conversion, sessions.samples()
    seed = zlib.crc32(f"{profile.name}/{step.window_key}".encode()) % 2**31
    (variant,) = profile.models
    parameters = {"trials": spec.trials, "trees": spec.trees, "seed": seed, "features": len(earlier.names)}
    with workspace.tracker.training(_training(step, variant, parameters)) as run:
        models = fit_cross_calibrated(
            earlier, trials=spec.trials, trees=spec.trees, threads=workspace.settings.threads, seed=seed
        )
        models.save(folder)
        run.log_metrics({f"cross_validated_log_loss_{name}": model.loss for name, model in models.models.items()})
        run.log_files(folder, MODEL_FOLDER)
        model_id = run.log_estimator(models.best.estimator, np.zeros((2, len(earlier.names))))  # nobody's
        registered = workspace.registry.register(variant, model_id, run.run_id, step.window_key)
    story = {"model": registered.name, "mlflow_run_id": run.run_id, **workspace.tracker.link(run.location)}
    (folder / _STORY).write_text(json.dumps(story))


def _training(step: Step, variant: str, parameters: dict[str, Any]) -> Training:
    profile = step.workspace.profile
    return Training(
        dataset=profile.name,
        variant=variant,
        window_key=step.window_key,
        parameters=parameters,
        tags=run_tags(step, step.window_key),
        digest=digest(dict(step.inputs)),
        source=TABLE,
    )


def _load(step: Step, table: str, rows: list[dict[str, Any]]) -> None:
    names = [column.name for column in table_definition(table).columns if column.name != "window_start"]
    write_rows(step, table, {name: [row.get(name) for row in rows] for name in names})


def _predict(step: Step) -> Report:
    workspace, key = step.workspace, step.window_key
    models, later = open_session_models(workspace, key)
    columns = prediction_columns(later, models.best, workspace.profile.conversion.targeted_share)
    # Where nobody knows whose a session is, the sample calls it its own user's.
    known = zip(columns["session_id"], columns["user_id"], strict=True)
    columns["user_id"] = [user if user != session else None for session, user in known]
    columns |= {
        "early_probability": [None] * len(later),
        "model": [f"{models.best.name}, of the earlier sessions"] * len(later),
    }
    rows = write_rows(step, PREDICTIONS, columns)
    shown = top_rows(step, PREDICTIONS, _PREDICTED, "conversion_probability DESC, session_id")
    return {"rows": rows, "targeted": sum(columns["is_targeted"]), "caution": MODEL_NOT_CAUSE, **shown}


def _report(step: Step) -> Report:
    workspace, key = step.workspace, step.window_key
    models, later = open_session_models(workspace, key)
    record = workspace.artifacts.record(MODEL, key)
    assert record is not None  # its version is an input
    trained = workspace.artifacts.folder(MODEL, key, record.version)
    assert trained is not None
    metrics = workspace.slice_of("conversion_metrics", key).drop_columns(["window_start"]).to_pylist()
    page = SessionTablePage(
        title=workspace.profile.title,
        window_key=key,
        simulated=workspace.profile.simulated,
        metrics=metrics,
        suspects=workspace.slice_of("suspected_attributes", key).to_pylist(),
    )

    def fill(folder: Path) -> None:
        for path in sorted(trained.iterdir()):
            (folder / path.name).write_bytes(path.read_bytes())
        (folder / _STORY).unlink()
        for name, picture in model_pictures(models, later, f"{workspace.profile.title}: later sessions"):
            (folder / name).write_bytes(picture)
        (folder / "model_metrics.json").write_text(json.dumps(metrics, indent=1))
        (folder / f"{PAGE}.html").write_text(page.html(), encoding="utf-8")
        (folder / f"{PAGE}.md").write_text(page.markdown(), encoding="utf-8")

    workspace.artifacts.create(step.asset, key, step.version, fill)
    folder = workspace.artifacts.folder(step.asset, key, step.version)
    assert folder is not None
    shown = inline_picture(folder / "shap_summary.png")
    return {
        "shap_summary": {"markdown": f"![What moves the predictions](data:image/png;base64,{shown})"},
        "figures": {"markdown": page.markdown()},
        "files": {"path": str(folder)},
        **chosen_metrics(metrics),
    }
