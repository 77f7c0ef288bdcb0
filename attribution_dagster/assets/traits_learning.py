"""What the three assets that learn of customers have in common: one folder for all windows up to the next training, filled in an MLflow run."""

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from attribution_dagster.assets.step import Step, digest
from attribution_dagster.assets.tracking import dagster_run_is_over, run_tags
from attribution_dagster.assets.training import training_keys
from attribution_dagster.assets.traits_data import trait_settings, traits_spec
from attribution_dagster.errors import MissingInputError
from attribution_dagster.resources.tracker import Training, TrainingRun
from attribution_dagster.resources.workspace import WHOLE, Workspace

if TYPE_CHECKING:
    from attribution_dagster.core.traits.model import TraitModel

MODELS = ("item2vec", "customer_embeddings", "customer_traits")
"""The assets that learn something, each with a folder that the windows up to the next training share."""


def model_folder(workspace: Workspace, asset: str, key: str) -> Path:
    """Where what the asset learnt for the window lies. MissingInputError if it has not."""
    folder = known_folder(workspace, asset, key)
    if folder is None:
        raise MissingInputError(f"{asset} of window {key} is missing: materialise it first")
    return folder


def known_folder(workspace: Workspace, asset: str, key: str) -> Path | None:
    """The same, None if there is none."""
    record = workspace.artifacts.record(asset, key)
    if record is None:
        return None
    return workspace.artifacts.folder(asset, record.report["trained_for_window"], record.report["model_version"])


def open_trait_model(workspace: Workspace, key: str) -> "TraitModel":
    """Everything learnt of customers for the window."""
    from attribution_dagster.core.traits.model import TraitModel

    return TraitModel.load(*(model_folder(workspace, asset, key) for asset in MODELS))


def learnt(
    step: Step, instance: dg.DagsterInstance, code: str, learn: "Callable[[Path, TrainingRun, int], None]"
) -> tuple[str, str]:
    """The window trained for and the version of what `learn` fills a folder with, in an MLflow run; what is there is not learnt again.

    `learn` gets the folder, the run and a seed.
    """
    workspace, keys = step.workspace, training_keys(step.workspace, step.window_key)
    trained_for = workspace.retrain_key(step.window_key)
    inputs = [step.inputs[f"sessions@{k}"] for k in keys]
    version = digest(code, inputs, trait_settings(workspace.profile))

    def fill(folder: Path) -> None:
        seed = zlib.crc32(f"{workspace.profile.name}/{step.asset}/{trained_for}".encode()) % 2**31
        with workspace.tracker.training(_training(step, trained_for, keys, inputs, seed)) as run:
            learn(folder, run, seed)
            (folder / "mlflow_run_id").write_text(run.run_id)
            (folder / "mlflow_location").write_text(run.location)
            run.log_files(folder)

    if workspace.artifacts.folder(step.asset, trained_for, version) is None:
        workspace.tracker.close_abandoned(workspace.profile.name, lambda run_id: dagster_run_is_over(instance, run_id))
        workspace.artifacts.create(step.asset, trained_for, version, fill)
    return trained_for, version


def learnt_report(step: Step, trained_for: str, version: str) -> dict[str, Any]:
    """Where the window's model comes from: what every one of the three reports."""
    folder = step.workspace.artifacts.folder(step.asset, trained_for, version)
    assert folder is not None
    return {
        "trained_for_window": trained_for,
        "model_version": version,
        "mlflow_run_id": (folder / "mlflow_run_id").read_text(),
        **step.workspace.tracker.link((folder / "mlflow_location").read_text()),
    }


def _training(step: Step, trained_for: str, keys: list[str], inputs: list[str], seed: int) -> Training:
    profile, source = step.workspace.profile, step.workspace.artifacts.record("source", WHOLE)
    spec = traits_spec(profile).model_dump()
    return Training(
        dataset=profile.name,
        variant=step.asset,
        window_key=trained_for,
        parameters={**spec, "seed": seed, "training_windows": f"{keys[0]} to {keys[-1]}"},
        tags=run_tags(step, trained_for),
        digest=digest(inputs),
        source=str(source.report["first_file"]["path"]) if source else profile.name,
    )
