"""A small dataset of ads and quick models, on which the graph of journeys runs in seconds."""

from collections.abc import Mapping, Sequence
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
EVENTS_PROFILE = """
extends: marketplace
name: banners
title: Events with banners
source: {simulate: {users: 250, seed: 3}}
windows: {start: 2025-01-06, end: 2025-01-27, look_back: 2}
variants: {}
traits: null
journeys:
  impression: banner_view
  click: card_click
  campaign: discovery_feature
  members: 0
  training: {max_epochs: 1, d_category: 4, d_model: 8, d_hidden: 8}
"""
"""A dataset of events, of which two kinds are ads; it has no auctions."""


def small_ads(root: Path, *, users: int = 600, settings: Mapping[str, str] | None = None) -> Workspace:
    """The workspace of dataset `small_ads`, with everything it writes under `root`; `settings` change the environment."""
    folder = root / "datasets"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "small_ads.yaml").write_text(PROFILE.format(users=users))
    return _opened(root, "small_ads", settings or {})


def events_with_ads(root: Path) -> Workspace:
    """The workspace of dataset `banners`, with everything it writes under `root`."""
    folder = root / "datasets"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "banners.yaml").write_text(EVENTS_PROFILE)
    return _opened(root, "banners", {})


def _opened(root: Path, dataset: str, settings: Mapping[str, str]) -> Workspace:
    environment = {
        "ATTRIBUTION_HOME": str(root / "home"),
        "ATTRIBUTION_EXPORTS": str(root / "exports"),
        "ATTRIBUTION_DATASETS": dataset,
        "ATTRIBUTION_DATASET_FOLDERS": str(root / "datasets"),
        "ATTRIBUTION_THREADS": "1",
        "ATTRIBUTION_MEMORY_LIMIT": "1GB",
    }
    return open_workspace(dataset, Settings.from_environment({**environment, **settings}), LoggedProgress())


def publish(workspace: Workspace) -> list[str]:
    """Makes everything up to the publication of the explained window, as separate runs; the names of its assets."""
    definitions = definitions_of([workspace])
    job = definitions.resolve_implicit_global_asset_job_def()
    names = ["/".join(key.path[1:]) for key in definitions.resolve_all_asset_keys()]
    prepared = [name for name in PREPARED if name in names]
    explained = [name for name in names if name not in ("source", *prepared)]

    def run(assets: Sequence[str], key: str | None) -> None:
        selection = [dg.AssetKey([workspace.profile.name, name]) for name in assets]
        job.execute_in_process(instance=instance, partition_key=key, asset_selection=selection)

    with dg.DagsterInstance.ephemeral() as instance:
        run(["source"], None)
        for key in WINDOWS:
            run(prepared, key)
        run(explained, EXPLAINED)
    return names
