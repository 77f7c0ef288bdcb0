"""Traits through the graph: tables with their checks, each of which a fault of its own breaks; windows, refits and drift."""

import json
from pathlib import Path

import dagster as dg
import numpy as np
import pytest
from PIL import Image

from attribution_dagster.assets.audited import audited, tables
from attribution_dagster.assets.trait_drift import compared
from attribution_dagster.assets.traits_data import history_until, read_customers
from attribution_dagster.assets.traits_learning import MODELS, model_folder, open_trait_model
from attribution_dagster.build import definitions_of
from attribution_dagster.checks.expectations import Expectation
from attribution_dagster.checks.judging import judge, measure
from attribution_dagster.checks.suites.traits import traits_suite
from attribution_dagster.datasets.registry import load_profile
from attribution_dagster.errors import ConfigurationError
from attribution_dagster.graph import TRAIT_TABLES
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.queries import load_query, sql_folder, transpile
from attribution_dagster_tests.traits.faults import TRAIT_FAULTS, TRAITS_WITHOUT_ROWS
from attribution_dagster_tests.traits.small import EXPLAINED, MADE, run, small_shoppers

FIRST, SECOND = EXPLAINED
PROFILE = load_profile("shoppers")
ALL = traits_suite(PROFILE)
LUCK = ("customers_covered", "recommendations_not_worse", "traits_steady")
"""Warnings, which the small dataset may deserve."""


def test_all_tables_have_rows_and_are_published_but_for_the_drift(made: Workspace) -> None:
    assert {name for names in TRAIT_TABLES.values() for name in names} - set(tables(made.profile)) == {"trait_drift"}
    assert set(MADE) <= set(audited(made.profile)) and "trait_drift" not in audited(made.profile)
    for key in EXPLAINED:
        for name in (name for names in TRAIT_TABLES.values() for name in names):
            assert made.slice_of(name, key).num_rows, name


def test_there_is_a_fault_for_every_expectation_and_every_table_is_read_by_one() -> None:
    assert {e.name for e in ALL} == set(TRAIT_FAULTS)
    read = {table for e in ALL if e.metric_query is not None for table in e.metric_query.tables}
    assert {name for names in TRAIT_TABLES.values() for name in names} <= read
    assert {e.asset for e in ALL if e.blocking} <= set(audited(PROFILE))


def test_statements_of_traits_have_other_engines() -> None:
    for path in (sql_folder() / "traits").glob("*.sql"):
        query = load_query(f"traits/{path.stem}")
        assert transpile(query, "spark") and "one row" in query.text.split("\n", 1)[0], query.name


@pytest.mark.parametrize("expectation", ALL, ids=lambda e: e.name)
def test_a_check_passes_on_what_was_made(made: Workspace, expectation: Expectation) -> None:
    for key in EXPLAINED:
        (verdict,) = judge(made, [expectation], key)
        if expectation.name in LUCK:
            assert verdict.observed
            continue
        assert verdict.passed and verdict.offending == 0, verdict.summary
        query = expectation.rows_query
        if query is not None:
            known = {**measure(made, expectation, key), **expectation.bounds, **expectation.parameters}
            assert made.fetch(query, key, **known).num_rows == 0


@pytest.mark.parametrize("expectation", ALL, ids=lambda e: e.name)
def test_a_fault_breaks_its_expectation_and_no_other_of_the_asset(copy: Workspace, expectation: Expectation) -> None:
    beside = [e for e in ALL if e.asset == expectation.asset]
    before = {e.name for e, v in zip(beside, judge(copy, beside, FIRST), strict=True) if not v.passed}
    TRAIT_FAULTS[expectation.name](copy, "")
    verdicts = dict(zip([e.name for e in beside], judge(copy, beside, FIRST), strict=True))
    assert {name for name, verdict in verdicts.items() if not verdict.passed} == {expectation.name, *before}
    verdict = verdicts[expectation.name]
    assert "found" in verdict.summary and verdict.blocking == expectation.blocking
    assert (verdict.offending > 0) == bool(verdict.rows) == (expectation.name not in TRAITS_WITHOUT_ROWS)


