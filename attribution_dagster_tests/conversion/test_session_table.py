"""Tables of sessions: profiles and files that are refused by name, encoders that see training rows only, and the dataset published whole."""

import csv
import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pyarrow as pa
import pytest
from rich.console import Console

from attribution_dagster.assets.audited import tables
from attribution_dagster.build import definitions_of
from attribution_dagster.checks.judging import judge
from attribution_dagster.checks.suites import expectations
from attribution_dagster.cli.explaining import explain_session
from attribution_dagster.cli.reasons import session_reasons
from attribution_dagster.cli.results import page_of_run
from attribution_dagster.datasets.registry import load_profile
from attribution_dagster.errors import AttributionError, ConfigurationError
from attribution_dagster.resources.progress import LoggedProgress
from attribution_dagster.resources.workspace import Workspace, open_workspace
from attribution_dagster.settings import Settings
from attribution_dagster_tests.pipeline.small import copy_in_use

WINDOW = "2025-03-01"
PROFILE = """
kind: sessions
name: rows
title: Rows of a shop
windows: {length: month, start: 2025-03-01, end: 2025-04-01}
session_table:
  label: bought
  numbers: [pages, weekend, worth]
  categories: [browser]
  later: {column: month, values: [Dec]}
  suspected: [worth]
conversion: {trials: 1, trees: 8}
"""
COLUMNS = ("visit", "who", "pages", "weekend", "worth", "browser", "month", "bought")
STAGING = (
    "-- A row per session.\nSELECT CAST(raw_events.visit AS VARCHAR) AS session_id, CAST(raw_events.who AS VARCHAR) AS user_id, "
    + ", ".join(f"CAST(raw_events.{name} AS VARCHAR) AS {name}" for name in COLUMNS[2:])
    + " FROM raw_events\n"
)
HOSTILE = "<script>alert(1)</script> | =HYPERLINK()"
"""A browser's name: it comes from outside."""
Rows = list[dict[str, Any]]


def sessions(n: int = 500) -> Rows:
    """Pages raise the odds; `worth` is known only of those who bought, and less often in December."""
    rng = np.random.default_rng(0)
    pages, later = rng.poisson(4, n), np.arange(n) >= 0.6 * n
    bought = rng.random(n) < 1 / (1 + np.exp(3 - 0.5 * pages))
    worth = np.where(bought & (rng.random(n) < np.where(later, 0.5, 0.9)), 10.0, 0.0)
    return [
        {
            "visit": f"v{i}", "who": f"u{i // 2}" if i % 10 else "", "pages": int(pages[i]) if i % 40 else "",
            "weekend": ["TRUE", "false"][i % 2], "worth": worth[i], "browser": [HOSTILE, "b"][i % 3 == 0],
            "month": "Dec" if later[i] else "Oct", "bought": str(bool(bought[i])),
        }
        for i in range(n)
    ]  # fmt: skip


