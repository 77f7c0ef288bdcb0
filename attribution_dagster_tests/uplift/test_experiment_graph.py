"""The graph of an experiment: published whole, its checks can fail, parameters come from YAML or launchpad, hostile names stay text."""

import csv
import re
import shutil
import uuid
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest

from attribution_dagster.assets.audited import tables
from attribution_dagster.build import definitions_of
from attribution_dagster.checks.judging import judge
from attribution_dagster.checks.suites import expectations
from attribution_dagster.cli.doctor import examine
from attribution_dagster.core.decision.roi import Economics, project
from attribution_dagster.dashboard.screens.roi import rates_of, row_of
from attribution_dagster.datasets.registry import load_profile
from attribution_dagster.errors import ConfigurationError
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.queries import Query, load_query
from attribution_dagster_tests.pipeline.small import copy_in_use
from attribution_dagster_tests.uplift.faults import FAULTS
from attribution_dagster_tests.uplift.shop import HOSTILE, PROFILE, WINDOW, customers, made, shop


@pytest.fixture(scope="module")
def done(published_experiment: Workspace) -> Workspace:
    return published_experiment


@pytest.fixture()
def copy(done: Workspace, tmp_path: Path) -> Workspace:
    copy_in_use(done.settings.home, tmp_path / "home", "mlflow*")
    shutil.copy(done.settings.home.parent / "coupon.csv", tmp_path)
    return shop(tmp_path)


def rows(workspace: Workspace, table: str) -> list[dict[str, Any]]:
    return workspace.slice_of(table, WINDOW).to_pylist()


def test_everything_is_published_and_exported_with_its_pages(done: Workspace) -> None:
    manifest = done.warehouse.manifest(WINDOW)
    assert manifest is not None and set(manifest.tables) == set(tables(done.profile))
    assert "treatment_assignment" not in manifest.tables and "experiment_covariates" not in manifest.tables
    folder = done.settings.exports / "coupon" / WINDOW
    names = {path.name for path in folder.iterdir()}
    assert {f"{table}.csv" for table in tables(done.profile)} <= names
    assert {"recommendation.html", "recommendation.md", "roi_simulation.png", "uplift_curves.png"} <= names
    with (folder / "uplift_scores.csv").open(newline="") as file:
        header = next(csv.reader(file))
    assert header[:2] == ["session_id", "uplift"] and "quadrant" in header and "action" in header
    with (folder / "roi_simulation.csv").open(newline="") as file:
        assert next(csv.reader(file))[:5] == [
            "targeted_share",
            "incremental_conversions",
            "cost_usd",
            "revenue_usd",
            "roi",
        ]


def test_effects_are_the_differences_of_rates(done: Workspace) -> None:
    known = customers()
    for effect in rows(done, "experiment_effects"):
        column = {"revenue_usd": "spent"}.get(effect["outcome"], effect["outcome"])
        under, control = ([row[column] for row in known if (row["arm"] == HOSTILE) is side] for side in (True, False))
        assert effect["effect"] == pytest.approx(sum(under) / len(under) - sum(control) / len(control))
        assert effect["units"] == len(under) and effect["data"] == "real"
    assert len(rows(done, "experiment_effects")) == 3


def test_the_young_are_persuadable_and_the_old_are_not_disturbed(done: Workspace) -> None:
    age = {row["customer"]: float(row["age"] or "nan") for row in customers()}
    scores = rows(done, "uplift_scores")
    assert len(scores) == 3000 and {row["uplift_rank"] for row in scores} == set(range(1, 3001))
    by_quadrant = {
        name: [age[r["session_id"]] for r in scores if r["quadrant"] == name]
        for name in {r["quadrant"] for r in scores}
    }
    assert max(by_quadrant["persuadable"]) < 65 and min(by_quadrant["do_not_disturb"]) > 55
    assert {row["action"] for row in scores if row["quadrant"] == "persuadable"} == {"treat"}


def test_a_random_score_stands_beside_the_learners(done: Workspace) -> None:
    metrics = {(row["learner"], row["metric"]): row for row in rows(done, "uplift_metrics")}
    assert {learner for learner, _ in metrics} == {"t", "dr", "random"}
    assert metrics["t", "qini"]["beats_random"] and not metrics["random", "qini"]["beats_random"]
    assert [name for (name, metric), row in metrics.items() if metric == "qini" and row["is_used"]] == ["t"]


