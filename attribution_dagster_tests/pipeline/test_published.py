"""What a run leaves for people: tables, exports, pictures, MLflow runs, and nothing to redo."""

import csv
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from attribution_dagster.assets.audited import tables
from attribution_dagster.assets.report import export_folder
from attribution_dagster.cli.launch import launch
from attribution_dagster.graph import AGGREGATES
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.ddl import table_definition
from attribution_dagster.warehouse.published_columns import VERSION
from attribution_dagster.warehouse.queries import parse_query
from attribution_dagster_tests.pipeline.small import EXPLAINED, VARIANTS, WINDOWS

LEADING = {
    "gradient_attribution_no_funnel": [
        "session_id",
        "label",
        "event_position",
        "gradient_attribution",
        "event_type",
        "store_id",
    ],
    "transformer_event_attribution_no_funnel": ["event_type", "not_converted", "converted", "attribution_lift"],
    "transformer_position_attribution_no_funnel": ["position_bin", "not_converted", "converted", "attribution_lift"],
    "transformer_store_attribution_no_funnel": ["store_id", "store_name", "label", "mean", "count"],
    "transformer_category_attribution_no_funnel": ["primary_category", "primary_tag"],
    "event_count_rates_no_funnel": ["event_type", "decile", "count_low", "count_high"],
    "findings": ["finding_rank", "variant", "event_type", "sentence"],
    "leakage_comparison": ["event_type", "no_funnel_lift", "with_funnel_lift", "leakage_amount", "is_funnel"],
    "funnel_metrics": ["stage", "sessions", "rate", "drop_off"],
    "conversion_predictions": ["session_id", "conversion_probability"],
}
EXPORTS = [
    "event_type_attribution_no_funnel.csv",
    "event_type_attribution_with_funnel.csv",
    "position_attribution_no_funnel.csv",
    "store_attribution_no_funnel.csv",
    "category_attribution_no_funnel.csv",
    "gradient_attribution_no_funnel.csv",
    "leakage_comparison.csv",
    "funnel_metrics.csv",
    "conversion_predictions.csv",
    "catboost_model.cbm",
    "model_metrics.json",
    "shap_summary.png",
    "event_count_rates_no_funnel.csv",
    "findings.csv",
    "findings.html",
    "findings.md",
    "model_card_no_funnel.html",
    "model_card_no_funnel.md",
    "model_card_with_funnel.html",
    "model_card_with_funnel.md",
    "attention_attribution_analysis_no_funnel.png",
    "attention_attribution_analysis_with_funnel.png",
    "attention_attribution_analysis.png",
]


def read(workspace: Workspace, text: str) -> pa.Table:
    return workspace.warehouse.fetch(parse_query("a test's query", text), {}, scope="published")


def test_every_table_of_the_window_is_published_with_its_documented_columns(published: Workspace) -> None:
    manifest = published.warehouse.manifest(EXPLAINED)
    assert manifest is not None and sorted(manifest.tables) == sorted(tables(published.profile))
    assert manifest.evidence["columns_version"] == VERSION
    for table in tables(published.profile):
        names = [column.name for column in table_definition(table).columns]
        assert read(published, f"SELECT * FROM {table} LIMIT 1").column_names == names
        assert all(column.comment for column in table_definition(table).columns)


@pytest.mark.parametrize("table", LEADING)
def test_leading_columns_are_those_that_peoples_queries_expect(published: Workspace, table: str) -> None:
    names = [n for n in read(published, f"SELECT * FROM {table} LIMIT 1").column_names if n != "window_start"]
    assert names[: len(LEADING[table])] == LEADING[table]


@pytest.mark.parametrize("variant", VARIANTS)
def test_shares_of_a_session_sum_to_one_and_every_session_is_there(published: Workspace, variant: str) -> None:
    sums = read(
        published,
        f"SELECT session_id, SUM(gradient_attribution) AS total FROM gradient_attribution_{variant} GROUP BY session_id",
    )
    assert max(abs(total - 1) for total in sums["total"].to_pylist()) < 1e-4
    record = published.artifacts.record(f"{variant}/sequence_tensors", EXPLAINED)
    assert record is not None and sums.num_rows == record.report["python_sessions"]


