"""What runs by itself: a window is prepared some hours after it has closed, and explained when it has been prepared.

Two jobs, because a window that trains models exists before the first that can be explained: Dagster runs assets together
only if they have the same windows. The second is requested when the first has succeeded, so a window whose blocking
checks failed is not explained.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from attribution_dagster.datasets.profile import Profile, ScheduleSpec
from attribution_dagster.datasets.windows import windows
from attribution_dagster.graph import PREPARED, DatasetAssets

PARTITION_TAG = "dagster/partition"
LATE_AFTER = timedelta(hours=6)
"""How long making a window may take before it is missed."""
AssetJob = Any  # what dg.define_asset_job returns; Dagster 1.13 does not export its type


def automation_of(dataset: DatasetAssets, assets: list[dg.AssetsDefinition]) -> dg.Definitions:
    """The jobs, the schedule and the sensor of a dataset; both are on if its profile has a `schedule`."""
    name, profile = dataset.workspace.profile.name, dataset.workspace.profile
    keys = [key for asset in assets for key in asset.keys]
    prepared = [key for key in keys if key.path[-1] in ("source", *PREPARED)]
    prepare = dg.define_asset_job(
        f"{name}_prepare",
        selection=dg.AssetSelection.assets(*prepared),
        partitions_def=dataset.windows,
        description=f"The source, sessions, funnels and sequences of one {profile.windows.length}.",
    )
    explain = dg.define_asset_job(
        f"{name}_explain",
        selection=dg.AssetSelection.assets(*(key for key in keys if key not in prepared)),
        partitions_def=dataset.explained,
        description=f"Models, attribution, reports and publication of one {profile.windows.length}.",
    )
    own = dg.Definitions(
        jobs=[prepare, explain],
        schedules=[_schedule(profile, prepare)],
        sensors=[_explain_prepared(dataset, prepare, explain)],
    )
    return dg.Definitions.merge(own, _watch(dataset)) if profile.schedule else own


def cron(profile: Profile) -> str:
    """When a window is made, in the dataset's time zone: `delay_hours` after its last midnight."""
    days, hour = divmod((profile.schedule or ScheduleSpec()).delay_hours, 24)
    return {"day": f"0 {hour} * * *", "week": f"0 {hour} * * {(1 + days) % 7}", "month": f"0 {hour} {1 + days} * *"}[
        profile.windows.length
    ]


def latest_closed(profile: Profile, now: datetime) -> str | None:
    """Key of the latest window that was over at `now` (UTC, no zone), None before the first."""
    return max((w.key for w in windows(profile, until=now) if w.end <= now), default=None)


def _schedule(profile: Profile, prepare: AssetJob) -> dg.ScheduleDefinition:
    status = dg.DefaultScheduleStatus.RUNNING if profile.schedule else dg.DefaultScheduleStatus.STOPPED

    @dg.schedule(
        name=f"{profile.name}_windows",
        job=prepare,
        cron_schedule=cron(profile),
        execution_timezone=profile.time_zone,
        default_status=status,
        description=f"Makes each {profile.windows.length} of {profile.name} once, {cron(profile)} in {profile.time_zone}.",
    )
    def made_when_closed(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        now = context.scheduled_execution_time.astimezone(UTC).replace(tzinfo=None)
        key = latest_closed(profile, now)
        if key is None:
            return dg.SkipReason(f"no {profile.windows.length} of {profile.name} is over yet")
        # The run key makes it once: a dataset whose windows have an end asks for its last one again and again.
        return dg.RunRequest(run_key=key, partition_key=key)

    return made_when_closed


def _explain_prepared(dataset: DatasetAssets, prepare: AssetJob, explain: AssetJob) -> dg.SensorDefinition:
    profile = dataset.workspace.profile

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS,
        monitored_jobs=[prepare],
        request_job=explain,
        name=f"{profile.name}_explain_prepared",
        default_status=dg.DefaultSensorStatus.RUNNING if profile.schedule else dg.DefaultSensorStatus.STOPPED,
        description="Explains a window when its preparation has succeeded, if windows before it can train a model.",
    )
    def explain_prepared(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
        run = context.dagster_run
        key = run.tags.get(PARTITION_TAG)
        if key is None or not dataset.explained.has_partition_key(key):
            return dg.SkipReason(f"window {key} has no full look-back: it trains models, and is not explained")
        return dg.RunRequest(run_key=run.run_id, partition_key=key)

    return explain_prepared


def _watch(dataset: DatasetAssets) -> dg.Definitions:
    """A check of its own schedule that the latest window is there: nothing else notices a schedule that has stopped.

    A freshness policy does not either, by itself: it is of the asset, and filling an old window in turns it green.
    """
    workspace, profile = dataset.workspace, dataset.workspace.profile

    @dg.asset_check(asset=dataset.key("published"), name="latest_window_present")
    def latest_window_present() -> dg.AssetCheckResult:
        """The latest window that should have been made by now is published."""
        late = LATE_AFTER + timedelta(hours=(profile.schedule or ScheduleSpec()).delay_hours)
        expected = latest_closed(profile, datetime.now(UTC).replace(tzinfo=None) - late)
        due = expected is not None and dataset.explained.has_partition_key(expected)
        found = workspace.warehouse.published_windows()
        return dg.AssetCheckResult(
            passed=not due or expected in found,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"window {expected} should have been published by now" if due else "none is due yet",
            metadata={"expected": str(expected), "latest_published": max(found, default="none")},
        )

    watch = dg.define_asset_job(
        f"{profile.name}_watch",
        selection=dg.AssetSelection.checks(latest_window_present),
        description="Is the latest window there?",
    )
    daily = dg.ScheduleDefinition(
        name=f"{profile.name}_watch",
        job=watch,
        cron_schedule="0 12 * * *",
        execution_timezone=profile.time_zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    return dg.Definitions(asset_checks=[latest_window_present], jobs=[watch], schedules=[daily])
