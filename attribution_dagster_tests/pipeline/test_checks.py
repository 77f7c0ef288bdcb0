"""Every expectation holds on what was published, and fails, alone on its asset, on a fault of its own."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

from attribution_dagster.assets.audited import audited, tables
from attribution_dagster.checks.expectations import Expectation, between, equal
from attribution_dagster.checks.judging import judge, measure
from attribution_dagster.checks.suites import expectations
from attribution_dagster.datasets.profile import Quality
from attribution_dagster.datasets.registry import load_profile
from attribution_dagster.graph import unrecorded_tables
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.queries import sql_folder, transpile
from attribution_dagster_tests.pipeline.faults import (
    FAULTS,
    WITHOUT_ROWS,
    copy_of,
    first,
    halve_shares,
    judged,
    report,
    rewrite,
    set_where,
    with_history,
)
from attribution_dagster_tests.pipeline.small import EXPLAINED, WINDOWS

PROFILE = load_profile("marketplace")
ALL = expectations(PROFILE)
EACH_ONCE = [e for e in ALL if e.variant in (None, "no_funnel")]
"""Of the variants, the first: their suites differ in one expectation, and `no_funnel` has it."""


@pytest.fixture()
def copy(published: Workspace, tmp_path: Path) -> Workspace:
    return copy_of(published, tmp_path)


def on(asset: str, name: str) -> Expectation:
    return next(e for e in ALL if (e.asset, e.name) == (asset, name))


def test_there_is_a_fault_for_every_expectation() -> None:
    assert {e.name for e in ALL} == set(FAULTS)


def test_every_published_table_is_read_by_an_expectation() -> None:
    read = {table for e in ALL if e.metric_query is not None for table in e.metric_query.tables}
    assert set(tables(PROFILE)) <= read


def test_every_blocking_check_is_on_an_asset_that_publication_depends_on() -> None:
    assert {e.asset for e in ALL if e.blocking} <= set(audited(PROFILE))


def test_every_query_of_a_check_belongs_to_an_expectation_and_runs_on_other_engines() -> None:
    folder = sql_folder() / "checks"
    others = ("hillstrom", "ads", "online_shoppers")
    of_others = [expectation for name in others for expectation in expectations(load_profile(name))]
    owned = {e.name for e in (*ALL, *of_others) if e.counted_in_sql}
    assert {path.stem for path in folder.glob("*.sql")} == owned == {path.stem for path in folder.glob("rows/*.sql")}
    for expectation in (*ALL, *of_others):
        for query in (expectation.metric_query, expectation.rows_query):
            if query is not None:
                assert re.match(r"-- .*one row", query.text.split("SELECT")[0].replace("\n", " ")), query.name
                assert transpile(query, "spark") and "DATEADD" not in transpile(query, "duckdb").upper()
        if expectation.rows_query is not None:
            assert "ORDER BY" in expectation.rows_query.text.rstrip().rsplit("\n", 1)[-1], expectation.name


@pytest.mark.parametrize("expectation", ALL, ids=lambda e: f"{e.asset}:{e.name}")
def test_check_passes_on_what_was_published(published: Workspace, expectation: Expectation) -> None:
    verdict = judged(published, expectation, EXPLAINED)
    assert verdict.passed and verdict.observed and verdict.offending == 0
    query = expectation.rows_query
    if query is not None:
        known = {**measure(published, expectation, EXPLAINED), **expectation.bounds, **expectation.parameters}
        assert published.fetch(query, EXPLAINED, **known).num_rows == 0


@pytest.mark.parametrize("expectation", EACH_ONCE, ids=lambda e: e.name)
def test_a_fault_breaks_its_expectation_and_no_other_of_the_asset(copy: Workspace, expectation: Expectation) -> None:
    workspace = with_history(copy)
    FAULTS[expectation.name](workspace, expectation.variant or "")
    beside = [e for e in ALL if e.asset == expectation.asset]
    verdicts = dict(zip([e.name for e in beside], judge(workspace, beside, EXPLAINED), strict=True))
    assert [name for name, verdict in verdicts.items() if not verdict.passed] == [expectation.name]
    verdict = verdicts[expectation.name]
    assert "found" in verdict.summary and verdict.blocking == expectation.blocking
    assert (verdict.offending > 0) == bool(verdict.rows) == (expectation.name not in WITHOUT_ROWS)
    assert workspace.artifacts.verdict(expectation.asset, expectation.name, EXPLAINED) == verdict


@pytest.fixture
def asked(published: Workspace, monkeypatch: pytest.MonkeyPatch) -> list[tuple[set[str], set[str]]]:
    """Tables and windows of each question to the warehouse what is current; in Snowflake each is a statement."""
    asked: list[tuple[set[str], set[str]]] = []
    real = published.warehouse.current_versions

    def counted(tables: Iterable[str], keys: Iterable[str]) -> dict[tuple[str, str], str]:
        asked.append((set(tables), set(keys)))
        return real(*asked[-1])

    monkeypatch.setattr(published.warehouse, "current_versions", counted)
    monkeypatch.setattr(published.warehouse, "current", None)
    return asked


def test_the_warehouse_is_asked_once_what_is_current_for_all_checks_of_an_asset(
    published: Workspace, asked: list[tuple[set[str], set[str]]]
) -> None:
    suite = [each for each in expectations(published.profile) if each.asset == "sessions"]
    assert len(judge(published, suite, EXPLAINED, reuse=True)) == len(suite) > 3
    [(tables, keys)] = asked
    assert {"sessions", "session_events", "rejected_events"} <= tables and EXPLAINED in keys


def test_it_is_asked_before_and_after_checks_that_are_measured(
    published: Workspace, asked: list[tuple[set[str], set[str]]]
) -> None:
    suite = [each for each in expectations(published.profile) if each.asset == "sessions"]
    judge(published, suite, EXPLAINED)
    assert len(asked) == 2 and asked[0] == asked[1]


def test_it_is_asked_once_for_all_that_an_asset_reads(
    published: Workspace, asked: list[tuple[set[str], set[str]]]
) -> None:
    records = {
        (asset, key): published.artifacts.record(asset, key) for asset in ("events", "sessions") for key in WINDOWS
    }
    made = {place: record.version for place, record in records.items() if record is not None}
    assert len(made) == 6 and unrecorded_tables(published, made) == []
    made["sessions", EXPLAINED] = "another"
    stale = {("session_events", "sessions", EXPLAINED), ("sessions", "sessions", EXPLAINED)}
    assert set(unrecorded_tables(published, made)) == stale and len(asked) == 2


def test_a_measurement_without_a_value_is_a_failure(copy: Workspace) -> None:
    report(copy, "no_funnel/trained_model", epochs=None, non_finite_weights=float("nan"))
    verdict = judged(copy, on("no_funnel/trained_model", "weights_finite"), EXPLAINED)
    assert verdict.summary == "non_finite_weights could not be measured; epochs could not be measured"


def test_too_few_sessions_for_a_metric_is_no_failure_where_the_expectation_says_so(copy: Workspace) -> None:
    rewrite(copy, "model_metrics_no_funnel", set_where(lambda row: True, auc=None, auc_high=None, ece=None))
    for name in ("auc_plausible", "auc_above_chance", "calibrated"):
        verdict = judged(copy, on("no_funnel/trained_model", name), EXPLAINED)
        assert verdict.passed and verdict.summary == "passed: too few converted or other sessions for the metric"


def test_a_rule_says_what_it_wants() -> None:
    assert str(between("a", 0, 0)) == "a = 0" and str(equal("a", "b")) == "a = b"
    assert str(between("a", 0.5, 2)) == "a >= 0.5 and a <= 2" and str(between("a", None, 0.9)) == "a <= 0.9"


def test_all_offending_rows_are_counted_and_twenty_kept(copy: Workspace) -> None:
    rewrite(copy, "gradient_attribution_no_funnel", halve_shares)
    verdict = judged(copy, on("no_funnel/event_attribution", "shares_sum_to_one"), EXPLAINED)
    assert verdict.offending == verdict.observed["n_wrong_sums"] > 300 and len(verdict.rows) == 20


@pytest.mark.parametrize("column", ["probability", "logit", "centred_attribution", "gradient_attribution"])
def test_a_number_that_is_none_is_found(copy: Workspace, column: str) -> None:
    """A file's statistics leave NaN out, and an engine that trusts them would not look."""
    rewrite(copy, "gradient_attribution_no_funnel", lambda t: first(t, **{column: float("nan")}))
    name = "shares_sum_to_one" if column == "gradient_attribution" else "probabilities_in_range"
    assert judged(copy, on("no_funnel/event_attribution", name), EXPLAINED).offending == 1