def test_both_variants_score_the_same_sessions(published: Workspace) -> None:
    ids = [
        set(read(published, f"SELECT DISTINCT session_id FROM gradient_attribution_{v}")["session_id"].to_pylist())
        for v in VARIANTS
    ]
    assert ids[0] == ids[1] and len(ids[0]) > 100


def test_no_event_at_or_after_the_conversion_reaches_a_model(published: Workspace) -> None:
    late = read(
        published,
        "SELECT COUNT(*) AS n FROM gradient_attribution_with_funnel AS a JOIN sessions AS s ON a.session_id = s.session_id "
        "WHERE s.converted_at IS NOT NULL AND a.event_at > s.converted_at",
    )
    conversions = read(
        published, "SELECT COUNT(*) AS n FROM gradient_attribution_with_funnel WHERE event_type = 'order_placed'"
    )
    assert late["n"][0].as_py() == 0 and conversions["n"][0].as_py() == 0


def test_funnel_events_are_seen_by_with_funnel_only(published: Workspace) -> None:
    funnel = published.profile.roles.funnel
    seen = {
        v: set(read(published, f"SELECT DISTINCT event_type FROM gradient_attribution_{v}")["event_type"].to_pylist())
        for v in VARIANTS
    }
    assert not seen["no_funnel"] & set(funnel) and seen["with_funnel"] & set(funnel)


def test_length_alone_says_nothing_and_the_funnel_says_nearly_all(published: Workspace) -> None:
    aucs = {
        (v, row["model"]): row["auc"]
        for v in VARIANTS
        for row in read(published, f"SELECT * FROM model_metrics_{v} WHERE population = 'all'").to_pylist()
    }
    assert abs(aucs["no_funnel", "length"] - 0.5) < 0.05
    assert aucs["with_funnel", "logistic_regression"] > 0.95
    assert aucs["no_funnel", "base_rate"] == 0.5


def test_exports_carry_the_published_rows_and_the_leakage_warning(published: Workspace) -> None:
    folder = Path(export_folder(published, EXPLAINED))
    assert set(EXPORTS) <= {path.name for path in folder.iterdir()}
    with (folder / "event_type_attribution_with_funnel.csv").open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    table = read(published, "SELECT event_type FROM transformer_event_attribution_with_funnel")
    assert {row["event_type"] for row in rows} == set(table["event_type"].to_pylist())
    assert all("DATA LEAKAGE" in row["warning"] for row in rows)


def test_a_second_run_finds_everything_current(published: Workspace) -> None:
    before = {key: published.warehouse.manifest(key) for key in published.warehouse.published_windows()}
    heard: list[str] = []

    class Listener:
        def start(self, stage: str) -> None: ...
        def advance(self, message: str, share: float) -> None: ...
        def finish(self, outcome: str) -> None:
            heard.append(outcome)

    from dataclasses import replace

    launch(replace(published, progress=Listener()), None)
    assert len(heard) > 30 and set(heard) == {"current, nothing to redo"}
    assert {key: published.warehouse.manifest(key) for key in published.warehouse.published_windows()} == before


@pytest.mark.parametrize("variant", VARIANTS)
def test_each_training_is_an_mlflow_run_whose_model_gives_the_published_logits(
    published: Workspace, variant: str
) -> None:
    import mlflow
    import torch

    from attribution_dagster.assets.training import open_model

    mlflow.set_tracking_uri(published.settings.mlflow_tracking_uri)
    runs = mlflow.search_runs(experiment_names=["attribution/small"], output_format="list")
    run = next(r for r in runs if r.data.tags.get("variant") == variant)
    assert run.info.status == "FINISHED" and run.data.tags["dagster.partition"] == EXPLAINED
    assert run.data.metrics["validation_loss"] > 0 and run.data.params["d_model"] == "24"
    exported = mlflow.pytorch.load_model(f"models:/{run.outputs.model_outputs[0].model_id}")
    model = open_model(published, variant, EXPLAINED)
    generator = torch.Generator().manual_seed(0)
    codes = torch.randint(1, 4, (3, 7, len(model.spec.categories)), generator=generator)
    numbers = torch.randn(3, 7, len(model.spec.numbers), generator=generator)
    is_event = torch.ones(3, 7, dtype=torch.bool)
    with torch.no_grad():
        assert torch.allclose(exported(codes, numbers, is_event), model(codes, numbers, is_event), atol=1e-5)