def test_recommends_the_young_half(done: Workspace) -> None:
    recommended = [row for row in rows(done, "roi_simulation") if row["is_recommended"]]
    assert len(recommended) == 1 and 0.3 <= recommended[0]["targeted_share"] <= 0.7
    assert recommended[0]["profit_usd_low"] > 0


def test_a_second_run_finds_everything_current(done: Workspace) -> None:
    result = made(done)
    said = [
        str(event.step_materialization_data.materialization.metadata["status"].value)
        for event in result.all_events
        if event.is_step_materialization
    ]
    assert len(said) == 6 and all(text.startswith("current") for text in said)


def test_training_is_an_mlflow_run_with_parameters_and_metrics(done: Workspace) -> None:
    from mlflow import MlflowClient

    record = done.artifacts.record("uplift_model", WINDOW)
    assert record is not None
    run = MlflowClient(done.settings.mlflow_tracking_uri).get_run(record.report["mlflow_run_id"])
    assert run.data.params["base_model"] == "linear" and run.data.tags["data"] == "real"
    assert run.data.metrics["t_qini"] > 0 and run.info.status == "FINISHED"


def test_launchpad_shows_the_profiles_parameters_and_takes_others(copy: Workspace) -> None:
    node = next(
        n
        for n in definitions_of([copy]).resolve_implicit_global_asset_job_def().nodes
        if n.name == "coupon__roi_simulation"
    )
    fields = node.definition.config_schema.as_field().config_type.fields
    assert {name: field.default_value for name, field in fields.items()} == {
        "contact_cost_usd": 1.0, "incentive_usd": 2.0, "redeeming_share": 0.5, "order_value_usd": 50.0, "population": 0,
    }  # fmt: skip
    assert all(field.description for field in fields.values())
    before = rows(copy, "roi_simulation")
    assert made(
        copy, "roi_simulation", config={"roi_simulation": {"contact_cost_usd": 40.0, "population": 6000}}
    ).success
    after = rows(copy, "roi_simulation")
    assert after[-1]["targeted_units"] == 2 * before[-1]["targeted_units"]
    assert not any(row["is_recommended"] for row in after)
    assert "Target nobody yet" in str(copy.artifacts.record("roi_simulation", WINDOW).report["recommendation"])  # type: ignore[union-attr]


def test_hostile_names_stay_text_on_the_pages(done: Workspace) -> None:
    folder = done.settings.exports / "coupon" / WINDOW
    for name in ("recommendation.html", "recommendation.md"):
        text = (folder / name).read_text()
        assert "<script>" not in text and "&lt;script&gt;" in text
    assert "| =HYPERLINK" not in (folder / "recommendation.md").read_text()


def test_the_projection_at_the_profiles_economics_is_the_published_curve(done: Workspace) -> None:
    rates = rates_of(done.warehouse.fetch(*_query("dashboard/policy_rates", done), scope="published"))
    published = {row["targeted_share"]: row for row in rows(done, "roi_simulation")}
    population = round(published[1.0]["targeted_units"])
    economics = Economics(**done.profile.decision.model_dump(exclude={"population"}))
    points, recommended = project(rates, economics, population)
    assert {point.targeted_share for point in points} == set(published)
    for point in points:
        drawn = row_of(point, recommended)
        told = published[point.targeted_share]
        assert {name: told[name] for name in drawn} == {
            name: pytest.approx(value, rel=1e-12) if isinstance(value, float) else value
            for name, value in drawn.items()
        }


def _query(name: str, workspace: Workspace) -> tuple[Query, dict[str, object]]:
    query = load_query(name)
    return query, workspace.bound(query, WINDOW)


