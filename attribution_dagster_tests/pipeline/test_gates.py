"""A failed blocking check keeps the window from readers and stops whatever would be made from it, in its run and in later ones."""

import json
import warnings
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from attribution_dagster.assets.published import _audit
from attribution_dagster.build import definitions_of
from attribution_dagster.checks.expectations import Expectation
from attribution_dagster.checks.judging import judge
from attribution_dagster.cli.launch import launch
from attribution_dagster.errors import AttributionError, DataError
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.pipeline.faults import copy_of, double_first, remake, rewrite, same_id
from attribution_dagster_tests.pipeline.gates import BLOCKING, change_verdict, failed, run_only
from attribution_dagster_tests.pipeline.small import EXPLAINED, own_dagster_home


@pytest.fixture()
def copy(published: Workspace, tmp_path: Path) -> Workspace:
    return copy_of(published, tmp_path)


def test_publication_refuses_every_failed_blocking_check(copy: Workspace) -> None:
    for expectation in BLOCKING:
        change_verdict(copy, expectation.asset, expectation.name, failed)
        with pytest.raises(DataError, match=f"{expectation.asset}: {expectation.name} of .*blocks it .off by one"):
            _audit(copy, EXPLAINED)
        change_verdict(copy, expectation.asset, expectation.name, lambda v: replace(v, passed=True))
    assert len(_audit(copy, EXPLAINED)[1]) > len(BLOCKING)


def test_a_verdict_on_another_version_counts_for_nothing(copy: Workspace) -> None:
    """What the check says of this one is asked."""
    change_verdict(copy, "sessions", "session_ids_unique", lambda v: replace(failed(v), version="older"))
    assert _audit(copy, EXPLAINED)[1]["sessions: session_ids_unique"].passed


@pytest.mark.parametrize("passes", [True, False])
def test_a_verdict_of_an_earlier_form_of_the_check_is_asked_anew(copy: Workspace, passes: bool) -> None:
    """What it said then counts for nothing; only what it says now."""
    change_verdict(copy, "sessions", "session_ids_unique", lambda v: replace(v, check="older", passed=not passes))
    if not passes:
        rewrite(copy, "sessions", same_id)
        with pytest.raises(DataError, match="sessions: session_ids_unique of window 2025-01-20 blocks it"):
            _audit(copy, EXPLAINED)
    else:
        assert _audit(copy, EXPLAINED)[1]["sessions: session_ids_unique"].passed


def test_publication_refuses_tables_that_were_made_from_different_sessions(copy: Workspace) -> None:
    record = copy.artifacts.record("sessions", EXPLAINED)
    assert record is not None
    copy.artifacts.save_record("sessions", EXPLAINED, replace(record, version="newer"))
    with pytest.raises(DataError, match="was made from another sessions of window 2025-01-20"):
        _audit(copy, EXPLAINED)


def test_publication_refuses_a_window_whose_model_learnt_from_a_faulty_one(copy: Workspace) -> None:
    change_verdict(copy, "no_funnel/sequence_tensors", "tensors_equal_sql", failed, "2025-01-13")
    with pytest.raises(DataError, match=r"of window 2025-01-13 blocks it .off by one"):
        _audit(copy, EXPLAINED)


def test_publication_refuses_a_table_that_nobody_recorded(copy: Workspace) -> None:
    rewrite(copy, "leakage_comparison", double_first)
    with pytest.raises(DataError, match="table leakage_comparison of window 2025-01-20 is not the one that"):
        run_only(copy, "published")


def test_nothing_is_made_of_a_table_that_nobody_recorded(copy: Workspace) -> None:
    """Its verdicts are of the version that was recorded: what a killed run left has been seen by no check."""
    rewrite(copy, "sessions", lambda table: table.slice(0, 10))
    before = copy.artifacts.record("session_funnels", EXPLAINED)
    with pytest.raises(DataError, match="table sessions of window 2025-01-20 is not the one that sessions recorded"):
        run_only(copy, "session_funnels")
    assert copy.artifacts.record("session_funnels", EXPLAINED) == before


def test_a_verdict_on_what_another_run_has_written_and_not_recorded_is_of_no_version(copy: Workspace) -> None:
    rewrite(copy, "sessions", lambda table: table)
    (verdict,) = judge(copy, [_check("sessions", "session_ids_unique")], EXPLAINED)
    assert verdict.passed and verdict.version == ""
    with pytest.raises(DataError, match="it has not been run on this version"):
        _audit(copy, EXPLAINED)


