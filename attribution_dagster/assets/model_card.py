"""The card of the model that explains a window: what it is, how good, how far to be trusted, and what may be done with it."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import dagster as dg

from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.assets.tracking import explaining_model, log_window
from attribution_dagster.core.claims.standing import Evidence, Standing, standing
from attribution_dagster.errors import ConfigurationError
from attribution_dagster.graph import DatasetAssets
from attribution_dagster.reports.model_card import ModelCard, limits
from attribution_dagster.resources.workspace import WHOLE, Workspace

MODEL, COUNTS, LENGTH = "transformer", "logistic_regression", "length"
BASELINE = "baseline_agreement"
"""The trust test on which the ranking stands; the card says what came of it in words of its own."""
_CODE = code_version(
    "assets/model_card.py",
    "core/claims/standing.py",
    "reports/model_card.py",
    "reports/pages.py",
    "reports/templates/model_card.html",
    "reports/templates/model_card.md",
    "reports/templates/page.css",
)
Rows = list[dict[str, Any]]


def card_assets(assets: DatasetAssets, variant: str) -> list[dg.AssetsDefinition]:
    """The variant's asset `model_card`."""
    workspace, profile = assets.workspace, assets.workspace.profile
    asset = f"{variant}/model_card"
    read = ("sequence_tensors", "trained_model", "event_type_attribution", "attribution_trust")
    reads = [f"{variant}/{name}" for name in read]

    @dg.asset(
        **assets.options(
            asset,
            deps=reads,
            kinds={"mlflow"},
            group=f"step3_{variant}",
            code=_CODE,
            leaks=profile.variants[variant].leaks,
        )
    )
    def model_card(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """What to know of the model that explains the window: data, metrics beside baselines, trust, calibration, limits; and if it may be published."""
        return make(
            context,
            workspace,
            asset,
            reads=lambda key: [(name, key) for name in reads],
            settings=lambda _: [profile.title, profile.simulated, profile.quality.max_auc],
            code=_CODE,
            exists=Step.artifact,
            build=lambda step: _write(step, variant),
        )

    return [model_card]


def trust_rows(workspace: Workspace, variant: str, key: str) -> Rows:
    """The rows of the variant's trust report of a window."""
    return workspace.slice_of(f"attribution_trust_{variant}", key).to_pylist()


def standing_of(workspace: Workspace, variant: str, key: str) -> Standing:
    """What may be done with the variant's attribution of the window; its card must have been made."""
    record = workspace.artifacts.record(f"{variant}/model_card", key)
    assert record is not None  # its version is an input
    return Standing(**record.report["standing"])


def _evidence(step: Step, variant: str, metrics: Rows, trust: Rows) -> Evidence:
    profile = step.workspace.profile
    of = {row["model"]: row for row in metrics if row["population"] == "all"}
    model, counts, length = of[MODEL], of.get(COUNTS, {}), of.get(LENGTH, {})
    failed = [row for row in trust if row["passed"] is False]
    return Evidence(
        leaks=profile.variants[variant].leaks,
        auc=model["auc"],
        max_auc=profile.quality.max_auc,
        predicts=_row_of(trust, "auc")["passed"],
        baseline_agrees=_row_of(trust, BASELINE)["passed"],
        gain_high=counts.get("auc_gain_high"),
        length_auc_low=length.get("auc_low"),
        calibration_error=model["ece"],
        trust_failed=[_test(row) for row in failed if row["blocking"]],
        trust_doubts=[_test(row) for row in failed if not row["blocking"] and row["test"] != BASELINE],
        trust_unjudged=[_test(row) for row in trust if row["blocking"] and row["passed"] is None],
    )


def _write(step: Step, variant: str) -> Report:
    workspace, key = step.workspace, step.window_key
    metrics = workspace.slice_of(f"model_metrics_{variant}", key).to_pylist()
    trust = trust_rows(workspace, variant, key)
    verdict = standing(_evidence(step, variant, metrics, trust))
    card = _card(step, variant, metrics, trust, verdict)
    name = f"model_card_{variant}"
    pages = {f"{name}.md": card.markdown().encode(), f"{name}.html": card.html().encode()}
    workspace.artifacts.create(step.asset, key, step.version, lambda folder: write_pages(folder, pages))
    folder = workspace.artifacts.folder(step.asset, key, step.version)
    assert folder is not None
    _tell_registry(step, variant, verdict)
    return {
        "state": str(verdict.state),
        "standing": {**asdict(verdict), "reasons": list(verdict.reasons)},
        "card": {"markdown": card.markdown()},
        "page": {"path": str(folder / f"{name}.html")},
        "mlflow": log_window(step, variant, explaining_model(step, variant)["mlflow_run_id"], pictures=pages),
    }


def write_pages(folder: Path, pages: Mapping[str, bytes]) -> None:
    """Writes each page as a file of its name."""
    for name, content in pages.items():
        (folder / name).write_bytes(content)


def _card(step: Step, variant: str, metrics: Rows, trust: Rows, verdict: Standing) -> ModelCard:
    workspace, profile, key = step.workspace, step.workspace.profile, step.window_key
    trained = _report(workspace, f"{variant}/trained_model", key)
    tensors = _report(workspace, f"{variant}/sequence_tensors", key)
    source = _report(workspace, "source", WHOLE)
    learnt = workspace.look_back(trained["trained_for_window"])
    facts = {
        "Explains": f"window {key}: {tensors['in_risk_set']:,} compared sessions of {tensors['python_sessions']:,} that can be explained",
        "Learnt from": f"windows {learnt[0]} to {learnt[-1]}: {trained['training_sessions']:,} sessions with {trained['training_events']:,} events, "
        f"{trained['validation_sessions']:,} later ones to stop and to calibrate",
        "Converting": f"{trained['population_conversion_rate']:.2%} of all sessions in those windows",
        "May see": {
            "drop": "no funnel event",
            "keep": "funnel events: DATA LEAKAGE",
            "stop": "nothing from the first funnel event on",
        }[profile.variants[variant].funnel],
        "Source": f"digest {source['digest']}",
    }
    return ModelCard(
        title=profile.title,
        variant=variant,
        window_key=key,
        model=trained["model"],
        simulated=profile.simulated,
        leaks=profile.variants[variant].leaks,
        standing=verdict,
        facts=facts,
        metrics=metrics,
        trust=trust,
        calibration=list(zip(*(trained["calibration"][side] for side in ("predicted", "observed")), strict=True)),
        rank_correlation=_row_of(trust, BASELINE)["value"],
        limits=limits(
            best_epoch=trained["best_epoch"],
            unknown_types=trained["share_unknown"].get("event_type", 0.0),
            max_events=profile.model.max_events,
            sampled_users=profile.sampling.users,
        ),
    )


def _tell_registry(step: Step, variant: str, verdict: Standing) -> None:
    """Tags the registered version with its state, for `attribution models`; a store without it is left alone."""
    registry = step.workspace.registry
    number = _report(step.workspace, f"{variant}/trained_model", step.window_key)["model_number"]
    try:
        registry.note_state(variant, registry.version(variant, number), str(verdict.state), step.window_key)
    except ConfigurationError:
        return


def _row_of(trust: Rows, test: str) -> Mapping[str, Any]:
    """The row of a trust test that is there once."""
    return next(row for row in trust if row["test"] == test)


def _test(row: Mapping[str, Any]) -> str:
    value = "not measured" if row["value"] is None else f"{row['value']:.3g}"
    return f"{row['test']} by {row['granularity']} ({value}): {row['meaning']}"


def _report(workspace: Workspace, asset: str, key: str) -> Mapping[str, Any]:
    record = workspace.artifacts.record(asset, key)
    assert record is not None  # its version is an input, or an input's
    return record.report
