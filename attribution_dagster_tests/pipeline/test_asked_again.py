"""When a check is asked again: never asked, another band, changed inputs, by force; and what its verdict does not depend on."""

from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from attribution_dagster.checks.expectations import Expectation, between
from attribution_dagster.checks.judging import measure
from attribution_dagster.checks.pages import write_window_page
from attribution_dagster.checks.suites import expectations
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.pipeline.faults import copy_of, remake, report, rewrite, same_id
from attribution_dagster_tests.pipeline.gates import BLOCKING, change_verdict, failed, run_only
from attribution_dagster_tests.pipeline.small import EXPLAINED


@pytest.fixture()
def copy(published: Workspace, tmp_path: Path) -> Workspace:
    return copy_of(published, tmp_path)


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
