"""What Dagster loads: every built-in dataset, the graph's edges, SQL that reads what its asset depends on."""

import subprocess
import sys

import dagster as dg
import pytest

from attribution_dagster.assets.attribution import AGGREGATES
from attribution_dagster.build import build_definitions
from attribution_dagster.datasets.registry import known_datasets, load_profile
from attribution_dagster.settings import Settings
from attribution_dagster.warehouse.queries import load_query

MADE_BY = {
    "canonical_events": "source",
    "stg_events": "events",
    "session_events": "sessions",
    "event_roles": None,
    "gradient_attribution_no_funnel": "no_funnel/event_attribution",
    "transformer_event_attribution_no_funnel": "no_funnel/event_type_attribution",
    "transformer_event_attribution_with_funnel": "with_funnel/event_type_attribution",
}
STATEMENTS = {
    "events": "staging/stg_events",
    "session_funnels": "sessions/session_funnels",
    "funnel_metrics": "sessions/funnel_metrics",
    "sampled_users": "sessions/sampled_users",
    "risk_set": "features/risk_set_candidates",
    "no_funnel/sequence_tensors": "features/sequence_events",
    **{f"no_funnel/{asset}": f"marts/{table}" for asset, table in AGGREGATES.items()},
    "leakage_comparison": "marts/leakage_comparison",
}


def definitions(dataset: str) -> dg.Definitions:
    return build_definitions(Settings.from_environment({"ATTRIBUTION_DATASETS": dataset}))


@pytest.mark.parametrize("dataset", sorted(known_datasets()))
def test_every_built_in_dataset_loads_with_described_owned_and_grouped_assets(dataset: str) -> None:
    specs = list(definitions(dataset).resolve_all_asset_specs())
    assert len(specs) > 20
    for spec in specs:
        assert spec.description and spec.owners and spec.group_name and spec.kinds and spec.code_version, spec.key
        assert spec.key.path[0] == dataset


@pytest.mark.parametrize("asset", STATEMENTS)
def test_tables_that_a_statement_reads_are_those_its_asset_depends_on(asset: str) -> None:
    graph = definitions("marketplace").resolve_asset_graph()
    parents = {"/".join(key.path[1:]) for key in graph.get(dg.AssetKey(["marketplace", *asset.split("/")])).parent_keys}
    variant = asset.split("/")[0] if "/" in asset else None
    read = {MADE_BY.get(table, table) for table in load_query(STATEMENTS[asset], variant).tables} - {None, asset}
    assert read == parents


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
    heavy = ["torch", "mlflow", "great_expectations", "matplotlib", "sklearn", "captum"]
    code = f"import sys, attribution_dagster.definitions; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
