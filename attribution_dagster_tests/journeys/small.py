"""A small dataset of ads and quick models, on which the graph of journeys runs in seconds."""

from collections.abc import Sequence
from pathlib import Path

import dagster as dg

from attribution_dagster.build import definitions_of
from attribution_dagster.resources.progress import LoggedProgress
from attribution_dagster.resources.workspace import Workspace, open_workspace
from attribution_dagster.settings import Settings

PROFILE = """
extends: ads
name: small_ads
title: Small simulated ads
source: {{simulate: {{world: ads, users: {users}, seed: 3}}}}
windows: {{start: 2025-01-06, end: 2025-01-27, look_back: 2}}
journeys: {{members: 3, training: {{max_epochs: 2, d_category: 4, d_model: 8, d_hidden: 8}}}}
"""
WINDOWS = ["2025-01-06", "2025-01-13", "2025-01-20"]
EXPLAINED = "2025-01-20"
PREPARED = ["events", "ad_auctions", "ad_journeys"]


def small_ads(root: Path, *, users: int = 600) -> Workspace:
    """The workspace of dataset `small_ads`, with everything it writes under `root`."""
    folder = root / "datasets"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "small_ads.yaml").write_text(PROFILE.format(users=users))
    environment = {
        "ATTRIBUTION_HOME": str(root / "home"),
        "ATTRIBUTION_EXPORTS": str(root / "exports"),
        "ATTRIBUTION_DATASETS": "small_ads",
        "ATTRIBUTION_DATASET_FOLDERS": str(folder),
        "ATTRIBUTION_THREADS": "1",
        "ATTRIBUTION_MEMORY_LIMIT": "1GB",
    }
    return open_workspace("small_ads", Settings.from_environment(environment), LoggedProgress())


def publish(workspace: Workspace) -> list[str]:
    """Makes everything up to the publication of the explained window, as separate runs; the names of its assets."""
    definitions = definitions_of([workspace])
    job = definitions.resolve_implicit_global_asset_job_def()
    names = ["/".join(key.path[1:]) for key in definitions.resolve_all_asset_keys()]
    explained = [name for name in names if name not in ("source", *PREPARED)]

    def run(assets: Sequence[str], key: str | None) -> None:
        selection = [dg.AssetKey(["small_ads", name]) for name in assets]
        job.execute_in_process(instance=instance, partition_key=key, asset_selection=selection)

    with dg.DagsterInstance.ephemeral() as instance:
        run(["source"], None)
        for key in WINDOWS:
            run(PREPARED, key)
        run(explained, EXPLAINED)
    return names
