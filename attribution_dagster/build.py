"""The one place where parts meet: settings become workspaces, workspaces become assets and checks."""

import dagster as dg

from attribution_dagster.assets.attribution import attribution_assets
from attribution_dagster.assets.published import published_assets
from attribution_dagster.assets.report import leakage_assets, report_assets
from attribution_dagster.assets.sequences import sequence_assets
from attribution_dagster.assets.sessions import session_assets
from attribution_dagster.assets.source import source_assets
from attribution_dagster.assets.training import training_assets
from attribution_dagster.checks.adapter import asset_checks
from attribution_dagster.graph import DatasetAssets
from attribution_dagster.jobs import window_jobs
from attribution_dagster.resources.progress import LoggedProgress, Progress
from attribution_dagster.resources.workspace import Workspace, open_workspace
from attribution_dagster.settings import Settings


def build_definitions(settings: Settings, progress: Progress | None = None) -> dg.Definitions:
    """Everything Dagster loads: the assets, checks and jobs of the enabled datasets."""
    workspaces = [open_workspace(name, settings, progress or LoggedProgress()) for name in settings.datasets]
    return definitions_of(workspaces)


def definitions_of(workspaces: list[Workspace]) -> dg.Definitions:
    """Assets, checks and jobs of these workspaces."""
    datasets = [DatasetAssets.of(workspace) for workspace in workspaces]
    return dg.Definitions(
        assets=[asset for dataset in datasets for asset in _assets(dataset)],
        asset_checks=[check for dataset in datasets for check in asset_checks(dataset)],
        jobs=[job for dataset in datasets for job in window_jobs(dataset)],
        # A process for each step would cost more than most steps, and train the variants of a window at once. Windows run side by side as runs.
        executor=dg.in_process_executor,
    )


def _assets(dataset: DatasetAssets) -> list[dg.AssetsDefinition]:
    per_variant = (sequence_assets, training_assets, attribution_assets, report_assets)
    return [
        *source_assets(dataset),
        *session_assets(dataset),
        *(a for v in dataset.workspace.profile.variants for make in per_variant for a in make(dataset, v)),
        *leakage_assets(dataset),
        *published_assets(dataset),
    ]
