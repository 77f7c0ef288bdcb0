"""Every check can fail, for its own reason, and a blocking failure keeps the window from readers."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from attribution_dagster.assets.published import _verdicts, audited
from attribution_dagster.checks.adapter import judge
from attribution_dagster.checks.expectations import expectations
from attribution_dagster.cli.launch import launch
from attribution_dagster.errors import AttributionError, DataError
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.pipeline.small import EXPLAINED, VARIANTS, own_dagster_home, small_workspace

ALL = expectations(tuple(VARIANTS))


@pytest.fixture()
def copy(published: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the published dataset that a test may damage."""
    shutil.copytree(published.settings.home, tmp_path / "home")
    shutil.copytree(published.settings.home.parent / "datasets", tmp_path / "datasets")
    return small_workspace(tmp_path)


def rewrite(workspace: Workspace, table: str, change: Callable[[pa.Table], pa.Table]) -> None:
    """Replaces a table's slice, as a faulty asset would have written it."""
    faulty = change(workspace.slice_of(table, EXPLAINED))
    workspace.warehouse.load(table, EXPLAINED, "faulty", faulty.to_batches())


def report(workspace: Workspace, asset: str, **changes: object) -> None:
    """Replaces figures in an asset's report."""
    record = workspace.artifacts.record(asset, EXPLAINED)
    assert record is not None
    workspace.artifacts.save_record(asset, EXPLAINED, replace(record, report={**record.report, **changes}))


def set_column(table: pa.Table, name: str, values: pa.Array | pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


def double_first(table: pa.Table) -> pa.Table:
    return pa.concat_tables([table, table.slice(0, 1)])


def same_id(table: pa.Table) -> pa.Table:
    return set_column(table, "session_id", pa.array([table["session_id"][0].as_py()] * table.num_rows))


def halve_shares(table: pa.Table) -> pa.Table:
    return set_column(table, "gradient_attribution", pc.multiply(table["gradient_attribution"], 0.5))


def sample_of_buyers(workspace: Workspace) -> None:
    sessions = workspace.slice_of("sessions", EXPLAINED)
    buyers = sessions.filter(sessions["is_converted"])["user_id"].unique()
    rewrite(workspace, "sampled_users", lambda users: users.filter(pc.is_in(users["user_id"], value_set=buyers)))


FAULTS: dict[str, Callable[[Workspace], None]] = {
    "events_conserved": lambda w: rewrite(w, "session_events", double_first),
    "session_ids_unique": lambda w: rewrite(w, "sessions", same_id),
    "sample_represents_all": sample_of_buyers,
    "tensors_equal_sql": lambda w: [report(w, f"{v}/sequence_tensors", python_converted=1) for v in VARIANTS],
    "weights_finite": lambda w: [report(w, f"{v}/trained_model", non_finite_weights=3) for v in VARIANTS],
    "shares_sum_to_one": lambda w: [rewrite(w, f"gradient_attribution_{v}", halve_shares) for v in VARIANTS],
}


def test_there_is_a_fault_for_every_expectation() -> None:
    assert {e.name for e in ALL} == set(FAULTS)


@pytest.mark.parametrize("expectation", ALL, ids=lambda e: f"{e.asset}:{e.name}")
def test_check_passes_on_what_was_published(published: Workspace, expectation) -> None:
    row, failures = judge(published, expectation, EXPLAINED)
    assert not failures and row


@pytest.mark.parametrize("expectation", ALL, ids=lambda e: f"{e.asset}:{e.name}")
def test_check_fails_on_its_fault_and_stores_the_verdict(copy: Workspace, expectation) -> None:
    FAULTS[expectation.name](copy)
    _, failures = judge(copy, expectation, EXPLAINED)
    assert failures and all("found" in failure for failure in failures)
    verdict = copy.artifacts.verdict(expectation.asset, expectation.name, EXPLAINED)
    assert verdict is not None and not verdict.passed and verdict.summary == "; ".join(failures)


def test_a_measurement_without_a_value_is_a_failure(copy: Workspace) -> None:
    report(copy, "no_funnel/trained_model", epochs=None)
    weights = next(e for e in ALL if e.asset == "no_funnel/trained_model")
    assert judge(copy, weights, EXPLAINED)[1] == ["epochs could not be measured"]


@pytest.mark.parametrize("expectation", [e for e in ALL if e.blocking], ids=lambda e: f"{e.asset}:{e.name}")
def test_publication_refuses_a_failed_blocking_check(copy: Workspace, expectation) -> None:
    FAULTS[expectation.name](copy)
    judge(copy, expectation, EXPLAINED)
    with pytest.raises(DataError, match=f"{expectation.asset}: {expectation.name}.*blocks"):
        _verdicts(copy, EXPLAINED)


def test_publication_refuses_a_verdict_given_on_another_version(copy: Workspace) -> None:
    verdict = copy.artifacts.verdict("sessions", "session_ids_unique", EXPLAINED)
    assert verdict is not None
    copy.artifacts.save_verdict("sessions", "session_ids_unique", EXPLAINED, replace(verdict, version="older"))
    with pytest.raises(DataError, match="has not been run on this version"):
        _verdicts(copy, EXPLAINED)


def test_publication_refuses_tables_that_were_made_from_different_sessions(copy: Workspace) -> None:
    record = copy.artifacts.record("sessions", EXPLAINED)
    assert record is not None
    copy.artifacts.save_record("sessions", EXPLAINED, replace(record, version="newer"))
    with pytest.raises(DataError, match="was made from another sessions of window 2025-01-20"):
        _verdicts(copy, EXPLAINED)


def test_publication_refuses_a_window_whose_model_learnt_from_a_faulty_one(copy: Workspace) -> None:
    check, trained_on = "tensors_equal_sql", "2025-01-13"
    verdict = copy.artifacts.verdict("no_funnel/sequence_tensors", check, trained_on)
    assert verdict is not None
    copy.artifacts.save_verdict(
        "no_funnel/sequence_tensors", check, trained_on, replace(verdict, passed=False, summary="off by one")
    )
    with pytest.raises(DataError, match=r"of window 2025-01-13 blocks it .off by one"):
        _verdicts(copy, EXPLAINED)


def test_publication_refuses_a_table_that_nobody_recorded(copy: Workspace) -> None:
    rewrite(copy, "leakage_comparison", double_first)
    with pytest.raises(DataError, match="leakage_comparison was written by a run that did not finish"):
        _verdicts(copy, EXPLAINED)


def test_every_blocking_check_is_on_an_asset_that_publication_depends_on(published: Workspace) -> None:
    assert {e.asset for e in ALL if e.blocking} <= set(audited(published.profile))


def test_a_run_whose_check_fails_stops_and_leaves_readers_with_what_was_there(
    copy: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = json.dumps(copy.warehouse.manifest(EXPLAINED).evidence, sort_keys=True)  # type: ignore[union-attr]
    build = copy.warehouse.build

    def faulty(table, window_key, version, query, parameters):
        rows = build(table, window_key, version, query, parameters)
        if table == "sessions" and window_key == EXPLAINED:
            rewrite(copy, "sessions", same_id)
        return rows

    monkeypatch.setattr(copy.warehouse, "build", faulty)
    with (
        own_dagster_home(tmp_path),
        pytest.raises(AttributionError, match="session_ids_unique of small/sessions failed"),
    ):
        launch(copy, EXPLAINED, force=True)
    after = json.dumps(copy.warehouse.manifest(EXPLAINED).evidence, sort_keys=True)  # type: ignore[union-attr]
    assert after == before
