"""Which model is champion: the newest training, if it passes the gate on the window it explains."""

import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import pyarrow as pa

from attribution_dagster.assets.audited import audited
from attribution_dagster.assets.sequences import open_sequences
from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.assets.training import open_model
from attribution_dagster.errors import ConfigurationError
from attribution_dagster.graph import DatasetAssets
from attribution_dagster.reports.markdown import markdown_table
from attribution_dagster.resources.model_registry import RegisteredVersion
from attribution_dagster.resources.workspace import Workspace

if TYPE_CHECKING:
    from attribution_dagster.core.models.gate import Decision
    from attribution_dagster.core.models.transformer import AttributionModel

_OPEN = "not decided"
PROMOTION_POOL = "promotion"
"""Pool of the gates, to be of one place: two at a time could both take the place of the same champion."""
_CODE = code_version("assets/promotion.py", "core/models/gate.py", "resources/model_registry.py")


def promotion_assets(assets: DatasetAssets, variant: str) -> list[dg.AssetsDefinition]:
    """The variant's asset `champion`."""
    workspace, profile = assets.workspace, assets.workspace.profile
    asset = f"{variant}/champion"
    # Whatever of the variant could hold its publication back: `make` asks the blocking checks of all that is read.
    reads = [name for name in audited(profile) if name.startswith(f"{variant}/")]

    @dg.asset(
        **assets.options(
            asset,
            deps=reads,
            kinds={"mlflow"},
            group=f"step3_{variant}",
            code=_CODE,
            leaks=profile.variants[variant].leaks,
            pool=PROMOTION_POOL,
        )
    )
    def champion(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """The gate: whether the model trained for the window becomes champion, which those who score use; with the numbers it was decided on."""
        return make(
            context,
            workspace,
            asset,
            reads=lambda key: [(name, key) for name in reads],
            settings=lambda _: None,
            code=_CODE,
            exists=_is_decided,
            build=lambda step: _ask_the_gate(step, variant),
        )

    return [champion]


def open_champion(workspace: Workspace, variant: str) -> "tuple[RegisteredVersion, AttributionModel] | None":
    """The variant's champion and its model, from the registry alone; None as long as there is none."""
    version = workspace.registry.champion(variant)
    return None if version is None else (version, load_version(workspace, version))


def load_version(workspace: Workspace, version: RegisteredVersion) -> "AttributionModel":
    """The model of a registered version, from the registry alone."""
    from attribution_dagster.core.models.storage import load_model

    with tempfile.TemporaryDirectory() as folder:
        return load_model(workspace.registry.download(version, Path(folder)))


def _ask_the_gate(step: Step, variant: str) -> Report:
    """The decision, made once for each model: on the first window that comes here with it."""
    said = _decision(step, variant)
    rows = [{"what": name, "": str(value)} for name, value in said.items() if name != "numbers"]
    rows += [{"what": name, "": f"{value:.4g}"} for name, value in said.get("numbers", {}).items()]
    return {**said, "gate": {"markdown": markdown_table(pa.Table.from_pylist(rows))}}


def _decision(step: Step, variant: str) -> dict[str, Any]:
    registry = step.workspace.registry
    trained = step.workspace.artifacts.record(f"{variant}/trained_model", step.window_key)
    assert trained is not None  # its version is an input
    model = trained.report["model"]
    try:
        version = registry.version(variant, trained.report["model_number"])
    except ConfigurationError:
        return {"decision": f"{_OPEN}: {model} is not in this MLflow store"}
    if version.decision is not None:
        earlier = f"{version.decision}, decided on window {version.decided_on}"
        return {"decision": earlier, "model": model, **_champion(step, variant)}
    if outdated := _of_another_model(step):
        return {"decision": f"{_OPEN}: made before this model, make it again: {', '.join(outdated)}", "model": model}
    decision, against = _recorded(step, variant, version, trained.report)
    return {
        "decision": "promoted" if decision.promoted else "refused",
        "objections": "; ".join(decision.objections) or "none",
        "model": model,
        "against": against,
        "numbers": {name: value for name, value in asdict(decision).items() if isinstance(value, int | float)},
        **_champion(step, variant),
    }


def _of_another_model(step: Step) -> list[str]:
    """What was made from another version of something than the gate reads: what its checks say is not of this model."""
    found = []
    for name in step.inputs:
        asset, _, window = name.rpartition("@")
        record = step.workspace.artifacts.record(asset, window)
        used = record.inputs if record is not None else {}
        if any(step.inputs.get(source, version) != version for source, version in used.items()):
            found.append(asset)
    return found


def _is_decided(step: Step) -> bool:
    record = step.workspace.artifacts.record(step.asset, step.window_key)
    return record is not None and not record.report["decision"].startswith(_OPEN)


def _champion(step: Step, variant: str) -> Report:
    champion = step.workspace.registry.champion(variant)
    return {"champion": champion.name, "champion_number": champion.version} if champion else {"champion": "none yet"}


def _recorded(
    step: Step, variant: str, version: RegisteredVersion, trained: Mapping[str, Any]
) -> "tuple[Decision, str]":
    """The decision and whom it was made against, as the registry has noted them: made anew as long as the champion changes meanwhile."""
    registry = step.workspace.registry
    while True:
        champion = registry.champion(variant)
        decision, against = _decide(step, variant, version, champion, trained)
        if registry.record(variant, version, step.window_key, decision, against, seen=champion):
            return decision, against


def _decide(
    step: Step, variant: str, version: RegisteredVersion, champion: RegisteredVersion | None, trained: Mapping[str, Any]
) -> "tuple[Decision, str]":
    """The decision, and whom it was made against."""
    import numpy as np
    import torch

    from attribution_dagster.core.models.gate import decide
    from attribution_dagster.core.models.prediction import predict

    workspace, key = step.workspace, step.window_key
    torch.set_num_threads(workspace.settings.threads)
    sequences = open_sequences(workspace, variant, key)
    sessions = sequences.select(np.flatnonzero(sequences.in_risk_set))

    def probabilities(model: "AttributionModel") -> Any:
        return model.calibration.sample_probability(predict(model, sessions))

    theirs, objections = None, []
    against = champion.name if champion else "nobody"
    if champion is not None and champion.trained_for > version.trained_for:
        # It may have learnt from this very window, so that they can't be compared on it; and it is the newer one.
        objections = [f"older than the champion, which was trained for window {champion.trained_for}"]
    elif champion is not None:
        try:
            theirs = probabilities(load_version(workspace, champion))
        except (ValueError, RuntimeError) as error:
            # Of another format, or made for columns that the dataset no longer has: it can't score these sessions either.
            against = f"{champion.name}, which can't read these sessions ({str(error).splitlines()[0]})"
    decision = decide(
        probabilities(open_model(workspace, variant, key)),
        theirs,
        sessions.label,
        np.asarray(sessions.user_id.to_pylist(), dtype=object),
        non_finite_weights=trained["non_finite_weights"],
        objections=objections,
    )
    return decision, against
