"""A small dataset and a quick model, on which the whole graph runs in seconds."""

import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import dagster as dg

from attribution_dagster.atomic import PARTIAL
from attribution_dagster.build import definitions_of
from attribution_dagster.resources.progress import LoggedProgress
from attribution_dagster.resources.workspace import Workspace, open_workspace
from attribution_dagster.settings import Settings
from attribution_dagster_tests.deployment.servers import HANGING_S

PROFILE = """
extends: marketplace
name: small
title: Small simulated marketplace
source: {{simulate: {{users: {users}, seed: {seed}}}}}
windows: {{start: 2025-01-06, end: {end}, look_back: 2}}
sampling: {{users: 250}}
training: {{max_epochs: 1, d_model: 24, n_heads: 2, n_layers: 1, d_feedforward: 32, d_category: 8}}
attribution: {{compared_sessions: 20}}
conversion: {{trials: 1, trees: 20}}
traits: {{dimensions: 16, searched: 2, numbers: [4, 8]}}
trust: {{curve_sessions: 40, halves: 3, permutations: 1, epochs: 0}}
"""
WINDOWS = ["2025-01-06", "2025-01-13", "2025-01-20"]
EXPLAINED = "2025-01-20"
VARIANTS = ["no_funnel", "with_funnel"]


def small_workspace(
    root: Path,
    *,
    users: int = 300,
    seed: int = 3,
    end: str = "2025-01-27",
    extra: str = "",
    events: str | None = None,
    settings: Mapping[str, str] | None = None,
) -> Workspace:
    """The workspace of dataset `small`, with everything it writes under `root`; `settings` are further variables."""
    folder = root / "datasets"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "small.yaml").write_text(PROFILE.format(users=users, seed=seed, end=end) + extra)
    environment = small_environment(root) | dict(settings or {})
    if events is not None:
        environment["ATTRIBUTION_EVENTS_SMALL"] = events
    return open_workspace("small", Settings.from_environment(environment), LoggedProgress())


def small_environment(root: Path) -> dict[str, str]:
    """The settings of the small dataset under `root`, as environment variables."""
    return {
        "ATTRIBUTION_HOME": str(root / "home"),
        "ATTRIBUTION_EXPORTS": str(root / "exports"),
        "ATTRIBUTION_DATASETS": "small",
        "ATTRIBUTION_DATASET_FOLDERS": str(root / "datasets"),
        "ATTRIBUTION_THREADS": "1",
        "ATTRIBUTION_MEMORY_LIMIT": "1GB",
    }


def materialise(workspace: Workspace, assets: Sequence[str], keys: Sequence[str | None]) -> None:
    """Makes assets (by their last names) of these windows, one run each, in this process; None for what has no windows."""
    job = definitions_of([workspace]).resolve_implicit_global_asset_job_def()
    selection = [dg.AssetKey(["small", *name.split("/")]) for name in assets]
    with dg.DagsterInstance.ephemeral() as instance:
        for key in keys:
            job.execute_in_process(instance=instance, partition_key=key, asset_selection=selection)


@contextmanager
def own_dagster_home(root: Path) -> Iterator[None]:
    """DAGSTER_HOME inside `root`, and as it was afterwards."""
    before = os.environ.get("DAGSTER_HOME")
    os.environ["DAGSTER_HOME"] = str(root / "dagster")
    try:
        yield
    finally:
        del os.environ["DAGSTER_HOME"]
        if before is not None:
            os.environ["DAGSTER_HOME"] = before


def copy_in_use(source: Path, target: Path, *left_out: str) -> None:
    """Copies a folder while others write to it: without what is there for a moment only, and databases as of their last commit.

    left_out: patterns of names that are not copied either.
    """
    passing = shutil.ignore_patterns(*left_out, f"{PARTIAL}*", "spill", "*.db-*")
    databases: list[Path] = []

    def ignored(folder: str, names: list[str]) -> set[str]:
        found = passing(folder, names)
        own = {name for name in names if name.endswith(".db")} - found
        databases.extend(Path(folder, name) for name in own)
        return found | own

    shutil.copytree(source, target, ignore=ignored)
    for path in databases:
        with (
            closing(sqlite3.connect(path, timeout=HANGING_S)) as live,
            closing(sqlite3.connect(target / path.relative_to(source))) as copy,
        ):
            live.backup(copy)
