"""What Dagster loads: every built-in dataset, the graph's edges, SQL that reads what its asset depends on."""

import re
import subprocess
import sys
from functools import cache

import dagster as dg
import pytest

from attribution_dagster.build import build_definitions
from attribution_dagster.datasets.registry import known_datasets, load_profile
from attribution_dagster.graph import AGGREGATES, tables_of, written_tables
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.settings import Settings
from attribution_dagster.warehouse.ddl import table_definition
from attribution_dagster.warehouse.lineage import ROLES_TABLE
from attribution_dagster.warehouse.queries import load_query, parse_query, sql_folder
from attribution_dagster_tests.pipeline.small import EXPLAINED, VARIANTS

MADE_BY = {table: asset for asset, tables in tables_of(VARIANTS).items() for table in tables} | {ROLES_TABLE: None}
STATEMENTS = {
    "events": "staging/stg_events",
    "session_funnels": "sessions/session_funnels",
    "funnel_metrics": "sessions/funnel_metrics",
    "session_features": "features/session_features",
    "funnel_report": "sessions/funnel_abandonment",
    "sampled_users": "sessions/sampled_users",
    "risk_set": "features/risk_set_candidates",
    "no_funnel/sequence_tensors": "features/sequence_events",
    "no_funnel/attribution_statistics": "marts/attribution_statistics",
    **{f"no_funnel/{asset}": f"marts/{table}" for asset, table in AGGREGATES.items()},
    "no_funnel/event_count_rates": "marts/event_count_rates",
    "leakage_comparison": "marts/leakage_comparison",
}

BESIDE = {
    "staging/event_counts": "events",
    "sessions/rejected_events": "events",
    "sessions/session_events": "sessions",
    "sessions/sessions": "sessions",
    "sessions/session_counts": "sessions",
    "sessions/funnel_report": "funnel_metrics",
    "sessions/conversion_base": "findings",
    "features/sample_counts": "risk_set",
    "features/leakage_candidates": "suspected_leakage",
    "features/leakage_counts": "suspected_leakage",
    "features/leakage_nothing_before": "suspected_leakage",
    "marts/event_store_effects": "findings",
    "marts/session_log_odds": "findings",
    "marts/attribution_drift": "no_funnel/attribution_drift",
    "features/scored_events": "no_funnel/session_scores",
}
"""Further statements of an asset, each of which reads a part of what the asset depends on."""
OF_EXPERIMENTS = ("features/experiment_covariates", "features/experiment_units", "features/uplift_of_units")


@cache
def definitions(dataset: str) -> dg.Definitions:
    return build_definitions(Settings.from_environment({"ATTRIBUTION_DATASETS": dataset}))


@cache
def specs(dataset: str) -> dict[str, dg.AssetSpec]:
    """Asset's name without its dataset -> what Dagster knows of it before anything is made."""
    return {"/".join(spec.key.path[1:]): spec for spec in definitions(dataset).resolve_all_asset_specs()}


@pytest.mark.parametrize("dataset", sorted(known_datasets()))
def test_every_built_in_dataset_loads_its_own_assets_and_all_that_write_tables(dataset: str) -> None:
    assert {spec.key.path[0] for spec in specs(dataset).values()} == {dataset}
    assert set(written_tables(load_profile(dataset))) <= set(specs(dataset))


@pytest.mark.parametrize("dataset", sorted(known_datasets()))
def test_assets_are_described_owned_grouped_and_tagged(dataset: str) -> None:
    for asset, spec in specs(dataset).items():
        words = (spec.description or "").split()
        assert len(words) >= 12 and len(set(words)) >= 10, asset
        assert spec.owners == ["team:attribution"] and spec.kinds, asset
        assert re.fullmatch(r"[0-9a-f]{16}", spec.code_version or ""), asset
        assert re.fullmatch(r"step[1-4]_[a-z_]{3,12}", spec.group_name or ""), asset
        assert spec.tags["dataset"] == dataset, asset
        assert spec.tags["data"] == ("simulated" if load_profile(dataset).simulated else "real"), asset


@pytest.mark.parametrize("dataset", sorted(known_datasets()))
def test_columns_of_all_tables_that_assets_write_are_described(dataset: str) -> None:
    written = written_tables(load_profile(dataset))
    for asset, spec in specs(dataset).items():
        names = written.get(asset, ())
        schemas = [spec.metadata[f"table {name}"] for name in names[1:]]
        if names:
            assert spec.metadata["dagster/table_name"] == f"{dataset}.{names[0]}"
            schemas.insert(0, spec.metadata["dagster/column_schema"])
        else:
            assert "dagster/column_schema" not in spec.metadata and "sql" not in spec.kinds, asset
        for name, schema in zip(names, schemas, strict=True):
            assert [c.name for c in schema.columns] == [c.name for c in table_definition(name).columns]
            assert all(column.type and column.description for column in schema.columns), name


def test_datasets_that_are_loaded_together_have_groups_of_their_own() -> None:
    specs = definitions("marketplace,taobao").resolve_all_asset_specs()
    for spec in specs:
        assert re.fullmatch(rf"{spec.key.path[0]}_step[1-4]_[a-z_]+", spec.group_name or "")
    assert {spec.key.path[0] for spec in specs} == {"marketplace", "taobao"}


def metadata_of(asset: str) -> dict[str, dg.MetadataValue]:
    """What the asset's latest materialisation of the explained window shows."""
    with dg.DagsterInstance.get() as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey(["small", *asset.split("/")]))
    assert event is not None and event.asset_materialization is not None
    assert event.asset_materialization.partition == (None if asset == "source" else EXPLAINED)
    return dict(event.asset_materialization.metadata)


