"""Verdicts changed by hand, and runs of one asset with its checks."""

from collections.abc import Callable
from dataclasses import replace

import dagster as dg

from attribution_dagster.build import definitions_of
from attribution_dagster.checks.suites import expectations
from attribution_dagster.datasets.registry import load_profile
from attribution_dagster.resources.artifacts import Verdict
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.pipeline.small import EXPLAINED

BLOCKING = [e for e in expectations(load_profile("marketplace")) if e.blocking]
"""Expectations whose failure stops what is downstream."""


def change_verdict(
    workspace: Workspace, asset: str, check: str, change: Callable[[Verdict], Verdict], window_key: str = EXPLAINED
) -> None:
    verdict = workspace.artifacts.verdict(asset, check, window_key)
    assert verdict is not None
    workspace.artifacts.save_verdict(asset, check, window_key, change(verdict))


def failed(verdict: Verdict) -> Verdict:
    return replace(verdict, passed=False, summary="off by one")


def run_only(
    workspace: Workspace, asset: str, *, force: bool = True, raise_on_error: bool = True
) -> dg.ExecuteInProcessResult:
    """A run that selects one asset, with its checks."""
    job = definitions_of([workspace]).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        return job.execute_in_process(
            instance=instance,
            partition_key=EXPLAINED,
            asset_selection=[dg.AssetKey(["small", *asset.split("/")])],
            tags={"attribution/force": str(force).lower()},
            raise_on_error=raise_on_error,
        )
