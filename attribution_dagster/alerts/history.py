"""Reads what failed out of a Dagster instance. The only place that knows how Dagster keeps it.

Run-failure sensors never see a check that only warns, and skip runs of the command line; `get_event_records` for checks fails on the default
storage; and the history of one check numbers its rows when the check is planned, so that a slow run's failure gets a lower number than what was
told before it. So the log of each run is read, for every run that is unfinished or changed since a moment. Dagster doesn't promise to keep
`get_records_for_run` as it is; the tests hold it to real runs on a real instance.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from dagster import DagsterEventType as Kind

from attribution_dagster import errors
from attribution_dagster.alerts.events import FailedCheck, FailedRun, Failure, RunLog
from attribution_dagster.errors import AttributionError

PAGE = 200
SILENT_S = 6 * 3600.0
"""An unfinished run that wrote nothing for so long has lost its process: Dagster never fails a run that was killed."""
_UNFINISHED = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
_KINDS = {Kind.ASSET_CHECK_EVALUATION, Kind.STEP_FAILURE, Kind.RUN_FAILURE}
_BY_A_CHECK = "DagsterAssetCheckFailedError"
_EXPECTED = "expected"
"""Metadata of this name says what a check expects."""
_FIGURES = (dg.IntMetadataValue, dg.FloatMetadataValue, dg.BoolMetadataValue)
"""What it observed. Texts, tables and paths stay behind: they may quote rows, and rows name people."""


def read_runs(instance: dg.DagsterInstance, since: float, now: float) -> list[RunLog]:
    """Every run that is unfinished or changed after `since`, with what failed in it until `now`."""
    changed = dg.RunsFilter(updated_after=datetime.fromtimestamp(since, UTC))
    # Unfinished first: a run that ends between the two queries is then seen by the second.
    filters = (dg.RunsFilter(statuses=_UNFINISHED), changed)
    runs = {run.run_id: run for wanted in filters for run in _runs(instance, wanted)}
    return [RunLog(run_id=run.run_id, failures=list(_failures(instance, run, now))) for run in runs.values()]


def _runs(instance: dg.DagsterInstance, wanted: dg.RunsFilter) -> Iterator[dg.DagsterRun]:
    cursor = None
    while page := instance.get_run_records(wanted, limit=PAGE, cursor=cursor):
        yield from (record.dagster_run for record in page)
        cursor = page[-1].dagster_run.run_id


def _failures(instance: dg.DagsterInstance, run: dg.DagsterRun, now: float) -> Iterator[Failure]:
    """Failed checks; and the run's own failure, unless failed checks are all that it failed of."""
    steps = []
    for record in instance.get_records_for_run(run.run_id, of_type=_KINDS).records:
        event, at = record.event_log_entry.dagster_event, record.event_log_entry.timestamp
        if event is None:
            continue
        if event.event_type == Kind.STEP_FAILURE:
            steps.append(event)
        elif event.event_type == Kind.ASSET_CHECK_EVALUATION:
            if not event.asset_check_evaluation_data.passed:
                yield _check(run, record.storage_id, at, event.asset_check_evaluation_data)
        elif not steps or any(_class(step.step_failure_data.error) != _BY_A_CHECK for step in steps):
            yield _run(run, record.storage_id, at, event, steps)
    if run.status in _UNFINISHED:  # one that waits in a queue has no process yet
        yield from _silence(instance, run, now)


def _silence(instance: dg.DagsterInstance, run: dg.DagsterRun, now: float) -> Iterator[FailedRun]:
    """A failure if the run's last event is too long ago; its number is that event's, negative, since the event may be a failure of its own."""
    for record in instance.get_records_for_run(run.run_id, limit=1, ascending=False).records:
        since = record.event_log_entry.timestamp
        if now - since > SILENT_S:
            said = f"no sign of life since {datetime.fromtimestamp(since, UTC):%Y-%m-%d %H:%M} UTC; its process was probably killed"
            yield FailedRun(
                run_id=run.run_id,
                event=-record.storage_id,
                at=since + SILENT_S,
                dataset=_dataset(run),
                asset="",
                window=_window(run),
                error=f"{said}. Mark the run as failed in the UI, and run the window again",
            )


def _check(run: dg.DagsterRun, number: int, at: float, evaluation: Any) -> FailedCheck:
    dataset, *asset = evaluation.asset_key.path
    figures = {name: _figure(v.value) for name, v in evaluation.metadata.items() if isinstance(v, _FIGURES)}
    expected = evaluation.metadata.get(_EXPECTED)
    is_error = evaluation.severity == dg.AssetCheckSeverity.ERROR
    return FailedCheck(
        run_id=run.run_id,
        event=number,
        at=at,
        dataset=dataset,
        asset="/".join(asset) or dataset,
        window=evaluation.partition or _window(run),
        check=evaluation.check_name,
        is_error=is_error,
        blocking=is_error and bool(evaluation.blocking),
        expected=str(expected.value) if expected else "",
        observed=figures,
        said=evaluation.description or "",
    )


def _figure(value: float | bool | None) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _run(run: dg.DagsterRun, number: int, at: float, event: dg.DagsterEvent, steps: list[dg.DagsterEvent]) -> FailedRun:
    culprit = next((s for s in steps if _class(s.step_failure_data.error) != _BY_A_CHECK), None)
    error = culprit.step_failure_data.error if culprit else getattr(event.event_specific_data, "error", None)
    keys = run.asset_selection or ()
    return FailedRun(
        run_id=run.run_id,
        event=number,
        at=at,
        dataset=_dataset(run),
        asset=_asset(culprit.step_key, keys) if culprit and culprit.step_key else "",
        window=_window(run),
        error=reason(error)[1] if error else event.message or "no reason given",
    )


def _dataset(run: dg.DagsterRun) -> str:
    return ", ".join(sorted({key.path[0] for key in run.asset_selection or ()})) or run.job_name


def _asset(step: str, keys: Any) -> str:
    """The asset that the step makes, without its dataset; the step's own name where it makes none."""
    made = next((key for key in keys if "__".join(key.path) == step), None)
    return "/".join(made.path[1:] or made.path) if made else step


def _window(run: dg.DagsterRun) -> str:
    tags: Mapping[str, str] = run.tags
    ends = [tags.get(f"dagster/asset_partition_range_{end}", "") for end in ("start", "end")]
    return tags.get("dagster/partition") or (" to ".join(ends) if all(ends) else "")


def _class(error: Any) -> str | None:
    return error.cls_name if error else None


def reason(error: Any) -> tuple[type[AttributionError] | None, str]:
    """The class of our own error in the chain that Dagster kept, and what it said; None and what the first error said where none is ours."""
    chain = [error]
    while chain[-1].cause is not None:
        chain.append(chain[-1].cause)
    for each in chain:
        kind = getattr(errors, each.cls_name or "", None)
        if isinstance(kind, type) and issubclass(kind, AttributionError):
            return kind, str(each.message.strip().partition(": ")[2])
    return None, str(chain[-1].message.strip())