def test_what_another_run_writes_while_a_check_is_measured_is_measured_again(
    copy: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other run restates the sessions, and records them, between the check's query and its verdict."""
    fetch, times = copy.warehouse.fetch, []

    def restated(query, parameters, scope="work"):
        rows = fetch(query, parameters, scope)
        if query.name.endswith("session_ids_unique") and not times:
            times.append(1)
            remake(copy, "sessions", "sessions", same_id)
        return rows

    monkeypatch.setattr(copy.warehouse, "fetch", restated)
    (verdict,) = judge(copy, [_check("sessions", "session_ids_unique")], EXPLAINED)
    assert times and not verdict.passed and verdict.version == copy.warehouse.current("sessions", EXPLAINED)


def _check(asset: str, name: str) -> Expectation:
    return next(each for each in BLOCKING if (each.asset, each.name) == (asset, name))


def test_what_is_written_after_the_audit_is_not_published(copy: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    audited, publish = copy.warehouse.current("leakage_comparison", EXPLAINED), copy.warehouse.publish

    def late(window_key, versions, evidence):
        rewrite(copy, "leakage_comparison", double_first)
        return publish(window_key, versions, evidence)

    monkeypatch.setattr(copy.warehouse, "publish", late)
    run_only(copy, "published")
    manifest = copy.warehouse.manifest(EXPLAINED)
    assert manifest is not None and manifest.tables["leakage_comparison"].version == audited
    assert copy.warehouse.current("leakage_comparison", EXPLAINED) != audited


def test_a_run_whose_check_fails_stops_and_leaves_readers_with_what_was_there(
    copy: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def published() -> str:
        return json.dumps(copy.warehouse.manifest(EXPLAINED).evidence, sort_keys=True)  # type: ignore[union-attr]

    before, build = published(), copy.warehouse.build

    def faulty(table, window_key, version, query, parameters):
        if table == "sessions" and window_key == EXPLAINED:
            doubled = same_id(copy.warehouse.fetch(query, parameters))
            return copy.warehouse.load(table, window_key, version, doubled.to_batches())
        return build(table, window_key, version, query, parameters)

    monkeypatch.setattr(copy.warehouse, "build", faulty)
    with (
        own_dagster_home(tmp_path),
        pytest.raises(AttributionError, match=r"session_ids_unique of small/sessions failed.*see .*window\.html"),
    ):
        launch(copy, EXPLAINED, force=True)
    assert published() == before
    page = Path(copy.artifacts.page(EXPLAINED, "window")).read_text()
    assert "critical, failed" in page and "critical, not run" in page


@pytest.mark.parametrize(
    "downstream",
    ["session_funnels", "sampled_users", "risk_set", "no_funnel/sequence_tensors", "no_funnel/trained_model"],
)
def test_a_later_run_that_selects_only_what_is_downstream_computes_nothing(copy: Workspace, downstream: str) -> None:
    """Directly downstream, or of something whose own checks passed."""
    change_verdict(copy, "sessions", "session_volume", failed)
    before = copy.artifacts.record(downstream, EXPLAINED)
    with pytest.raises(Exception, match=f"{downstream} of window {EXPLAINED} is not made.*session_volume.*off by one"):
        run_only(copy, downstream)
    assert copy.artifacts.record(downstream, EXPLAINED) == before


def test_what_is_current_is_not_passed_on_either(copy: Workspace) -> None:
    change_verdict(copy, "sessions", "session_volume", failed)
    with pytest.raises(Exception, match="session_funnels of window 2025-01-20 is not made"):
        run_only(copy, "session_funnels", force=False)


def test_a_warning_stops_nobody(copy: Workspace) -> None:
    change_verdict(copy, "risk_set", "enough_converted", failed)
    run_only(copy, "no_funnel/sequence_tensors")
    assert not copy.artifacts.verdict("risk_set", "enough_converted", EXPLAINED).passed  # type: ignore[union-attr]


def test_checks_keep_their_windows(copy: Workspace) -> None:
    """Partitions of checks are a preview feature: each evaluation must be of the window that was run."""
    warnings.filterwarnings("ignore", category=dg.PreviewWarning)
    job = definitions_of([copy]).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            instance=instance, partition_key="2025-01-13", asset_selection=[dg.AssetKey(["small", "funnel_metrics"])]
        )
    said = {e.check_name: e for e in result.get_asset_check_evaluations()}
    assert set(said) == {"funnel_rates_in_range", "funnel_counts_recounted"}
    metadata = said["funnel_counts_recounted"].metadata
    assert metadata["n_stages"].value == 4 and metadata["expected"].value == "n_different = 0"
    assert metadata["page"].value == copy.artifacts.page("2025-01-13", "funnel_metrics")
