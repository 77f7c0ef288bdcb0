"""Whether a variant's attribution can be trusted: the report that a window's publication depends on."""

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import pyarrow as pa

from attribution_dagster.assets.method_comparison import default_method
from attribution_dagster.assets.report import inline_picture
from attribution_dagster.assets.sequences import open_sequences
from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.assets.tracking import log_window
from attribution_dagster.assets.training import open_model, specifications, split_sessions, training_keys
from attribution_dagster.graph import TRAINING_POOL, DatasetAssets
from attribution_dagster.partitions import training_windows
from attribution_dagster.reports.markdown import markdown_table
from attribution_dagster.resources.workspace import Workspace

if TYPE_CHECKING:
    from attribution_dagster.core.attribution.trust.report import TrustReport
    from attribution_dagster.core.attribution.trust.retraining import Training

SHOWN = ("test", "granularity", "value", "value_low", "value_high", "bound_low", "bound_high", "passed", "blocking")
_CODE = code_version(
    "assets/trust.py", "reports/trust.py", "core/attribution", "core/models", "core/sequences"
)  # fmt: skip


def trust_assets(assets: DatasetAssets, variant: str) -> list[dg.AssetsDefinition]:
    """The variant's asset `attribution_trust`."""
    workspace, profile = assets.workspace, assets.workspace.profile
    asset, tensors = f"{variant}/attribution_trust", f"{variant}/sequence_tensors"
    reads = [f"{variant}/trained_model"]
    mapping = training_windows(profile)

    @dg.asset(
        **assets.options(
            asset,
            deps=[dg.AssetDep(assets.key(tensors), partition_mapping=mapping), *reads],
            kinds={"pytorch", "matplotlib"},
            group=f"step3_{variant}",
            code=_CODE,
            leaks=profile.variants[variant].leaks,
            pool=TRAINING_POOL,
        )
    )
    def attribution_trust(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Can the attribution be trusted? Tests of explanation, model and stability; a blocking one that fails holds the window back."""
        return make(
            context,
            workspace,
            asset,
            reads=lambda key: [
                *((tensors, k) for k in (*training_keys(workspace, key), key)),
                *((name, key) for name in reads),
            ],
            settings=lambda _: [
                profile.trust.model_dump(),
                profile.attribution.method,
                profile.training,
                profile.title,
            ],
            code=_CODE,
            exists=lambda step: step.table(*_tables(variant)) and step.artifact(),
            build=lambda step: _build(step, variant),
        )

    return [attribution_trust]


def _tables(variant: str) -> tuple[str, str]:
    return f"attribution_trust_{variant}", f"attribution_spread_{variant}"


def _build(step: Step, variant: str) -> Report:
    workspace, key = step.workspace, step.window_key
    found = _judge(step, variant)
    tests, effects = (pa.Table.from_pylist([row.to_json() for row in rows]) for rows in (found.tests, found.effects))
    start = workspace.window(key).start
    for name, table in zip(_tables(variant), (tests, effects), strict=True):
        stamp = pa.array([start] * table.num_rows, type=pa.timestamp("us"))
        workspace.warehouse.load(name, key, step.version, table.add_column(0, "window_start", stamp).to_batches())
    workspace.artifacts.create(step.asset, key, step.version, lambda folder: _draw(step, variant, found, folder))
    folder = workspace.artifacts.folder(step.asset, key, step.version)
    assert folder is not None
    picture = next(folder.glob("*.png"))
    bounded = [row for row in tests.to_pylist() if row["bound_low"] is not None or row["bound_high"] is not None]
    failed, warned = (
        [t.test for t in found.tests if t.passed is False and t.blocking is side] for side in (True, False)
    )
    return {
        "rows": tests.num_rows,
        "failed": ", ".join(failed) or "none",
        "warnings": ", ".join(warned) or "none",
        "picture": {"markdown": f"![Trust report](data:image/png;base64,{inline_picture(picture)})"},
        "file": {"path": str(picture)},
        "mlflow": _log(step, variant, picture),
        "tests": {"markdown": markdown_table(pa.Table.from_pylist(bounded), SHOWN)},
        "spread": {"markdown": markdown_table(effects, rows=12)},
    }


def _log(step: Step, variant: str, picture: Path) -> str:
    """Adds the tables and the picture to the run of the model that was judged; says whether that run was there."""
    slices = {name: step.workspace.slice_of(name, step.window_key) for name in _tables(variant)}
    tables = {name.removesuffix(f"_{variant}"): rows for name, rows in slices.items()}
    trained = step.workspace.artifacts.record(f"{variant}/trained_model", step.window_key)
    assert trained is not None  # its version is an input
    run_id = trained.report["mlflow_run_id"]
    return log_window(step, variant, run_id, tables=tables, pictures={picture.name: picture.read_bytes()})


def how_it_was_trained(workspace: Workspace, variant: str, key: str) -> "Training":
    """The training of the model that explains the window, to be done again: up to the epoch it kept, or the profile's limit."""
    import numpy as np

    from attribution_dagster.core.attribution.trust.retraining import Training

    keys, profile = training_keys(workspace, key), workspace.profile
    sets = [open_sequences(workspace, variant, k) for k in keys]
    train_set, validation_set, _ = split_sessions(sets, profile.name, variant, keys)
    spec, training = specifications(profile)
    trained = workspace.artifacts.record(f"{variant}/trained_model", key)
    assert trained is not None  # its version is an input
    epochs = min(math.ceil(trained.report["best_epoch"]), profile.trust.epochs)
    return Training(
        train_set=train_set,
        validation_set=validation_set,
        windows=tuple(each.select(np.flatnonzero(each.in_risk_set)) for each in sets),
        spec=spec,
        training=training,
        epochs=epochs,
    )


def _judge(step: Step, variant: str) -> "TrustReport":
    import numpy as np
    import torch

    from attribution_dagster.core.attribution.trust.report import TrustSpec, trust_report

    workspace, key = step.workspace, step.window_key
    torch.set_num_threads(workspace.settings.threads)
    sequences = open_sequences(workspace, variant, key)
    leaks, spent = workspace.profile.variants[variant].leaks, TrustSpec(**workspace.profile.trust.model_dump())
    # Each of these models costs a training, and where the funnel is seen their ranking only warns.
    return trust_report(
        open_model(workspace, variant, key),
        sequences.select(np.flatnonzero(sequences.in_risk_set)),
        how_it_was_trained(workspace, variant, key),
        replace(spent, halves=1, permutations=1) if leaks else spent,
        method=default_method(workspace),
        leaks=leaks,
        progress=workspace.progress.advance,
    )


def _draw(step: Step, variant: str, found: "TrustReport", folder: Path) -> None:
    from attribution_dagster.reports.trust import trust_png

    profile = step.workspace.profile
    picture = trust_png(
        f"{profile.title}, {variant}, {step.window_key}",
        tests=[row.to_json() for row in found.tests],
        effects=[row.to_json() for row in found.effects],
        shares=found.shares,
        curves=found.curves,
        at_random=found.at_random,
        leaks=profile.variants[variant].leaks,
    )
    (folder / f"attribution_trust_{variant}.png").write_bytes(picture)
