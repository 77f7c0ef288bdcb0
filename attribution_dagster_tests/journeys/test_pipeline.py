"""Ad journeys through the graph: published with their checks, each of which a fault of its own breaks; and what commands show of them."""

import re
from pathlib import Path

import dagster as dg
import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from attribution_dagster.assets.audited import audited, tables
from attribution_dagster.assets.journeys import history_keys, journey_values, open_journeys
from attribution_dagster.build import build_definitions, definitions_of
from attribution_dagster.checks.expectations import Expectation
from attribution_dagster.checks.judging import judge, measure
from attribution_dagster.checks.suites.journeys import journeys_suite
from attribution_dagster.cli.journeys import explain_journey, summarise_journeys
from attribution_dagster.datasets.registry import load_profile
from attribution_dagster.errors import AttributionError, ConfigurationError
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.settings import Settings
from attribution_dagster.warehouse.ddl import table_definition
from attribution_dagster.warehouse.queries import load_query, parse_query, sql_folder, transpile
from attribution_dagster_tests.journeys.faults import FAULTS, WITHOUT_ROWS
from attribution_dagster_tests.journeys.small import EXPLAINED, WINDOWS

PROFILE = load_profile("ads")
ALL = journeys_suite(PROFILE)


def test_all_tables_are_published_with_all_checks_asked(published: Workspace) -> None:
    manifest = published.warehouse.manifest(EXPLAINED)
    assert manifest is not None and set(manifest.tables) == set(tables(published.profile))
    said: dict[str, str] = manifest.evidence["checks"]  # type: ignore[assignment]
    assert {name.split(": ")[1] for name in said} == {e.name for e in ALL}
    exported = {path.name for path in (published.settings.exports / "small_ads" / EXPLAINED).iterdir()}
    assert {f"{table}.csv" for table in manifest.tables} | {"ad_journeys.png"} <= exported


def test_every_table_is_read_by_an_expectation_and_every_blocking_one_gates_publication() -> None:
    read = {table for e in ALL if e.metric_query is not None for table in e.metric_query.tables}
    assert set(tables(PROFILE)) <= read and {e.asset for e in ALL if e.blocking} <= set(audited(PROFILE))


def test_statements_of_journeys_and_their_checks_have_other_engines_and_their_tables() -> None:
    names = [f"journeys/{path.stem}" for path in (sql_folder() / "journeys").glob("*.sql")]
    queries = [load_query(name) for name in (*names, "staging/ad_auctions__ads", "staging/stg_events__ads")]
    for query in (*queries, *(q for e in ALL for q in (e.metric_query, e.rows_query) if q is not None)):
        assert re.match(r"-- .*one row", query.text.split("SELECT")[0].replace("\n", " ")), query.name
        assert transpile(query, "spark") and "DATEADD" not in transpile(query, "duckdb").upper()


@pytest.mark.parametrize("expectation", ALL, ids=lambda e: e.name)
def test_a_check_passes_on_what_was_published(published: Workspace, expectation: Expectation) -> None:
    (verdict,) = judge(published, [expectation], EXPLAINED)
    query = expectation.rows_query
    if expectation.name in ("negative_control_null", "journey_calibrated"):  # one in twenty may fail by chance
        assert verdict.observed
        return
    assert verdict.passed and verdict.offending == 0, verdict.summary
    if query is not None and expectation.name != "credits_add_up":  # which shows all rows of a sum
        known = {**measure(published, expectation, EXPLAINED), **expectation.bounds, **expectation.parameters}
        found = published.fetch(query, EXPLAINED, **known).num_rows
        assert found == 0 or expectation.name == "auctions_served"  # a small share is let pass


@pytest.fixture(scope="module")
def failing(published: Workspace) -> set[str]:
    """The checks that fail on what was published: one in twenty of some may, by chance."""
    return {e.name for e, verdict in zip(ALL, judge(published, ALL, EXPLAINED), strict=True) if not verdict.passed}


@pytest.mark.parametrize("expectation", ALL, ids=lambda e: e.name)
def test_a_fault_breaks_its_expectation_and_no_other_of_the_asset(
    copy: Workspace, failing: set[str], expectation: Expectation
) -> None:
    beside = [e for e in ALL if e.asset == expectation.asset]
    failed_before = failing & {e.name for e in beside}
    FAULTS[expectation.name](copy)
    verdicts = dict(zip([e.name for e in beside], judge(copy, beside, EXPLAINED), strict=True))
    assert {name for name, verdict in verdicts.items() if not verdict.passed} == {expectation.name, *failed_before}
    verdict = verdicts[expectation.name]
    assert "found" in verdict.summary and (verdict.offending > 0) == bool(verdict.rows) == (
        expectation.name not in WITHOUT_ROWS
    )


def test_there_is_a_fault_for_every_expectation() -> None:
    assert {e.name for e in ALL} == set(FAULTS)


def test_journeys_read_in_python_are_those_counted_in_sql(published: Workspace) -> None:
    journeys = open_journeys(published, EXPLAINED)
    counted = published.fetch(load_query("journeys/ad_journey_counts"), EXPLAINED).to_pylist()[0]
    sequences = journeys.sequences
    found = {
        "journeys": sequences.n_sessions,
        "bought": int(sequences.label.sum()),
        "with_ads": int((sequences.lengths > 0).sum()),
    }
    found |= {"events": sequences.n_events, "users": len(set(sequences.user_id.to_pylist()))}
    assert found == counted and (np.diff(sequences.offsets) >= 0).all()


