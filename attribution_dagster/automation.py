"""What runs by itself: a window is prepared some hours after it has closed, then explained by each variant, then published.

<dataset>_prepare            events to sequence tensors; needs no other window
<dataset>_explain_<variant>  model, attribution, tables and picture of one variant; needs `prepare` of the window and of its look-back
<dataset>_publish            comparison, publication and drift; needs every variant

A run is one process, on Kubernetes one pod. Each job is requested when the one before has succeeded, so a window whose blocking checks
failed goes no further. Preparing is a job of its own also because a window that trains models exists before the first that can be
explained, and Dagster runs assets together only if they have the same windows.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import dagster as dg

from attribution_dagster.datasets.one_window import OneWindowProfile
from attribution_dagster.datasets.profile import Profile, ScheduleSpec
from attribution_dagster.datasets.windows import windows
from attribution_dagster.graph import AFTER_PUBLICATION, JOURNEY_TABLES, PREPARED, DatasetAssets

PARTITION_TAG = "dagster/partition"
JOURNEYS = "journeys"
"""The job that explains ad journeys; its place among those of the variants."""
JOURNEY_EXPLAINING = ({*JOURNEY_TABLES} - {*PREPARED, "source"}) | {"journey_report"}
CAUGHT_UP = 7
"""Closed windows, at least, that a tick looks back on."""
LATE_AFTER = timedelta(hours=6)
"""How long making a window may take before it is missed."""
_ONE_WINDOW_JOBS = {"experiment": "decide", "sessions": "predict"}
AssetJob = Any  # what dg.define_asset_job returns; Dagster 1.13 does not export its type


def automation_of(dataset: DatasetAssets, assets: list[dg.AssetsDefinition]) -> dg.Definitions:
    """The jobs, the schedule and the sensors of a dataset; they are on if its profile has a `schedule`."""
    profile = dataset.workspace.profile
    keys = [key for asset in assets for key in asset.keys]
    if isinstance(profile, OneWindowProfile):  # made when somebody asks for it
        name, partitions = f"{profile.name}_{_ONE_WINDOW_JOBS[profile.kind]}", dataset.windows
        job = dg.define_asset_job(name, dg.AssetSelection.assets(*keys), partitions_def=partitions)
        return dg.Definitions(jobs=[job])
    prepare = _job(dataset, "prepare", [key for key in keys if _part(dataset, key) == "prepare"])
    explain = {
        variant: _job(dataset, f"explain_{variant}", [key for key in keys if _part(dataset, key) == variant])
        for variant in _parts(profile)
    }
    publish = _job(dataset, "publish", [key for key in keys if _part(dataset, key) == "publish"])
    own = dg.Definitions(
        jobs=[prepare, *explain.values(), publish],
        schedules=[_schedule(profile, prepare)],
        sensors=[_explain_prepared(dataset, prepare, explain), _publish_explained(dataset, explain, publish)],
    )
    return dg.Definitions.merge(own, _watch(dataset))


def _parts(profile: Profile) -> list[str]:
    """What explains a window, a job each: the variants, and ad journeys where the dataset has them."""
    return [*profile.variants, *([JOURNEYS] if profile.journeys is not None else [])]


def _part(dataset: DatasetAssets, key: dg.AssetKey) -> str:
    """Which job makes the asset: `prepare`, a variant's, or `publish`."""
    if key.path[-1] in ("source", *PREPARED):
        return "prepare"
    if key.path[1] in JOURNEY_EXPLAINING:
        return JOURNEYS
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
    @dg.schedule(
        name=f"{profile.name}_windows",
        job=prepare,
        cron_schedule=cron(profile),
        execution_timezone=profile.time_zone,
        default_status=_schedule_status(profile),
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
        default_status=_sensor_status(profile),
        description="Explains a window when its preparation, and that of all windows its model learns from, has succeeded.",
    )
    def explain_prepared(context: dg.RunStatusSensorContext) -> dg.SensorResult | dg.SkipReason:
        key = context.dagster_run.tags.get(PARTITION_TAG)
        if key is None:
            return dg.SkipReason("a run over a range: its windows are explained by a backfill")
        asked = []
        for window, (variant, job) in product(_explained_from(dataset, key), explain.items()):
            runs = [_preparation(context.instance, dataset, variant, each) for each in _read_for(dataset, window)]
            # A later window is asked for if it waited for this one, or has failed, perhaps for want of it.
            if None not in runs and (window == key or _is_to_do(_latest_run(context.instance, job, window))):
                # Whichever of these runs is noticed last: asked for twice, it is explained once.
                run_key = " ".join([variant, window, *map(str, runs)])
                asked.append(dg.RunRequest(run_key=run_key, job_name=job.name, partition_key=window))
        if not asked:
            return dg.SkipReason(f"no window that reads {key} has all that it reads, and is still to be explained")
        return dg.SensorResult(run_requests=asked)

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
        default_status=_sensor_status(profile),
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


def _read_for(dataset: DatasetAssets, key: str) -> list[str]:
    """The windows whose tensors are read to explain this one: those that train its model, and itself."""
    workspace = dataset.workspace
    return [*workspace.look_back(workspace.retrain_key(key)), key]


def _explained_from(dataset: DatasetAssets, key: str) -> list[str]:
    """The windows that are explained by reading this one's tensors, itself among them if it is explained."""
    spec = dataset.workspace.profile.windows
    near = [each for each in dataset.explained.get_partition_keys() if each >= key][
        : spec.look_back + spec.retrain_every
    ]
    return [each for each in near if key in _read_for(dataset, each)]


def _preparation(instance: dg.DagsterInstance, dataset: DatasetAssets, variant: str, key: str) -> str | None:
    """Id of the run that last made the window's tensors, be it a backfill's or the command line's; None unless it has succeeded."""
    prepared = "ad_journeys" if variant == JOURNEYS else f"{variant}/sequence_tensors"
    tensors = dg.AssetRecordsFilter(asset_key=dataset.key(prepared), asset_partitions=[key])
    made = instance.fetch_materializations(tensors, limit=1).records
    run = instance.get_run_by_id(made[0].run_id) if made else None
    return run.run_id if run is not None and run.status is dg.DagsterRunStatus.SUCCESS else None


def _is_to_do(run: dg.DagsterRun | None) -> bool:
    return run is None or run.status is dg.DagsterRunStatus.FAILURE


def _latest_run(instance: dg.DagsterInstance, job: AssetJob, key: str) -> dg.DagsterRun | None:
    found = instance.get_runs(dg.RunsFilter(job_name=job.name, tags={PARTITION_TAG: key}), limit=1)
    return found[0] if found else None


def _schedule_status(profile: Profile) -> dg.DefaultScheduleStatus:
    return dg.DefaultScheduleStatus.RUNNING if profile.schedule else dg.DefaultScheduleStatus.STOPPED


def _sensor_status(profile: Profile) -> dg.DefaultSensorStatus:
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
        # Without a schedule windows are made when somebody asks for them.
        due = profile.schedule is not None and expected is not None and dataset.explained.has_partition_key(expected)
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
        default_status=_schedule_status(profile),
    )
    return dg.Definitions(asset_checks=[latest_window_present], jobs=[watch], schedules=[daily])
