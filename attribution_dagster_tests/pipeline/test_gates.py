"""A failed blocking check keeps the window from readers and stops whatever would be made from it, in its run and in later ones."""

import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from attribution_dagster.assets.published import _audit
from attribution_dagster.build import definitions_of
from attribution_dagster.checks.expectations import Expectation, between
from attribution_dagster.checks.judging import judge, measure
from attribution_dagster.checks.pages import write_window_page
from attribution_dagster.checks.suites import expectations
from attribution_dagster.cli.launch import launch
from attribution_dagster.datasets.registry import load_profile
from attribution_dagster.errors import AttributionError, DataError
from attribution_dagster.resources.artifacts import Verdict
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.pipeline.faults import copy_of, double_first, remake, report, rewrite, same_id
from attribution_dagster_tests.pipeline.small import EXPLAINED, own_dagster_home

BLOCKING = [e for e in expectations(load_profile("marketplace")) if e.blocking]


@pytest.fixture()
def copy(published: Workspace, tmp_path: Path) -> Workspace:
    return copy_of(published, tmp_path)


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


@pytest.mark.parametrize("passes", [True, False])
def test_a_check_that_was_never_asked_is_asked_by_what_reads_its_asset(copy: Workspace, passes: bool) -> None:
    """A backfill starts what is downstream while the run upstream is still about to ask."""
    version = remake(copy, "sessions", "sessions", (lambda table: table) if passes else same_id)
    if passes:
        run_only(copy, "session_funnels")
        verdict = copy.artifacts.verdict("sessions", "session_ids_unique", EXPLAINED)
        assert verdict is not None and verdict.version == version
    else:
        with pytest.raises(Exception, match=r"session_funnels of window 2025-01-20 is not made.*session_ids_unique"):
            run_only(copy, "session_funnels")


def test_a_warning_stops_nobody(copy: Workspace) -> None:
    change_verdict(copy, "risk_set", "enough_converted", failed)
    run_only(copy, "no_funnel/sequence_tensors")
    assert not copy.artifacts.verdict("risk_set", "enough_converted", EXPLAINED).passed  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("band", "asset", "check", "severity"),
    [
        ({"min_converted": 1000}, "risk_set", "enough_converted", dg.AssetCheckSeverity.WARN),
        ({"max_auc": 0.51}, "no_funnel/trained_model", "auc_plausible", dg.AssetCheckSeverity.ERROR),
    ],
)
def test_a_band_changed_in_the_profile_is_asked_anew_and_makes_nothing_again(
    copy: Workspace, band: dict[str, float], asset: str, check: str, severity: dg.AssetCheckSeverity
) -> None:
    quality = copy.profile.quality.model_copy(update=band)
    stricter = replace(copy, profile=copy.profile.model_copy(update={"quality": quality}))
    before = copy.artifacts.record(asset, EXPLAINED)
    result = run_only(stricter, asset, force=False, raise_on_error=False)
    said = {e.check_name: e for e in result.get_asset_check_evaluations()}
    assert [name for name, each in said.items() if not each.passed] == [check]
    assert said[check].severity == severity and result.success == (severity == dg.AssetCheckSeverity.WARN)
    offending, table = (str(said[check].metadata[name].value) for name in ("offending_rows", "rows"))
    assert (offending, "11 more rows" in table) in [("31", True), ("1", False)]
    assert stricter.artifacts.record(asset, EXPLAINED) == before
    (made,) = result.get_asset_materialization_events()
    page = made.materialization.metadata["checks"].value
    assert page == stricter.artifacts.page(EXPLAINED, asset) and "offending row" in Path(str(page)).read_text()


def test_the_page_of_the_window_follows_a_check_that_passes_again(copy: Workspace) -> None:
    change_verdict(
        copy, "sessions", "session_ids_unique", lambda v: replace(failed(v), rows=[{"session_id": "quoted_row"}])
    )
    page = Path(write_window_page(copy, EXPLAINED))
    assert "quoted_row" in page.read_text()
    result = run_only(copy, "sessions", force=False)
    (said,) = [e for e in result.get_asset_check_evaluations() if e.check_name == "session_ids_unique"]
    assert said.passed and said.metadata["page"].value == copy.artifacts.page(EXPLAINED, "sessions")
    assert "quoted_row" not in page.read_text()


def said_of(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    return {e.check_name: str(e.description) for e in result.get_asset_check_evaluations()}


def test_a_check_that_passed_is_asked_again_when_anything_it_read_has_changed_or_by_force(copy: Workspace) -> None:
    """Seen by marking what is stored: a check that is asked writes over the mark."""
    asset, names = "no_funnel/event_attribution", {e.name for e in BLOCKING if e.asset == "no_funnel/event_attribution"}

    def mark() -> None:
        for name in names:
            change_verdict(copy, asset, name, lambda v: replace(v, summary="kept"))

    def asked(*, force: bool = False) -> set[str]:
        return {name for name, said in said_of(run_only(copy, asset, force=force)).items() if said != "kept"}

    mark()
    assert asked() == set()
    report(copy, "no_funnel/sequence_tensors", events=copy_of_figure(copy, "events") + 0.0)
    assert asked() == {"attribution_equals_tensors"}, "it alone takes a figure that an asset reported"
    mark()
    rewrite(copy, "sessions", lambda sessions: sessions)
    assert asked() == {"attribution_before_conversion"}, "it alone reads sessions"
    mark()
    rewrite(copy, "sessions", lambda sessions: sessions, window_key="2025-01-06")
    assert asked() == {"attribution_before_conversion"}, "what it reads of earlier windows counts"
    mark()
    change_verdict(copy, asset, "shares_sum_to_one", failed)
    assert asked() == {"shares_sum_to_one"}, "what failed is asked again"
    mark()
    assert asked(force=True) == names


def copy_of_figure(workspace: Workspace, name: str) -> int:
    record = workspace.artifacts.record("no_funnel/sequence_tensors", EXPLAINED)
    assert record is not None
    return int(record.report[name])


def test_a_verdict_does_not_depend_on_windows_after_its_own(copy: Workspace) -> None:
    """So that it may be kept when they change."""
    earlier = "2025-01-13"
    suite = [e for e in expectations(copy.profile) if e.asset in ("events", "sessions", "session_funnels", "risk_set")]
    before = [measure(copy, expectation, earlier) for expectation in suite]
    for table in ("stg_events", "sessions", "session_events", "session_funnels", "risk_set"):
        rewrite(copy, table, lambda rows: rows.slice(0, 0))
    assert [measure(copy, expectation, earlier) for expectation in suite] == before


def test_a_check_is_another_one_when_its_bound_severity_or_query_is(monkeypatch: pytest.MonkeyPatch) -> None:
    volume = next(e for e in BLOCKING if e.name == "session_volume")
    others = [
        replace(volume, rules=(between("volume_ratio", 0.4, 2),)),
        replace(volume, blocking=False),
        replace(volume, parameters={"x": 1}),
        replace(volume, name="conversion_rate"),
    ]
    versions = {e.version for e in (volume, *others)}
    assert len(versions) == 5 and volume.version == replace(volume).version
    other_query = replace(volume.rows_query, text=volume.rows_query.text + " ")  # type: ignore[type-var, union-attr]
    monkeypatch.setattr(Expectation, "rows_query", property(lambda e: other_query))
    assert volume.version not in versions


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