def dataset(root: Path, rows: Rows | None = None, profile: str = PROFILE) -> Workspace:
    """The workspace of dataset `rows`; the file is written where rows are given."""
    folder = root / "datasets"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rows.yaml").write_text(profile)
    (folder / "stg_sessions__rows.sql").write_text(STAGING)
    if rows is not None:
        with (root / "rows.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
    environment = {
        "ATTRIBUTION_HOME": str(root / "home"), "ATTRIBUTION_EXPORTS": str(root / "exports"), "ATTRIBUTION_DATASETS": "rows",
        "ATTRIBUTION_DATASET_FOLDERS": str(folder), "ATTRIBUTION_EVENTS_ROWS": str(root / "rows.csv"), "ATTRIBUTION_THREADS": "1",
    }  # fmt: skip
    return open_workspace("rows", Settings.from_environment(environment), LoggedProgress())


def made(workspace: Workspace) -> dg.ExecuteInProcessResult:
    """The run of everything; failures are in the result."""
    definitions = definitions_of([workspace])
    job = definitions.resolve_implicit_global_asset_job_def()
    chosen = [key for key in definitions.resolve_all_asset_keys() if key.path[-1] != "source"]
    with dg.DagsterInstance.ephemeral() as instance:
        source = [dg.AssetKey(["rows", "source"])]
        first = job.execute_in_process(instance=instance, asset_selection=source, raise_on_error=False)
        if not first.success:
            return first
        return job.execute_in_process(
            instance=instance, partition_key=WINDOW, asset_selection=chosen, raise_on_error=False
        )


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    workspace = dataset(tmp_path_factory.mktemp("rows"), sessions())
    result = made(workspace)
    assert result.success, [event.event_specific_data for event in result.all_events if event.is_failure]
    yield workspace
    workspace.warehouse.close()


def rows_of(workspace: Workspace, table: str) -> Rows:
    return workspace.slice_of(table, WINDOW).to_pylist()


def test_everything_is_published_and_exported_with_its_page(done: Workspace) -> None:
    manifest = done.warehouse.manifest(WINDOW)
    assert manifest is not None and set(manifest.tables) == set(tables(done.profile))
    names = {path.name for path in (done.settings.exports / "rows" / WINDOW).iterdir()}
    assert {f"{table}.csv" for table in tables(done.profile)} <= names
    files = {
        "catboost_model.cbm",
        "xgboost_model.json",
        "logistic_regression.skops",
        "model_metrics.json",
        "shap_summary.png",
    }
    assert files | {"session_conversion.html", "session_conversion.md", "conversion_curves.png"} <= names
    assert "training.json" not in names
    (version,) = done.registry.versions("conversion_full")
    assert version.trained_for == WINDOW


def test_later_sessions_are_predicted_with_reasons_and_any_of_them_on_demand(done: Workspace) -> None:
    known = {row["visit"]: row for row in sessions()}
    predicted = rows_of(done, "conversion_predictions")
    assert {r["session_id"] for r in predicted} == {v for v, row in known.items() if row["month"] == "Dec"}
    assert all(r["label"] == (known[r["session_id"]]["bought"] == "True") for r in predicted)
    assert all((r["user_id"] or "") == known[r["session_id"]]["who"] for r in predicted)
    best = max(predicted, key=lambda r: r["conversion_probability"])
    assert best["reason_1"] and best["is_targeted"] and best["decile"] == 1
    console = Console(width=160, record=True)
    console.print(session_reasons(done, best["session_id"], "full"))
    assert f"{best['conversion_probability']:.1%}" in console.export_text()
    with pytest.raises(AttributionError, match="no prediction from feature set early"):
        session_reasons(done, best["session_id"], "early")
    with pytest.raises(AttributionError, match="attribution reasons SESSION_ID --dataset rows"):
        explain_session(done, "no_funnel", best["session_id"])


def test_figures_stand_side_by_side_and_the_page_says_why_they_differ(done: Workspace) -> None:
    found = {
        (r["feature_set"], r["segment"], r["model"]): r
        for r in rows_of(done, "conversion_metrics")
        if r["metric"] == "auc"
    }
    for model in ("logistic_regression", "catboost", "xgboost"):
        folds, in_time = (found["full", part, model] for part in ("cross_validated", "all"))
        assert folds["value"] > in_time["value"] > found["without_suspected", "all", model]["value"]
        assert (folds["n_sessions"], in_time["n_sessions"]) == (500, 200)
    suspects = {r["part"]: r for r in rows_of(done, "suspected_attributes")}
    assert suspects["earlier"]["auc"] > 0.9 > suspects["later"]["auc"] and suspects["earlier"]["others_with"] == 0
    page = page_of_run(done, WINDOW).markup
    assert (
        f"{found['full', 'cross_validated', 'xgboost']['value']:.3f}" in page and "worth may know the outcome" in page
    )
    html = (done.settings.exports / "rows" / WINDOW / "session_conversion.html").read_text()
    assert html.count("<tr>") == 1 + 3 + 1 + 2 and "<script>" not in html


Change = Callable[[Rows], Rows]
FAULTS: dict[str, tuple[str, Change]] = {
    "session_table_complete": ("session_attributes", lambda known: known[1:]),
    "suspected_attributes_add_up": ("suspected_attributes", lambda known: [{**known[0], "n_converted": 1}, *known[1:]]),
    "later_sessions_predicted": ("conversion_predictions", lambda known: known[1:]),
}


@pytest.fixture(scope="module")
def copy(done: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A copy in which a table is damaged, and mended after each test."""
    root = tmp_path_factory.mktemp("damaged")
    copy_in_use(done.settings.home, root / "home", "mlflow*")
    return dataset(root)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_breaks_its_expectation_and_no_other(name: str, copy: Workspace) -> None:
    table, change = FAULTS[name]
    suite = [e for e in expectations(copy.profile) if table in (e.metric_query.tables if e.metric_query else ())]
    known = copy.slice_of(table, WINDOW)
    changed = [{**row, "window_start": copy.window(WINDOW).start} for row in change(known.to_pylist())]
    faulty = pa.Table.from_pylist(changed, schema=known.schema)
    copy.warehouse.load(table, WINDOW, f"faulty-{uuid.uuid4().hex}", faulty.to_batches())
    verdicts = dict(zip([e.name for e in suite], judge(copy, suite, WINDOW), strict=True))
    copy.warehouse.load(table, WINDOW, f"mended-{uuid.uuid4().hex}", known.to_batches())
    assert {each for each, verdict in verdicts.items() if not verdict.passed} == {name} and verdicts[name].rows


def test_every_published_table_is_read_by_an_expectation(done: Workspace) -> None:
    read = {table for e in expectations(done.profile) if e.metric_query is not None for table in e.metric_query.tables}
    assert set(tables(done.profile)) <= read


def test_the_page_lists_every_expectation_with_its_severity_and_words() -> None:
    page = (Path(__file__).parents[2] / "docs" / "conversion.md").read_text()
    listed = re.findall(r"^\| `(\w+)` \| `(\w+)` \| (critical|warning) \| (.+) \|$", page, re.M)
    known = [e for e in expectations(load_profile("online_shoppers")) if e.asset != "published"]
    assert listed == [(e.name, e.asset, "critical" if e.blocking else "warning", e.description) for e in known]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"pages": "three"}, "column pages holds what is no number"),
        ({"bought": "2"}, "column bought is the label and holds 2.0"),
        ({"visit": "v1"}, "1 sessions have no session_id or one that another has"),
        ({"month": "Dec"}, "0 of the 0 earlier sessions converted; at least 5 of either kind"),
    ],
)
def test_rows_that_cannot_be_are_refused_by_name(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    first, *others = sessions(20)
    if "month" in change:
        others = [{**row, **change} for row in others]
    result = made(dataset(tmp_path, [{**first, **change}, *others]))
    (failure,) = (str(event.step_failure_data.error) for event in result.all_events if event.is_step_failure)
    assert said in failure


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[browser]", "[browser, pages]", "twice: pages"),
        ("suspected: [worth]", "suspected: [wort]", "suspected wort is none of the numbers"),
        ("suspected:", "suspekted:", "session_table.suspekted is no setting here. Did you mean suspected"),
        (
            "end: 2025-04-01",
            "end: 2025-05-01",
            "a dataset of kind sessions is one window: set windows.end to 2025-04-01",
        ),
    ],
)
def test_a_wrong_profile_is_told_its_key_and_remedy(old: str, new: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "rows.yaml").write_text(PROFILE.replace(old, new))
    with pytest.raises(ConfigurationError, match=said):
        load_profile("rows", [tmp_path])
