"""What the models of conversion say of the window: a probability for each session with reasons, comparison, report."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import pyarrow as pa

from attribution_dagster.assets.conversion_features import FEATURE_SETS
from attribution_dagster.assets.conversion_model import (
    ASSET,
    EXPLAINED_SESSIONS,
    MEASURED_SESSIONS,
    chosen_metrics,
    load_sample,
    model_folder,
    open_models,
    write_rows,
)
from attribution_dagster.assets.report import inline_picture
from attribution_dagster.assets.sequences import sequences_cut
from attribution_dagster.assets.showing import top_rows
from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.assets.training import open_model
from attribution_dagster.graph import DatasetAssets
from attribution_dagster.reports.caveats import MODEL_NOT_CAUSE
from attribution_dagster.reports.markdown import markdown_table
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.ddl import table_definition

if TYPE_CHECKING:
    from attribution_dagster.core.conversion.fitting import ModelSet
    from attribution_dagster.core.conversion.sample import Sample

LANDMARK = 5
"""Events after which the transformer is compared with the models of the first events."""
_CODE = code_version("assets/conversion_results.py", "core/conversion", "reports/conversion_plots.py")
_CODE_COMPARISON = code_version("assets/conversion_results.py", "core/conversion", "core/models", "core/sequences")
_GROUP = "step3_conversion"
_PREDICTED = ("session_id", "conversion_probability", "decile", "risk_segment", "reason_1", "reason_2", "reason_3")
_COMPARED = ("model", "segment", "metric", "value", "value_low", "value_high", "gain", "gain_low", "gain_high")


def conversion_result_assets(assets: DatasetAssets) -> list[dg.AssetsDefinition]:
    """The assets `conversion_predictions` and `conversion_report`, and `conversion_comparison` where a variant doesn't see the funnel."""
    made = [_predictions(assets), _report(assets)]
    claiming = assets.workspace.profile.claiming
    return [*made, _comparison(assets, claiming[0])] if claiming else made


