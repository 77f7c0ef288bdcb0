"""Which windows are made from what the source holds, and which of them a change of the source makes stale."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from attribution_dagster.build import definitions_of
from attribution_dagster.cli.launch import plan_windows
from attribution_dagster.core.simulation.marketplace import simulate_marketplace
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.pipeline.small import materialise, small_workspace

WEEKS = [f"{day:%Y-%m-%d}" for day in pd.date_range("2025-01-06", periods=8, freq="7D")]
SQL_LAYER = ("events", "sessions", "session_funnels")


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    folder = tmp_path_factory.mktemp("events") / "world"
    simulate_marketplace(folder, users=40, weeks=8, start=date(2025, 1, 6), seed=1)
    return pd.concat(pd.read_parquet(p) for p in sorted((folder / "events").glob("*.parquet")))


@contextmanager
def workspace_on(root: Path, events: pd.DataFrame) -> Iterator[Workspace]:
    """Eight weeks on these events, the source profiled."""
    root.mkdir(exist_ok=True)
    events.to_parquet(root / "events.parquet")
    # Some of these weeks are cut short on purpose.
    extra = "quality: {volume_band: [0.01, 100]}\n"
    workspace = small_workspace(root, end="2025-03-03", events=str(root / "events.parquet"), extra=extra)
    materialise(workspace, ["source"], [None])
    yield workspace
    workspace.warehouse.close()


def materialise_range(
    workspace: Workspace,
    assets: Sequence[str],
    keys: Sequence[str],
    instance: dg.DagsterInstance | None = None,
    *,
    raise_on_error: bool = True,
) -> dg.ExecuteInProcessResult:
    """Makes the assets of these windows, one after the other, in one run."""
    job = definitions_of([workspace]).resolve_implicit_global_asset_job_def()
    return job.execute_in_process(
        instance=instance,
        asset_selection=[dg.AssetKey(["small", name]) for name in assets],
        tags={"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[-1]},
        raise_on_error=raise_on_error,
    )


def versions(workspace: Workspace, asset: str) -> dict[str, str]:
    records = {key: workspace.artifacts.record(asset, key) for key in WEEKS}
    return {key: record.version for key, record in records.items() if record is not None}


def in_week(events: pd.DataFrame, week: str) -> pd.Series:
    start = pd.Timestamp(week)
    return (events["event_at"] >= start) & (events["event_at"] < start + pd.Timedelta(days=7))


def test_a_week_without_events_is_left_out_with_those_that_would_learn_from_it(
    tmp_path: Path, events: pd.DataFrame
) -> None:
    ancient = events.head(1).assign(event_at=pd.Timestamp("2000-01-01"), event_id="ancient")
    with workspace_on(tmp_path, pd.concat([ancient, events[~in_week(events, WEEKS[3])]])) as workspace:
        plan = plan_windows(workspace, None)
        record = workspace.artifacts.record("source", "all")
    assert plan.explained == (WEEKS[2], WEEKS[6], WEEKS[7])
    assert plan.prepared == (WEEKS[0], WEEKS[1], WEEKS[4], WEEKS[5])
    assert dict(plan.left_out) == {
        WEEKS[3]: "holds no event",
        WEEKS[4]: f"learns from {WEEKS[3]}, which holds no event",
        WEEKS[5]: f"learns from {WEEKS[3]}, which holds no event",
    }
    assert record is not None and record.report["events_outside_all_windows"] == 1


def test_in_a_range_a_week_that_fails_leaves_the_others_made_and_says_what_to_do(
    tmp_path: Path, events: pd.DataFrame
) -> None:
    """What is downstream waits for another run, which finds them current."""
    with workspace_on(tmp_path, events[~in_week(events, WEEKS[3]) & ~in_week(events, WEEKS[5])]) as workspace:
        with pytest.raises(Exception, match="events: 2 of 8 windows failed") as raised:
            materialise_range(workspace, SQL_LAYER, WEEKS)
        said = str(raised.value)
        assert f"leave {WEEKS[3]}, {WEEKS[5]} out of the selection" in said
        assert all(f"window {WEEKS[at]} (" in said and "Choose another window" in said for at in (3, 5))
        first = versions(workspace, "events")
        assert list(first) == [key for key in WEEKS if key not in (WEEKS[3], WEEKS[5])]
        assert versions(workspace, "sessions") == {}
        materialise_range(workspace, SQL_LAYER, WEEKS[:3])
        assert versions(workspace, "events") == first and list(versions(workspace, "session_funnels")) == WEEKS[:3]


def test_dagster_knows_what_a_range_made_before_it_failed(tmp_path: Path, events: pd.DataFrame) -> None:
    with (
        workspace_on(tmp_path, events[~in_week(events, WEEKS[3])]) as workspace,
        dg.DagsterInstance.ephemeral() as instance,
    ):
        result = materialise_range(workspace, ("events",), WEEKS[2:5], instance, raise_on_error=False)
        assert not result.success
        key = dg.AssetKey(["small", "events"])
        assert instance.get_materialized_partitions(key) == {WEEKS[2], WEEKS[4]}
        record = workspace.artifacts.record("events", WEEKS[4])
        found = instance.get_latest_data_version_record(key, partition_key=WEEKS[4])
    assert found is not None and found.asset_materialization is not None and record is not None
    assert (found.asset_materialization.tags or {})["dagster/data_version"] == record.version


def test_events_appended_after_a_week_leave_it_current(tmp_path: Path, events: pd.DataFrame) -> None:
    """The last sessions of what was there may go on, so only the weeks near the old end of the data are made again."""
    first_part = events[events["event_at"] < pd.Timestamp(WEEKS[4]) + pd.Timedelta(days=3)]
    with workspace_on(tmp_path, first_part) as workspace:
        materialise(workspace, SQL_LAYER, WEEKS[:5])
        before = versions(workspace, "session_funnels")
    with workspace_on(tmp_path, events) as workspace:
        materialise(workspace, SQL_LAYER, WEEKS)
        after = versions(workspace, "session_funnels")
    assert {key for key in before if after[key] != before[key]} == {WEEKS[4]}


def test_late_events_of_a_day_change_their_week_and_no_other(tmp_path: Path, events: pd.DataFrame) -> None:
    late = events[in_week(events, WEEKS[4])].iloc[[0]].copy()
    late["event_at"] = pd.Timestamp(WEEKS[4]) + pd.Timedelta(days=2)
    late["event_id"] = "late"
    with workspace_on(tmp_path, events) as workspace:
        materialise(workspace, SQL_LAYER, WEEKS)
        before = versions(workspace, "session_funnels")
    with workspace_on(tmp_path, pd.concat([events, late])) as workspace:
        materialise(workspace, SQL_LAYER, WEEKS)
        after = versions(workspace, "session_funnels")
        ids = workspace.slice_of("session_events", WEEKS[4])["event_id"].to_pylist()
    assert {key for key in before if after[key] != before[key]} == {WEEKS[4]}
    assert "late" in ids


def test_a_file_that_changed_under_a_profiled_source_is_refused(tmp_path: Path, events: pd.DataFrame) -> None:
    with workspace_on(tmp_path, events) as workspace:
        events.head(100).to_parquet(tmp_path / "events.parquet")
        with pytest.raises(Exception, match="has changed since the asset `source` looked at it"):
            materialise(workspace, ["events"], WEEKS[:1])


def test_events_before_the_source_says_what_to_make_first(tmp_path: Path) -> None:
    workspace = small_workspace(tmp_path)
    with pytest.raises(Exception, match="has not been profiled"):
        materialise(workspace, ["events"], WEEKS[:1])
    workspace.warehouse.close()
