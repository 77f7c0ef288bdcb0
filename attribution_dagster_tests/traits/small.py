"""A small dataset of shoppers, on which the graph of traits runs in seconds: without variants' models, which traits don't need."""

from collections.abc import Sequence
from pathlib import Path

import dagster as dg

from attribution_dagster.build import definitions_of
from attribution_dagster.resources.progress import LoggedProgress
from attribution_dagster.resources.workspace import Workspace, open_workspace
from attribution_dagster.settings import Settings

PROFILE = """
extends: shoppers
name: small_shoppers
title: Small simulated shoppers
source: {{simulate: {{world: shoppers, users: 250, seed: 3}}}}
windows: {{start: 2025-01-06, end: {end}, look_back: 2, retrain_every: {retrain_every}}}
traits: {{dimensions: 16, searched: 2, numbers: [4, 6]}}
"""
WINDOWS = ["2025-01-06", "2025-01-13", "2025-01-20", "2025-01-27"]
EXPLAINED = WINDOWS[2:]
MADE = [
    "item2vec",
    "customer_embeddings",
    "customer_traits",
    "trait_profiles",
    "similar_customers",
    "recommendations",
    "trait_report",
]


def small_shoppers(root: Path, *, retrain_every: int = 1) -> Workspace:
    """The workspace of dataset `small_shoppers`, with everything it writes under `root`."""
    folder = root / "datasets"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "small_shoppers.yaml").write_text(PROFILE.format(end="2025-02-03", retrain_every=retrain_every))
    environment = {
        "ATTRIBUTION_HOME": str(root / "home"),
        "ATTRIBUTION_EXPORTS": str(root / "exports"),
        "ATTRIBUTION_DATASETS": "small_shoppers",
        "ATTRIBUTION_DATASET_FOLDERS": str(folder),
        "ATTRIBUTION_THREADS": "1",
        "ATTRIBUTION_MEMORY_LIMIT": "1GB",
    }
    return open_workspace("small_shoppers", Settings.from_environment(environment), LoggedProgress())


def run(workspace: Workspace, assets: Sequence[str], keys: Sequence[str | None]) -> None:
    """Makes assets of these windows with their checks, one run each, in this process; None for what has no windows."""
    job = definitions_of([workspace]).resolve_implicit_global_asset_job_def()
    selection = [dg.AssetKey(["small_shoppers", name]) for name in assets]
    with dg.DagsterInstance.ephemeral() as instance:
        for key in keys:
            job.execute_in_process(instance=instance, partition_key=key, asset_selection=selection)


def make_all(workspace: Workspace) -> None:
    """Everything up to the drift of traits, in both explained windows."""
    run(workspace, ["source"], [None])
    run(workspace, ["events", "sessions"], WINDOWS)
    for key in EXPLAINED:
        run(workspace, MADE, [key])
        run(workspace, ["trait_drift"], [key])