def test_nobody_is_recommended_what_was_bought_in_any_window_read(made: Workspace) -> None:
    customers = read_customers(made, history_until(made, FIRST))
    chosen = customers.is_action(made.profile.roles.conversion)
    pairs = zip(customers.user[chosen].tolist(), customers.token[chosen].tolist(), strict=True)
    owned = {(customers.users[u], customers.items[t]) for u, t in pairs}
    rows = made.slice_of("recommendations", FIRST).to_pylist()
    assert len(owned) > 50 and not owned & {(row["user_id"], row["product_id"]) for row in rows}
    assert all("|" not in row["product_id"] for row in rows)  # actions are merged: products, not tokens


def test_every_training_is_an_mlflow_run_and_models_are_no_pickles(made: Workspace) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(made.settings.mlflow_tracking_uri)
    for asset in MODELS:
        folder = model_folder(made, asset, FIRST)
        assert client.get_run((folder / "mlflow_run_id").read_text()).info.status == "FINISHED"
        assert {path.suffix for path in folder.iterdir()} <= {".txt", ".parquet", ".json", ".safetensors", ".png", ""}
    assert not list(model_folder(made, "item2vec", FIRST).glob("*sessions*"))  # nobody's history stays


def test_vectors_are_read_by_gensim(made: Workspace) -> None:
    from gensim.models import KeyedVectors

    read = KeyedVectors.load_word2vec_format(str(model_folder(made, "item2vec", FIRST) / "vectors.txt"))
    vectors = open_trait_model(made, FIRST).vectors
    assert read.index_to_key == vectors.tokens and np.allclose(read.vectors, vectors.vectors)


def test_traits_keep_their_identity_and_embeddings_are_turned_onto_those_before(made: Workspace) -> None:
    from safetensors.numpy import load_file

    first, second = (made.slice_of("trait_drift", key).to_pylist() for key in EXPLAINED)
    assert {row["trait_identity"] for row in first} == {f"{FIRST}/{row['trait']}" for row in first}
    kept = [row for row in second if row["previous_trait"] is not None]
    assert kept and all(row["trait_identity"] == f"{FIRST}/{row['previous_trait']}" for row in kept)
    assert len({row["previous_trait"] for row in kept}) == len(kept)  # one to one
    assert second[0]["alignment_before"] < 0.5 < second[0]["alignment_after"]
    record = made.artifacts.record("trait_drift", SECOND)
    assert record is not None and compared(made, SECOND) == EXPLAINED
    folder = made.artifacts.folder("trait_drift", SECOND, record.version)
    assert folder is not None
    rotation = load_file(folder / "alignment.safetensors")["rotation"]
    assert np.allclose(rotation @ rotation.T, np.eye(16), atol=1e-9)


def test_pictures_are_drawn(made: Workspace) -> None:
    record = made.artifacts.record("trait_report", FIRST)
    assert record is not None
    folder = made.artifacts.folder("trait_report", FIRST, record.version)
    assert folder is not None
    assert {path.name for path in folder.iterdir()} == {"customer_traits.png", "trait_numbers.png", "item_map.png"}
    for path in folder.iterdir():
        with Image.open(path) as picture:
            assert picture.width > 800 and len(set(picture.convert("L").getdata())) > 50


def test_search_and_comparison_say_what_was_chosen(made: Workspace) -> None:
    searched = made.slice_of("item2vec_search", FIRST).to_pylist()
    (chosen,) = [row for row in searched if row["is_chosen"]]
    assert chosen["hit_rate_10"] == max(row["hit_rate_10"] for row in searched) and chosen["n_queries"] > 100
    pooled = made.slice_of("pooling_comparison", FIRST).to_pylist()
    told = [row for row in pooled if row["validation_value"] is not None]  # of purchases only with thirty buyers
    best = {
        p: np.mean([r["validation_value"] for r in told if r["pooling"] == p]) for p in {r["pooling"] for r in told}
    }
    assert {r["pooling"] for r in pooled if r["is_default"]} == {max(best, key=lambda p: best[p])} and len(best) == 4
    assert all("highest" in row["reason"] for row in pooled if row["is_default"])