@pytest.mark.parametrize("asset", sorted(specs("marketplace")))
def test_materialisation_shows_a_table_or_a_picture_and_nobodys_id(published: Workspace, asset: str) -> None:
    shown = [v.value for v in metadata_of(asset).values() if isinstance(v, dg.MarkdownMetadataValue)]
    assert any("data:image/png;base64," in text or re.search(r"^\| .*\n\| ---.*\n\| ", text, re.M) for text in shown)
    users = set(published.slice_of("sessions", EXPLAINED)["user_id"].to_pylist())
    words = {word for text in shown if "base64" not in text for word in re.split(r"[^\w]+|_", text)}
    assert len(users) > 50 and not users & words


@pytest.mark.parametrize("asset", sorted(tables_of(VARIANTS)))
def test_materialisation_counts_the_rows_of_the_main_table(published: Workspace, asset: str) -> None:
    table = tables_of(VARIANTS)[asset][0]
    if asset == "source":
        count = published.warehouse.fetch(parse_query("hours", "SELECT SUM(n_events) AS n FROM source_hours"), {})
    else:
        rows = parse_query("rows", f"SELECT COUNT(*) AS n FROM {table} WHERE window_start = :window_start")
        count = published.fetch(rows, EXPLAINED)
    assert metadata_of(asset)["dagster/row_count"].value == count["n"][0].as_py() > 0


@pytest.mark.parametrize("asset", sorted(name for name, spec in specs("marketplace").items() if "sql" in spec.kinds))
def test_columns_come_from_assets_that_are_upstream_and_from_columns_that_they_have(
    published: Workspace, asset: str
) -> None:
    lineage = metadata_of(asset)["dagster/column_lineage"].value
    table, *_ = tables_of(VARIANTS)[asset]
    assert set(lineage.deps_by_column) == {column.name for column in table_definition(table).columns}
    parents = {dep.asset_key.path[-1] for dep in specs("marketplace")[asset].deps}
    found = {(d.asset_key, d.column_name) for deps in lineage.deps_by_column.values() for d in deps}
    assert found and {key.path[-1] for key, _ in found} <= parents
    for key, column in found:
        written = tables_of(VARIANTS)["/".join(key.path[1:])]
        assert any(column == c.name for name in written for c in table_definition(name).columns), (key, column)


def test_a_training_links_to_its_mlflow_run_and_a_report_to_its_exports(published: Workspace) -> None:
    trained, report = metadata_of("no_funnel/trained_model"), metadata_of("no_funnel/attribution_report")
    assert "mlflow" in str(trained["mlflow"].value) and "mlflow ui --backend-store-uri sqlite" in str(
        trained["mlflow_shown_by"].value
    )
    exports = metadata_of("published")["exports"].value
    assert report["exports"].value == exports == str(published.settings.exports / "small" / EXPLAINED)


@pytest.mark.parametrize("asset", STATEMENTS)
def test_tables_that_a_statement_reads_are_those_its_asset_depends_on(asset: str) -> None:
    graph = definitions("marketplace").resolve_asset_graph()
    parents = {"/".join(key.path[1:]) for key in graph.get(dg.AssetKey(["marketplace", *asset.split("/")])).parent_keys}
    variant = asset.split("/")[0] if "/" in asset else None
    read = {MADE_BY.get(table, table) for table in load_query(STATEMENTS[asset], variant).tables} - {None, asset}
    assert read == parents


@pytest.mark.parametrize("statement", BESIDE)
def test_further_statements_read_what_their_asset_depends_on_or_writes(statement: str) -> None:
    graph, asset = definitions("marketplace").resolve_asset_graph(), BESIDE[statement]
    parents = {"/".join(key.path[1:]) for key in graph.get(dg.AssetKey(["marketplace", *asset.split("/")])).parent_keys}
    query = load_query(statement, "no_funnel")
    assert query.tables and {MADE_BY.get(table, table) for table in query.tables} <= {*parents, asset, None}


def test_every_statement_belongs_to_an_asset() -> None:
    """Those of checks belong to expectations, and those of staging/ to the source and to datasets: other tests say so."""
    files = {
        f"{path.parent.name}/{path.stem}"
        for part in ("sessions", "features", "marts")
        for path in (sql_folder() / part).glob("*.sql")
    }
    assert files == {*STATEMENTS.values(), *BESIDE, *OF_EXPERIMENTS} - {"staging/stg_events", "staging/event_counts"}


def test_look_back_mapping_reaches_exactly_the_training_windows() -> None:
    profile = load_profile("taobao_fixed_cut")
    graph = definitions("taobao_fixed_cut").resolve_asset_graph()
    node = graph.get(dg.AssetKey(["taobao_fixed_cut", "no_funnel", "trained_model"]))
    mapping = next(iter(node.partition_mappings.values()))
    assert isinstance(mapping, dg.TimeWindowPartitionMapping)
    assert mapping.start_offset == -(profile.windows.look_back + profile.windows.retrain_every - 1)


def test_leaking_variant_says_so_on_its_assets() -> None:
    for spec in definitions("marketplace").resolve_all_asset_specs():
        leaks = "with_funnel" in spec.key.path or spec.key.path[-1] == "leakage_comparison"
        assert (spec.tags.get("data_leakage") == "true") == leaks


def test_loading_definitions_leaves_heavy_libraries_alone() -> None:
    heavy = ["torch", "mlflow", "great_expectations", "matplotlib", "sklearn", "scipy", "captum"]
    code = f"import sys, attribution_dagster.definitions; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