def test_an_experiment_that_lost_units_is_not_published(tmp_path: Path) -> None:
    lost = [
        row
        for row in customers()
        if row["arm"] == "nothing" or not (row["visit"] == 0 and int(row["customer"][1:]) % 3 == 0)
    ]
    workspace = shop(tmp_path, lost)
    result = made(workspace)
    failed = [e.check_name for e in result.get_asset_check_evaluations() if not e.passed]
    assert not result.success and "experiment_valid" in failed
    assert workspace.warehouse.manifest(WINDOW) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"visit": 2}, "outcome visit holds"),
        ({"arm": "other"}, "units of the arm 'other'"),
        ({"customer": "c1"}, "units occur twice"),
    ],
)
def test_units_that_cannot_be_are_refused_by_name(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    known = customers(200)
    workspace = shop(tmp_path, [{**known[0], **change}, *known[1:]])
    result = made(workspace, "source", "treatment_assignment")
    (failure,) = (event for event in result.all_events if event.is_step_failure)
    assert said in str(failure.step_failure_data.error)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("control: nothing", "control: none", "control 'none' is none of the arms"),
        ("uplift_on: visit", "uplift_on: age", "uplift_on 'age' is none of the outcomes"),
        ("learners: [t, dr]", "learners: [t, z]", "z is no learner: choose from t, s, x, dr"),
        ("splits: 4", "splitz: 4", r"line \d+: uplift.splitz is no setting here. Did you mean splits"),
        (
            "end: 2025-04-01",
            "end: 2025-05-01",
            "a dataset of kind experiment is one window: set windows.end to 2025-04-01",
        ),
        ("kind: experiment", "kind: experimental", "choose from events, experiment, sessions"),
        ("contact_cost_usd: 1,", "contact_cost_usd: -1,", "contact_cost_usd .*greater than or equal to 0"),
    ],
)
def test_a_wrong_profile_is_told_its_key_and_remedy(old: str, new: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "coupon.yaml").write_text(PROFILE.replace(old, new))
    with pytest.raises(ConfigurationError, match=said):
        load_profile("coupon", [tmp_path])


def test_there_is_a_fault_for_every_expectation_and_every_table_is_checked(done: Workspace) -> None:
    suite = expectations(done.profile)
    assert {e.name for e in suite} == {*FAULTS, "retention_applied"}
    read = {table for e in suite if e.metric_query is not None for table in e.metric_query.tables}
    assert set(tables(done.profile)) <= read


def test_the_page_lists_every_expectation_with_its_severity_and_words() -> None:
    page = (Path(__file__).parents[2] / "docs" / "uplift.md").read_text()
    listed = re.findall(r"^\| `(\w+)` \| `(\w+)` \| (critical|warning) \| (.+) \|$", page, re.M)
    known = [e for e in expectations(load_profile("hillstrom")) if e.asset != "published"]
    assert listed == [(e.name, e.asset, "critical" if e.blocking else "warning", e.description) for e in known]


@pytest.fixture(scope="module")
def damaged(done: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A copy in which a table is damaged, and mended after each test; as it is, it fails no check."""
    root = tmp_path_factory.mktemp("damaged")
    copy_in_use(done.settings.home, root / "home", "mlflow*")
    copy = shop(root)
    suite = [e for e in expectations(copy.profile) if e.metric_query is not None]
    assert all(verdict.passed for verdict in judge(copy, suite, WINDOW))
    return copy


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_breaks_its_expectation_and_no_other(name: str, damaged: Workspace) -> None:
    table, change = FAULTS[name]
    known = damaged.slice_of(table, WINDOW)
    start = damaged.window(WINDOW).start
    changed = [{**row, "window_start": start} for row in change(known.to_pylist())]
    faulty = pa.Table.from_pylist(changed, schema=known.schema)
    suite = [e for e in expectations(damaged.profile) if table in (e.metric_query.tables if e.metric_query else ())]
    damaged.warehouse.load(table, WINDOW, f"faulty-{uuid.uuid4().hex}", faulty.to_batches())
    verdicts = dict(zip([e.name for e in suite], judge(damaged, suite, WINDOW), strict=True))
    damaged.warehouse.load(table, WINDOW, f"mended-{uuid.uuid4().hex}", known.to_batches())
    broken = {each for each, verdict in verdicts.items() if not verdict.passed}
    # What is counted again from the units misses the unit that was taken out, too.
    assert broken == {name} | (
        {"effects_add_up", "uplift_scores_valid"} & broken if name == "assignment_complete" else set()
    )
    assert verdicts[name].rows or name == "confirming_test_valid"  # of a look that lacks there is no row


def test_commands_about_events_refuse_an_experiment_by_name(done: Workspace) -> None:
    with pytest.raises(ConfigurationError, match="dataset coupon is of kind experiment and has no events"):
        examine(done.settings, "coupon")


def test_the_definitions_hold_one_job_and_every_asset_is_described(done: Workspace) -> None:
    definitions = definitions_of([done])
    assert "coupon_decide" in {job.name for job in definitions.resolve_all_job_defs()}
    for spec in definitions.resolve_all_asset_specs():
        assert spec.description and len(spec.description.split()) >= 12 and spec.tags["data"] == "real"
        assert isinstance(spec.metadata.get("dagster/column_schema", dg.TableSchema([])), dg.TableSchema)