def test_reconstruction_chooses_the_number_of_traits_and_the_other_figures_their_origin(made: Workspace) -> None:
    rows = made.slice_of("trait_comparison", FIRST).to_pylist()
    means = {}
    for option in ("embeddings", "tokens"):
        own = [row for row in rows if row["option"] == option]
        rebuilt = {row["traits"]: row["value"] for row in own if row["metric"] == "reconstruction"}
        chosen = {row["traits"] for row in own if row["is_chosen_number"]}
        assert set(rebuilt) == {4, 6} and chosen == {max(rebuilt, key=lambda k: rebuilt[k])}
        others = [row["value"] for row in own if row["metric"] != "reconstruction" and row["value"] is not None]
        means[option] = np.mean(others)
    assert {row["option"] for row in rows if row["is_default"]} == {max(means, key=lambda name: means[name])}


def test_lifts_and_lists_that_are_judged_know_nothing_of_the_window(made: Workspace) -> None:
    """Computed anew from the history before the window, and what became of it in the window."""
    before, model = read_customers(made, made.look_back(FIRST)), open_trait_model(made, FIRST)
    weights = model.describe(before).weights
    sessions = [r for r in made.slice_of("sessions", FIRST).to_pylist() if not r["is_bot"] and not r["is_censored"]]
    place = {user: row for row, user in enumerate(before.users)}
    known = [(place[r["user_id"]], r["is_converted"]) for r in sessions if r["user_id"] in place]
    of = weights[[row for row, _ in known]]
    rates = of.T @ np.array([converted for _, converted in known], float) / of.sum(axis=0)
    told = {row["trait"]: row["conversion_rate"] for row in made.slice_of("trait_profiles", FIRST).to_pylist()}
    assert [told[trait] for trait in range(len(told))] == pytest.approx(rates.tolist())
    (judged,) = {row["n_customers"] for row in made.slice_of("recommendation_metrics", FIRST).to_pylist()}
    later = read_customers(made, [FIRST])
    assert judged <= len(set(later.users) & set(before.users)) < len(later.users)
    listed = set(made.slice_of("recommendations", FIRST)["user_id"].to_pylist())
    assert listed - set(before.users)  # while lists at the end of the window are for all who came until then


def test_jobs_know_the_assets_of_traits(made: Workspace) -> None:
    graph = definitions_of([made]).resolve_asset_graph()
    parents = graph.get(dg.AssetKey(["small_shoppers", "published"])).parent_keys
    assert {dg.AssetKey(["small_shoppers", name]) for name in MADE} <= parents
    job = definitions_of([made]).resolve_job_def("small_shoppers_publish")
    assert {dg.AssetKey(["small_shoppers", n]) for n in (*MADE, "trait_drift")} <= set(
        job.asset_layer.executable_asset_keys
    )


def test_between_trainings_the_model_stays_and_new_customers_are_described(copy: Workspace, tmp_path: Path) -> None:
    """With retrain_every 2 the second window is described by the first one's model, and learns nothing."""
    workspace = small_shoppers(tmp_path, retrain_every=2)
    for key in EXPLAINED:
        run(workspace, MADE[:3], [key])
    folders = {model_folder(workspace, asset, key) for asset in MODELS for key in EXPLAINED}
    assert len(folders) == 3 and all(FIRST in folder.parts for folder in folders)
    rows = workspace.slice_of("customer_embeddings", SECOND).to_pylist()
    assert any(row["is_new"] for row in rows) and all(len(json.loads(row["embedding"])) == 16 for row in rows)
    assert {r["user_id"] for r in workspace.slice_of("customer_traits", SECOND).to_pylist()} == {
        r["user_id"] for r in rows
    }


def test_a_profile_refuses_what_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "odd.yaml").write_text("extends: shoppers\nname: odd\ntraits: {numbers: [8, 4]}\n")
    with pytest.raises(ConfigurationError, match="ascending"):
        load_profile("odd", [tmp_path])
