"""What runs by itself: a window is prepared some hours after it has closed, then explained by each variant, then published.

<dataset>_prepare            events to sequence tensors; needs no other window
<dataset>_explain_<variant>  model, attribution, tables and picture of one variant; needs `prepare` of the window and of its look-back
<dataset>_publish            comparison, publication and drift; needs every variant

A run is one process, on Kubernetes one pod. Each job is requested when the one before has succeeded, so a window whose blocking checks
failed goes no further. Preparing is a job of its own also because a window that trains models exists before the first that can be
explained, and Dagster runs assets together only if they have the same windows.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from attribution_dagster.datasets.profile import Profile, ScheduleSpec
from attribution_dagster.datasets.windows import windows
from attribution_dagster.graph import AFTER_PUBLICATION, PREPARED, DatasetAssets

PARTITION_TAG = "dagster/partition"
CAUGHT_UP = 7
"""Closed windows, at least, that a tick looks back on."""
LATE_AFTER = timedelta(hours=6)
"""How long making a window may take before it is missed."""
AssetJob = Any  # what dg.define_asset_job returns; Dagster 1.13 does not export its type


def automation_of(dataset: DatasetAssets, assets: list[dg.AssetsDefinition]) -> dg.Definitions:
    """The jobs, the schedule and the sensors of a dataset; they are on if its profile has a `schedule`."""
    profile = dataset.workspace.profile
    keys = [key for asset in assets for key in asset.keys]
    prepare = _job(dataset, "prepare", [key for key in keys if _part(dataset, key) == "prepare"])
    explain = {
        variant: _job(dataset, f"explain_{variant}", [key for key in keys if _part(dataset, key) == variant])
        for variant in profile.variants
    }
    publish = _job(dataset, "publish", [key for key in keys if _part(dataset, key) == "publish"])
    own = dg.Definitions(
        jobs=[prepare, *explain.values(), publish],
        schedules=[_schedule(profile, prepare)],
        sensors=[_explain_prepared(dataset, prepare, explain), _publish_explained(dataset, explain, publish)],
    )
    return dg.Definitions.merge(own, _watch(dataset)) if profile.schedule else own


def _part(dataset: DatasetAssets, key: dg.AssetKey) -> str:
    """Which job makes the asset: `prepare`, a variant's, or `publish`."""
    if key.path[-1] in ("source", *PREPARED):
        return "prepare"
    by_variant = key.path[1] in dataset.workspace.profile.variants and key.path[-1] not in AFTER_PUBLICATION
    return key.path[1] if by_variant else "publish"


def _job(dataset: DatasetAssets, part: str, keys: list[dg.AssetKey]) -> AssetJob:
    partitions = dataset.windows if part == "prepare" else dataset.explained
    return dg.define_asset_job(
        f"{dataset.workspace.profile.name}_{part}", dg.AssetSelection.assets(*keys), partitions_def=partitions
    )


def cron(profile: Profile) -> str:
    """When a window is made, in the dataset's time zone: `delay_hours` after its last midnight."""
    days, hour = divmod((profile.schedule or ScheduleSpec()).delay_hours, 24)
    return {"day": f"0 {hour} * * *", "week": f"0 {hour} * * {(1 + days) % 7}", "month": f"0 {hour} {1 + days} * *"}[
        profile.windows.length
    ]


def latest_closed(profile: Profile, now: datetime) -> str | None:
    """Key of the latest window that was over at `now` (UTC, no zone), None before the first."""
    return max(_closed(profile, now), default=None)


def _closed(profile: Profile, now: datetime) -> list[str]:
    return [w.key for w in windows(profile, until=now) if w.end <= now]