@pytest.mark.parametrize("column", ["standard_error", "effect_low", "effect_high", "p_value", "q_value"])
def test_what_says_how_sure_an_effect_is_may_not_be_missing(copy: Workspace, column: str) -> None:
    supported = set_where(lambda row: row["has_minimum_support"], **{column: None, "signal_strength": "Neutral"})
    rewrite(copy, "attribution_statistics_no_funnel", supported)
    assert judged(copy, on("no_funnel/attribution_statistics", "statistics_add_up"), EXPLAINED).offending > 10


def test_a_metric_that_is_no_number_is_a_failure_and_not_too_few_sessions(copy: Workspace) -> None:
    rewrite(copy, "model_metrics_no_funnel", set_where(lambda row: row["model"] == "transformer", auc=float("nan")))
    verdict = judged(copy, on("no_funnel/trained_model", "auc_plausible"), EXPLAINED)
    assert not verdict.passed and verdict.summary == "auc could not be measured"


def test_the_table_in_the_documentation_is_complete() -> None:
    rows = [
        (e.name, e.asset.replace("no_funnel/", "<v>/"), "critical" if e.blocking else "warning", e.description)
        for e in EACH_ONCE
    ]
    page = (Path(__file__).parents[2] / "docs" / "quality.md").read_text()
    listed = re.findall(r"^\| `(\w+)` \| `(\S+)` \| (\w+) \| (.*) \|$", page, re.M)
    assert listed == rows
    bands = re.search(r"quality:\n.*?(?=```)", page, re.S)
    assert bands is not None
    written = yaml.safe_load(bands.group())["quality"]
    assert Quality.model_validate(written) == Quality()
    assert set(written) == set(Quality.model_fields) - {"max_rejected_share"}
