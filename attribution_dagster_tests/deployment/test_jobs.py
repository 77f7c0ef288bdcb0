"""The parts of a window as jobs: they hold everything once, and run one after the other they publish the window."""

from pathlib import Path
from typing import Any

import dagster as dg

from attribution_dagster.assets.promotion import PROMOTION_POOL
from attribution_dagster.build import build_definitions, definitions_of
from attribution_dagster.graph import FORCE_TAG, TRAINING_POOL
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.settings import Settings
from attribution_dagster_tests.pipeline.small import EXPLAINED, VARIANTS, copy_in_use, own_dagster_home, small_workspace

PARTS = ["prepare", *(f"explain_{variant}" for variant in VARIANTS), "publish"]


def test_models_are_trained_from_a_pool_the_gate_has_one_and_nothing_else_has() -> None:
    definitions = build_definitions(Settings.from_environment({}))
    pooled = {
        (asset.op.pool, key.path[-1])
        for asset in definitions.assets or []
        if isinstance(asset, dg.AssetsDefinition) and asset.op.pool
        for key in asset.keys
    }
    trained = {
        (TRAINING_POOL, "trained_model"),
        (TRAINING_POOL, "attribution_trust"),
        (TRAINING_POOL, "conversion_model"),
        (TRAINING_POOL, "item2vec"),
    }
    assert pooled == trained | {(PROMOTION_POOL, "champion")}


def test_jobs_in_turn_publish_a_window(published: Workspace, tmp_path: Path) -> None:
    copy_in_use(published.settings.home, tmp_path / "home")
    with own_dagster_home(tmp_path):
        (tmp_path / "dagster").mkdir()
        workspace = small_workspace(tmp_path)
        try:
            before = _published_version(workspace)
            definitions = definitions_of([workspace])
            with dg.DagsterInstance.local_temp(str(tmp_path / "dagster")) as instance:
                for part in PARTS:
                    job = definitions.resolve_job_def(f"small_{part}")
                    tags = {FORCE_TAG: "true"}
                    assert job.execute_in_process(partition_key=EXPLAINED, instance=instance, tags=tags).success, part
            assert _published_version(workspace) not in (None, before)
        finally:
            workspace.warehouse.close()


def _published_version(workspace: Workspace) -> Any:
    record = workspace.artifacts.record("published", EXPLAINED)
    return record.version if record else None
