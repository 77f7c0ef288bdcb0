"""The two dagster.yaml: Dagster accepts them, they say why beside each setting, and a killed run shuts out no later one."""

import re
import shutil
from itertools import pairwise
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.execution.plan.instance_concurrency_context import InstanceConcurrencyContext
from dagster._core.instance.config import dagster_instance_config
from dagster._core.storage.dagster_run import DagsterRun

from attribution_dagster.graph import TRAINING_POOL
from attribution_dagster_tests.deployment.project import DEPLOY, ROOT, load

FILES = {"embedded": ROOT / "dagster.yaml", "compose": DEPLOY / "dagster.yaml"}


@pytest.mark.parametrize("which", FILES)
def test_dagster_accepts_it(which: str) -> None:
    accepted, _ = dagster_instance_config(str(FILES[which].parent), FILES[which].name)
    assert accepted["telemetry"] == {"enabled": False}
    assert accepted["run_monitoring"]["enabled"] and accepted["run_retries"]["enabled"]
    assert not accepted["run_retries"]["retry_on_asset_or_op_failure"], (
        "a window with bad data would be made again and again"
    )
    assert accepted["concurrency"]["pools"]["default_limit"] == 1


@pytest.mark.parametrize("which", FILES)
def test_reasons_stand_beside_the_settings(which: str) -> None:
    for block in re.split(r"\n\n+", FILES[which].read_text().strip()):
        assert "#" in block, f"{which}: no reason in\n{block}"
        lines = ["", *block.splitlines()]
        for above, line in pairwise(lines):
            if re.search(r": -?\d", line) and "purge_after_days" not in line:
                assert "#" in line or above.lstrip().startswith("#"), f"{which}: no reason for {line}"


def test_a_run_that_was_killed_does_not_keep_later_ones_from_training(tmp_path: Path) -> None:
    shutil.copy(FILES["embedded"], tmp_path)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        storage = instance.event_log_storage
        storage.initialize_concurrency_limit_to_default(TRAINING_POOL)
        assert storage.claim_concurrency_slot(TRAINING_POOL, "a run that was killed", "trained_model").is_claimed
        assert not storage.claim_concurrency_slot(TRAINING_POOL, "a queued run", "trained_model").is_claimed
        # What an executor asks before it starts a step; a refusal would be asked again and again, for ever.
        with InstanceConcurrencyContext(instance, DagsterRun(job_name="small_explain_no_funnel")) as pools:
            assert pools.claim(TRAINING_POOL, "trained_model")


def test_the_deployed_instance_lacks_nothing_that_the_embedded_one_has() -> None:
    embedded, deployed = (yaml.safe_load(path.read_text()) for path in FILES.values())
    assert set(embedded) <= set(deployed)
    assert set(embedded["run_monitoring"]) <= set(deployed["run_monitoring"])


def test_values_of_the_chart_carry_what_the_chart_has_no_name_for(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(load("values.yaml")["additionalInstanceConfig"]))
    accepted, _ = dagster_instance_config(str(tmp_path))
    assert accepted["concurrency"]["pools"] == {"granularity": "op", "default_limit": 8}
    assert not accepted["run_retries"]["retry_on_asset_or_op_failure"]