def test_the_first_window_has_no_journey_whose_look_back_nobody_read(published: Workspace) -> None:
    assert published.slice_of("ad_journeys", WINDOWS[0]).num_rows == 0
    assert (
        journey_values(published, WINDOWS[0])["first_day"] == 7
        and journey_values(published, EXPLAINED)["first_day"] == 0
    )
    assert history_keys(published, EXPLAINED) == WINDOWS[1:] and history_keys(published, WINDOWS[0]) == WINDOWS[:1]


def test_labels_are_what_the_simulator_drew(published: Workspace) -> None:
    rows = published.slice_of("ad_journeys", EXPLAINED).to_pylist()
    (truth,) = published.settings.home.glob("simulated/*/truth/journeys.parquet")
    import pyarrow.parquet as pq

    start = published.window(EXPLAINED).start.date()
    drawn = {(r["user_id"], (r["day"] - start).days): r["bought"] for r in pq.read_table(truth).to_pylist()}
    assert len(rows) > 1000 and all(bool(r["label"]) == drawn[r["user_id"], r["day_number"]] for r in rows)


def test_the_picture_is_drawn_to_its_size_and_not_blank(published: Workspace) -> None:
    with Image.open(published.settings.exports / "small_ads" / EXPLAINED / "ad_journeys.png") as picture:
        assert picture.size == (1500, 1000) and len(set(picture.convert("L").getdata())) > 50


def test_a_journey_is_shown_event_by_event_and_the_run_ends_with_what_ads_added(published: Workspace) -> None:
    console = Console(width=200, record=True)
    longest = max(published.slice_of("ad_journeys", EXPLAINED).to_pylist(), key=lambda row: row["n_events"])
    console.print(explain_journey(published, longest["journey_id"]))
    console.print(summarise_journeys(published, EXPLAINED))
    shown = console.export_text()
    assert (
        "without any ads" in shown
        and "credit by campaign" in shown
        and shown.count("impression") >= longest["impressions"]
    )
    assert all(name in shown for name in ("naive_difference", "doubly_robust", "lost_auctions", "SIMULATED"))
    with pytest.raises(AttributionError, match="no published journey of small_ads has the id 'nobody'"):
        explain_journey(published, "nobody")


def test_published_names_answer_a_query_in_their_leading_columns(published: Workspace) -> None:
    leading = {"ad_counterfactuals": "campaign_id", "journey_embeddings": "journey_id", "feature_importance": "feature"}
    for table, column in leading.items():
        query = parse_query("q", f"SELECT {column} FROM {table} ORDER BY 1 LIMIT 5")
        assert published.warehouse.fetch(query, {}, scope="published").num_rows == 5
        assert table_definition(table).columns[1].name == column


def test_a_dataset_of_events_whose_profile_names_ads_has_both_branches(tmp_path: Path) -> None:
    (tmp_path / "both.yaml").write_text(
        "extends: marketplace\nname: both\nvariants: {no_funnel: {funnel: drop}}\n"
        "journeys: {impression: promotion_view, click: promotion_click, campaign: store_id}\n"
    )
    environment = {"ATTRIBUTION_DATASETS": "both", "ATTRIBUTION_DATASET_FOLDERS": str(tmp_path)}
    found = build_definitions(Settings.from_environment(environment))
    names = {"/".join(key.path[1:]) for key in found.resolve_all_asset_keys()}
    assert {
        "no_funnel/trained_model",
        "ad_journeys",
        "journey_model",
        "ad_increments",
        "published",
    } <= names and "ad_auctions" not in names
    jobs = {job.name for job in found.resolve_all_job_defs()}
    assert {"both_explain_no_funnel", "both_explain_journeys", "both_publish"} <= jobs
    graph = found.resolve_asset_graph()
    parents = graph.get(dg.AssetKey(["both", "published"])).parent_keys
    assert {dg.AssetKey(["both", "ad_counterfactuals"]), dg.AssetKey(["both", "journey_report"])} <= parents


def test_a_dataset_that_explains_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "none.yaml").write_text("extends: ads\nname: none\njourneys: null\n")
    with pytest.raises(ConfigurationError, match="variants is empty"):
        load_profile("none", [tmp_path])


def test_checks_of_journeys_are_listed_in_the_documentation() -> None:
    rows = [(e.name, e.asset, "critical" if e.blocking else "warning", e.description) for e in ALL]
    page = (Path(__file__).parents[2] / "docs" / "journeys.md").read_text()
    assert re.findall(r"^\| `(\w+)` \| `(\w+)` \| (critical|warning) \| (.*) \|$", page, re.M) == rows


def test_jobs_of_ads_are_prepare_explain_and_publish(published: Workspace) -> None:
    jobs = {job.name for job in definitions_of([published]).resolve_all_job_defs() if not job.name.startswith("__")}
    assert {"small_ads_prepare", "small_ads_explain_journeys", "small_ads_publish"} <= jobs