def _predictions(assets: DatasetAssets) -> dg.AssetsDefinition:
    workspace, reads = assets.workspace, ["session_features", ASSET]

    @dg.asset(**assets.options("conversion_predictions", deps=reads, kinds={"catboost"}, group=_GROUP, code=_CODE))
    def conversion_predictions(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """The probability that each session of the window converts, its decile and risk segment, and for those at the top the reasons."""
        return make(
            context,
            workspace,
            "conversion_predictions",
            reads=lambda key: [(name, key) for name in reads],
            settings=lambda _: workspace.profile.conversion.targeted_share,
            code=_CODE,
            exists=lambda step: step.table("conversion_predictions"),
            build=_predict,
        )

    return conversion_predictions


def _predict(step: Step) -> Report:
    workspace, key = step.workspace, step.window_key
    models = open_models(workspace, key)
    samples = {name: load_sample(workspace, [key], name) for name in models}
    record = workspace.artifacts.record(ASSET, key)
    assert record is not None  # its version is an input
    best = models["full"].best
    said = f"{best.name}, trained for {record.report['trained_for_window']}"
    columns = prediction_columns(samples["full"], best, workspace.profile.conversion.targeted_share)
    early: dict[str, float] = {}
    if "early" in models:
        early_of = models["early"].best.probability(samples["early"].features)
        early = dict(zip(samples["early"].session.tolist(), early_of.tolist(), strict=True))
    n = len(samples["full"])
    columns |= {
        "window_start": [workspace.window(key).start] * n,
        "early_probability": [early.get(session) for session in columns["session_id"]],
        "model": [said] * n,
    }
    schema = pa.schema([table_definition("conversion_predictions").schema.field(name) for name in columns])
    predicted = pa.table(columns, schema=schema)
    rows = workspace.warehouse.load("conversion_predictions", key, step.version, predicted.to_batches())
    return {
        "rows": rows,
        "model": said,
        "targeted": sum(columns["is_targeted"]),
        "caution": MODEL_NOT_CAUSE,
    } | top_rows(step, "conversion_predictions", _PREDICTED[1:], "conversion_probability DESC, session_id")


def prediction_columns(sample: "Sample", model: Any, targeted_share: float) -> dict[str, Any]:
    """Each session with its probability, decile and segment, and the reasons of those with the highest probabilities."""
    import numpy as np

    from attribution_dagster.core.conversion.evaluation import decile_of
    from attribution_dagster.core.conversion.reasons import REASONS, top_reasons

    probability = model.probability(sample.features)
    decile = decile_of(probability)
    order = np.lexsort((sample.session.astype(str), -probability))
    chosen = np.zeros(len(sample), dtype=bool)
    chosen[order[: round(targeted_share * len(sample))]] = True
    parts = sample.features[chosen]
    reasons: np.ndarray = np.full((len(sample), REASONS), None, dtype=object)
    for row, found in zip(
        np.flatnonzero(chosen), top_reasons(sample.names, parts, model.contributions(parts)), strict=True
    ):
        reasons[row, : len(found)] = found
    return {
        "session_id": sample.session.tolist(),
        "conversion_probability": probability.tolist(),
        "user_id": sample.user.tolist(),
        "label": sample.label.tolist(),
        "decile": decile.tolist(),
        "risk_segment": ["high" if d == 1 else "medium" if d <= 4 else "low" for d in decile.tolist()],
        "is_targeted": chosen.tolist(),
        **{f"reason_{number + 1}": reasons[:, number].tolist() for number in range(REASONS)},
    }


def _comparison(assets: DatasetAssets, variant: str) -> dg.AssetsDefinition:
    workspace = assets.workspace
    # The tensors as the features have the sessions, uncut or up to a landmark, are made of what tensors are made of.
    reads = [f"{variant}/trained_model", ASSET, "session_features", "sessions", "risk_set"]

    @dg.asset(
        **assets.options(
            "conversion_comparison", deps=reads, kinds={"pytorch", "catboost"}, group=_GROUP, code=_CODE_COMPARISON
        )
    )
    def conversion_comparison(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """The transformer's prediction of conversion beside those of the models on features, on the same sessions, with paired intervals."""
        return make(
            context,
            workspace,
            "conversion_comparison",
            reads=lambda key: [(name, key) for name in reads],
            settings=lambda _: variant,
            code=_CODE_COMPARISON,
            exists=lambda step: step.table("conversion_comparison"),
            build=lambda step: _compare(step, variant),
        )

    return conversion_comparison


def _compare(step: Step, variant: str) -> Report:
    workspace, key = step.workspace, step.window_key
    models = open_models(workspace, key)
    rows: list[dict[str, Any]] = []
    for feature_set, segment, cut in (("full", "uncut", "none"), ("early", f"after_{LANDMARK}", "landmark")):
        if feature_set in models:
            scored = _transformer(workspace, variant, key, cut)
            sample = load_sample(workspace, [key], feature_set)
            rows += _compared(scored, sample, models[feature_set].models, feature_set, segment)
    n = write_rows(step, "conversion_comparison", rows)
    table = workspace.slice_of("conversion_comparison", key)
    return {"rows": n, "comparison": {"markdown": markdown_table(table, _COMPARED, rows=n)}}


def _transformer(workspace: Workspace, variant: str, key: str, cut: Any) -> dict[str, float]:
    """Session -> the transformer's calibrated probability."""
    from attribution_dagster.core.models.prediction import predict

    model = open_model(workspace, variant, key)
    sequences = sequences_cut(workspace, variant, key, cut, LANDMARK)
    probability = model.calibration.probability(predict(model, sequences))
    return dict(zip(sequences.session_id.to_pylist(), probability.tolist(), strict=True))


def _compared(
    scored: dict[str, float], sample: "Sample", models: Any, feature_set: str, segment: str
) -> list[dict[str, Any]]:
    """Metrics of all of them on the sessions that all of them predict."""
    import numpy as np

    from attribution_dagster.core.conversion.evaluation import metric_rows

    both = sample.select(np.array([session in scored for session in sample.session.tolist()], dtype=bool))
    probabilities = {"transformer": np.array([scored[session] for session in both.session.tolist()])}
    for name, model in models.items():
        probabilities[f"{name}, {feature_set}"] = model.probability(both.features)
    rows = metric_rows(probabilities, both.label, both.user, reference="transformer", segment=segment)
    return [asdict(row) for row in rows]


def _report(assets: DatasetAssets) -> dg.AssetsDefinition:
    workspace, reads = assets.workspace, ["session_features", ASSET]

    @dg.asset(**assets.options("conversion_report", deps=reads, kinds={"matplotlib"}, group=_GROUP, code=_CODE))
    def conversion_report(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Pictures of the models of conversion (curves, calibration, deciles, SHAP values), their files and metrics, as they are exported."""
        return make(
            context,
            workspace,
            "conversion_report",
            reads=lambda key: [(name, key) for name in reads],
            settings=lambda _: workspace.profile.title,
            code=_CODE,
            exists=Step.artifact,
            build=_draw,
        )

    return conversion_report


def exported_name(name: str, feature_set: str) -> str:
    """File of a feature set in the exports: of `full` as it is called, of `early` with that behind its name."""
    stem, _, ending = name.rpartition(".")
    return name if feature_set == "full" else f"{stem}_{feature_set}.{ending}"


def _draw(step: Step) -> Report:
    workspace, key = step.workspace, step.window_key
    models = model_folder(workspace, key)
    assert models is not None  # its version is an input
    metrics = workspace.slice_of("conversion_metrics", key).drop_columns(["window_start"]).to_pylist()

    def fill(folder: Path) -> None:
        (folder / "model_metrics.json").write_text(json.dumps(metrics, indent=1))
        for feature_set in (name for name in FEATURE_SETS if (models / name).is_dir()):
            for path in sorted((models / feature_set).iterdir()):
                (folder / exported_name(path.name, feature_set)).write_bytes(path.read_bytes())
            for name, picture in _pictures(workspace, key, feature_set):
                (folder / exported_name(name, feature_set)).write_bytes(picture)

    workspace.artifacts.create(step.asset, key, step.version, fill)
    folder = workspace.artifacts.folder(step.asset, key, step.version)
    assert folder is not None
    shown = inline_picture(folder / "shap_summary.png") if (folder / "shap_summary.png").is_file() else ""
    return {
        "shap_summary": {"markdown": f"![What moves the predictions](data:image/png;base64,{shown})"},
        "files": {"path": str(folder)},
        **chosen_metrics(metrics),
    }


def _pictures(workspace: Workspace, key: str, feature_set: str) -> Iterator[tuple[str, bytes]]:
    """File name -> PNG of one feature set."""
    sample = load_sample(workspace, [key], feature_set).limited(MEASURED_SESSIONS)
    if not len(sample):
        return
    yield from model_pictures(
        open_models(workspace, key)[feature_set], sample, f"{workspace.profile.title}, {key}, feature set {feature_set}"
    )


def model_pictures(models: "ModelSet", sample: "Sample", title: str) -> Iterator[tuple[str, bytes]]:
    """File name -> PNG: curves of all models on the sample, and what moves the chosen one's predictions."""
    from attribution_dagster.reports.conversion_plots import evaluation_plot, shap_plot

    probabilities = {name: model.probability(sample.features) for name, model in models.models.items()}
    yield "conversion_curves.png", evaluation_plot(probabilities, sample.label, title)
    looked_at = sample.features[:: max(1, len(sample) // EXPLAINED_SESSIONS)]
    effects = models.best.contributions(looked_at)[:, :-1]
    yield "shap_summary.png", shap_plot(sample.names, looked_at, effects, f"{title}: {models.best.name}")