def _schedule(profile: Profile, prepare: AssetJob) -> dg.ScheduleDefinition:
    status = dg.DefaultScheduleStatus.RUNNING if profile.schedule else dg.DefaultScheduleStatus.STOPPED

    @dg.schedule(
        name=f"{profile.name}_windows",
        job=prepare,
        cron_schedule=cron(profile),
        execution_timezone=profile.time_zone,
        default_status=status,
        description=f"Asks for each closed {profile.windows.length} of {profile.name} once, {cron(profile)} in {profile.time_zone}.",
    )
    def made_when_closed(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        # Dagster lets go of ticks that a stopped daemon missed, so each tick asks for what has not been asked for yet.
        now = context.scheduled_execution_time.astimezone(UTC).replace(tzinfo=None)
        recent = _closed(profile, now)[-max(profile.windows.look_back + 1, CAUGHT_UP) :]
        new = [key for key in recent if _latest_run(context.instance, prepare, key) is None]
        if not new:
            return dg.SkipReason(f"every closed {profile.windows.length} of {profile.name} has been asked for")
        return [dg.RunRequest(run_key=key, partition_key=key) for key in new]

    return made_when_closed


def _explain_prepared(
    dataset: DatasetAssets, prepare: AssetJob, explain: Mapping[str, AssetJob]
) -> dg.SensorDefinition:
    profile = dataset.workspace.profile

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS,
        monitored_jobs=[prepare],
        request_jobs=list(explain.values()),
        name=f"{profile.name}_explain_prepared",
        default_status=_status(profile),
        description="Explains a window when its preparation has succeeded, if windows before it can train a model.",
    )
    def explain_prepared(context: dg.RunStatusSensorContext) -> dg.SensorResult | dg.SkipReason:
        run = context.dagster_run
        key = run.tags.get(PARTITION_TAG)
        if key is None:
            return dg.SkipReason("a run over a range: its windows are explained by a backfill")
        is_explained = dataset.explained.has_partition_key(key)  # else it only trains models
        asked = [(key, variant, job) for variant, job in explain.items() if is_explained]
        # A window that could not be explained for want of this one can be now.
        asked += [
            (later, variant, job)
            for later in _reached_from(profile, dataset.explained.get_partition_keys(), key)
            for variant, job in explain.items()
            if _has_failed(_latest_run(context.instance, job, later))
        ]
        if not asked:
            return dg.SkipReason(f"window {key} has no full look-back: it trains models, and is not explained")
        return dg.SensorResult(
            run_requests=[
                dg.RunRequest(run_key=f"{run.run_id} {variant} {window}", job_name=job.name, partition_key=window)
                for window, variant, job in asked
            ]
        )

    return explain_prepared


def _publish_explained(
    dataset: DatasetAssets, explain: Mapping[str, AssetJob], publish: AssetJob
) -> dg.SensorDefinition:
    profile = dataset.workspace.profile

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS,
        monitored_jobs=list(explain.values()),
        request_job=publish,
        name=f"{profile.name}_publish_explained",
        default_status=_status(profile),
        description="Publishes a window when every variant has explained it.",
    )
    def publish_explained(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
        key = context.dagster_run.tags[PARTITION_TAG]
        latest = {variant: _latest_run(context.instance, job, key) for variant, job in explain.items()}
        waiting = [v for v, run in latest.items() if run is None or run.status is not dg.DagsterRunStatus.SUCCESS]
        if waiting:
            return dg.SkipReason(f"window {key} waits for {', '.join(waiting)}")
        runs = " ".join(run.run_id for run in latest.values() if run is not None)
        return dg.RunRequest(run_key=runs, partition_key=key)

    return publish_explained


def _reached_from(profile: Profile, keys: Sequence[str], key: str) -> list[str]:
    """The windows after `key` whose models may learn from it."""
    reach = profile.windows.look_back + profile.windows.retrain_every - 1
    return [later for later in keys if later > key][:reach]


def _has_failed(run: dg.DagsterRun | None) -> bool:
    return run is not None and run.status is dg.DagsterRunStatus.FAILURE


def _latest_run(instance: dg.DagsterInstance, job: AssetJob, key: str) -> dg.DagsterRun | None:
    found = instance.get_runs(dg.RunsFilter(job_name=job.name, tags={PARTITION_TAG: key}), limit=1)
    return found[0] if found else None


def _status(profile: Profile) -> dg.DefaultSensorStatus:
    return dg.DefaultSensorStatus.RUNNING if profile.schedule else dg.DefaultSensorStatus.STOPPED


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