def test_aggregates_count_every_explained_occurrence_of_the_risk_set(published: Workspace) -> None:
    for table in (
        "transformer_event_attribution",
        "transformer_position_attribution",
        "transformer_category_attribution",
    ):
        counted = read(published, f"SELECT SUM(occurrences) AS n FROM {table}_no_funnel")["n"][0].as_py()
        occurrences = read(published, "SELECT COUNT(*) AS n FROM gradient_attribution_no_funnel WHERE in_risk_set")[
            "n"
        ][0].as_py()
        assert counted == occurrences


def test_events_are_conserved_over_all_windows(published: Workspace) -> None:
    total = {"n_events": 0, "n_rejected": 0, "n_in_sessions": 0}
    from attribution_dagster.warehouse.queries import load_query

    for key in WINDOWS:
        row = published.fetch(load_query("checks/events_conserved"), key).to_pylist()[0]
        total = {name: total[name] + row[name] for name in total}
    record = published.artifacts.record("source", "all")
    assert record is not None
    in_windows = total["n_events"]
    assert in_windows == total["n_rejected"] + total["n_in_sessions"]
    assert record.report["rows"] == in_windows + record.report["rows_without_usable_time"]


def test_history_holds_the_window_and_the_plain_name_the_latest(published: Workspace) -> None:
    starts = read(published, "SELECT DISTINCT window_start FROM transformer_event_attribution_no_funnel_history")
    assert pc.count(starts["window_start"]).as_py() == len(published.warehouse.published_windows())


def test_export_never_replaces_a_folder_with_somebody_elses_files(published: Workspace, tmp_path: Path) -> None:
    from attribution_dagster.cli.results import export_window
    from attribution_dagster.errors import ConfigurationError

    (tmp_path / "thesis.docx").write_text("years of work")
    with pytest.raises(ConfigurationError, match="not exported here"):
        export_window(published, EXPLAINED, tmp_path)
    assert (tmp_path / "thesis.docx").read_text() == "years of work"
    out = tmp_path / "fresh"
    assert export_window(published, EXPLAINED, out) == export_window(published, EXPLAINED, out)


def test_example_queries_of_the_page_on_method_run_on_what_is_published(published: Workspace) -> None:
    page = (Path(__file__).parents[2] / "docs" / "method.md").read_text()
    examples = re.findall(r"```sql\n(.*?)```", page, re.S)
    assert len(examples) >= 2
    for example in examples:
        assert read(published, example).num_rows > 0
    signals = {"Strong positive signal", "Moderate positive signal", "Negative signal", "Neutral"}
    familiar = read(published, examples[0])
    assert set(familiar["by_lift"].to_pylist()) | set(familiar["signal_strength"].to_pylist()) <= signals


@pytest.mark.parametrize("table", [*AGGREGATES.values()])
def test_every_row_of_every_aggregate_has_its_p_q_and_signal(published: Workspace, table: str) -> None:
    rows = read(published, f"SELECT * FROM {table}_no_funnel").to_pylist()
    assert any(row["q_value"] is not None for row in rows)
    for row in rows:
        assert (row["p_value"] is None) == (row["users"] < 2) and row["signal_strength"]
        assert (row["q_value"] is None) == (not row["has_minimum_support"])
        assert row["q_value"] is None or 0 < row["p_value"] <= row["q_value"] <= 1
