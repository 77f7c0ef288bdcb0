"""Small assets whose checks and steps fail as a tag of the run says, run in process on a real instance."""

import logging
import threading
from collections.abc import Iterator

import dagster as dg

from attribution_dagster.checks.adapter import check_metadata
from attribution_dagster.checks.expectations import Expectation, equal
from attribution_dagster.resources.artifacts import Verdict
from attribution_dagster_tests.deployment.servers import HANGING_S

PARTITIONS = dg.DailyPartitionsDefinition("2025-01-01")
WINDOW = "2025-01-06"
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
USER = "u00017"
EXPECTATION = Expectation(name="hard", asset="sessions", description="", rules=(equal("n_ids", "n_sessions"),))
VERDICT = Verdict(
    version="1", passed=False, blocking=True, summary="expected n_ids = n_sessions, found n_ids = 11", offending=2,
    observed={"n_sessions": 12, "n_ids": 11, "first_of_them": USER}, rows=[{"session_id": f"{USER}_d_1", "n": 2}],
)  # fmt: skip
STARTED, RELEASED = threading.Event(), threading.Event()


def _wants(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext, fault: str) -> bool:
    return fault in context.run.tags.get("faults", "").split()


@dg.asset(key=["toy", "sessions"], partitions_def=PARTITIONS)
def sessions(context: dg.AssetExecutionContext) -> None:
    if _wants(context, "wait"):
        STARTED.set()
        RELEASED.wait(HANGING_S)
    if _wants(context, "step"):
        raise ValueError("no connection to postgresql://reader:hunter2hunter2@db/shop\nsecond line, token=abcdef123")


@dg.asset(key=["toy", "other"], partitions_def=PARTITIONS)
def other(context: dg.AssetExecutionContext) -> None:
    if _wants(context, "other"):
        raise ValueError("the other step failed too")


@dg.asset(key=["toy", "marts"], deps=[sessions], partitions_def=PARTITIONS)
def marts() -> None: ...


@dg.multi_asset_check(
    specs=[
        dg.AssetCheckSpec("hard", asset=sessions, blocking=True, partitions_def=PARTITIONS),
        dg.AssetCheckSpec("soft", asset=sessions, partitions_def=PARTITIONS),
        dg.AssetCheckSpec("error_that_blocks_nothing", asset=sessions, partitions_def=PARTITIONS),
    ],
)
def checks(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
    for name, severity in (
        ("soft", dg.AssetCheckSeverity.WARN),
        ("error_that_blocks_nothing", dg.AssetCheckSeverity.ERROR),
        ("hard", dg.AssetCheckSeverity.ERROR),
    ):
        yield dg.AssetCheckResult(
            check_name=name,
            asset_key=sessions.key,
            passed=not _wants(context, name),
            severity=severity,
            description=VERDICT.summary,
            metadata=check_metadata(EXPECTATION, VERDICT, "/data/checks/2025-01-06/window.html"),
        )


DEFINITIONS = dg.Definitions(assets=[sessions, other, marts], asset_checks=[checks])


def run(instance: dg.DagsterInstance, faults: str, window: str = WINDOW) -> dg.ExecuteInProcessResult:
    """A run whose checks or steps of these names fail."""
    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    return DEFINITIONS.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance,
        partition_key=window,
        asset_selection=[dg.AssetKey(["toy", name]) for name in ("sessions", "other", "marts")],
        run_config=QUIET,
        tags={"faults": faults},
        raise_on_error=False,
    )
