"""What follows from traits: their profiles, customers who are alike, and what to recommend."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from attribution_dagster.assets.customer_traits import open_story
from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.assets.traits_data import (
    history_until,
    past_and_target,
    read_customers,
    reads_of,
    trait_settings,
    traits_spec,
    write_columns,
    write_dicts,
)
from attribution_dagster.assets.traits_learning import open_trait_model
from attribution_dagster.graph import DatasetAssets
from attribution_dagster.partitions import training_windows
from attribution_dagster.reports.markdown import markdown_table
from attribution_dagster.warehouse.queries import load_query

if TYPE_CHECKING:
    from attribution_dagster.core.traits.catalogue import Asked, Catalogue
    from attribution_dagster.core.traits.customers import CustomerTokens
    from attribution_dagster.core.traits.model import TraitModel
    from attribution_dagster.core.traits.profiles import Outcome

PROFILES, SIMILAR, RECOMMENDATIONS = "trait_profiles", "similar_customers", "recommendations"
DEFAULT_METHOD = "blend"
BLEND_CUSTOMERS = 1_000
"""Customers on whom the weights of the blend are chosen."""
_TABLES = {
    PROFILES: ("trait_profiles", "trait_items", "trait_examples"),
    SIMILAR: ("similar_customers",),
    RECOMMENDATIONS: ("recommendations", "recommendation_metrics"),
}
_CODE = code_version(
    "assets/trait_results.py", "assets/traits_data.py", "assets/traits_learning.py", "core/traits", "sql/traits"
)


def trait_result_assets(assets: DatasetAssets) -> list[dg.AssetsDefinition]:
    """The assets `trait_profiles`, `similar_customers` and `recommendations`."""
    workspace, profile = assets.workspace, assets.workspace.profile
    models = ["item2vec", "customer_embeddings", "customer_traits"]
    sessions = dg.AssetDep(assets.key("sessions"), partition_mapping=training_windows(profile))

    def made(context: dg.AssetExecutionContext, asset: str, build: Any, *upstream: str) -> dg.MaterializeResult[None]:
        return make(
            context,
            workspace,
            asset,
            reads=lambda key: reads_of(workspace, key, *upstream),
            settings=lambda _: [*trait_settings(profile), profile.roles.model_dump()],
            code=_CODE,
            exists=lambda step: step.table(*_TABLES[asset]),
            build=build,
        )

    def options(asset: str, *upstream: str) -> dict[str, Any]:
        return assets.options(asset, deps=[*upstream, sessions], kinds={"python"}, group="step3_traits", code=_CODE)

    @dg.asset(**options(PROFILES, *models))
    def trait_profiles(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """What each trait is: what it loads on against all customers, how it converts and spends, how stable it is, and a name by rule."""
        return made(context, PROFILES, _build_profiles, *models)

    @dg.asset(**options(SIMILAR, *models))
    def similar_customers(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """The customers whose traits are most alike, exactly, or from fifty thousand on by an index whose recall is measured."""
        return made(context, SIMILAR, _build_similar, *models)

    @dg.asset(**options(RECOMMENDATIONS, *models, PROFILES))
    def recommendations(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """What a customer may want next, with the reason, and how well such lists foretold the window beside simple baselines."""
        return made(context, RECOMMENDATIONS, _build_recommendations, *models, PROFILES)

    return [trait_profiles, similar_customers, recommendations]


def _build_profiles(step: Step) -> Report:
    from attribution_dagster.core.traits.profiles import example_rows, item_rows, profile_rows
    from attribution_dagster.core.traits.tokens import token_of

    workspace, key = step.workspace, step.window_key
    customers = read_customers(workspace, history_until(workspace, key))
    model, story = open_trait_model(workspace, key), open_story(step)
    weights = model.describe(customers).weights
    tokens = [token_of(a, i) for a, i in zip(customers.actions, customers.items, strict=True)]
    items = item_rows(customers, weights, tokens)
    rows = profile_rows(customers, weights, traits_spec(workspace.profile).sale, _outcome(step, model))
    rows = _named(rows, items)
    for row, stability, coherence in zip(rows, story["stability"], story["coherence"], strict=True):
        row |= {"stability": stability, "coherence": coherence}
    n = write_dicts(step, "trait_profiles", rows)
    write_dicts(step, "trait_items", items)
    write_dicts(step, "trait_examples", example_rows(customers, weights))
    columns = ("trait", "suggested_name", "customers", "size_share", "conversion_lift", "spend_lift_usd", "stability")
    shown = markdown_table(workspace.slice_of("trait_profiles", key), columns, rows=n)
    return {"rows": n, "customers": len(customers), "traits": {"markdown": shown}}


def _named(rows: Sequence[dict[str, Any]], items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows with a name each; the second trait of a name is told apart by a number."""
    from attribution_dagster.core.traits.profiles import suggested_name

    said: dict[str, int] = {}
    for row in rows:
        own = [item for item in items if item["trait"] == row["trait"]]
        name, why = suggested_name(row, own, row.get("sale_share_of_all"))
        said[name] = said.get(name, 0) + 1
        row |= {"suggested_name": name if said[name] == 1 else f"{name} {said[name]}", "named_by": why}
    return list(rows)


def _outcome(step: Step, model: "TraitModel") -> "Outcome":
    """The customers as they were before the window, with what became of them in it."""
    from attribution_dagster.core.traits.profiles import Outcome

    workspace, key = step.workspace, step.window_key
    before = read_customers(workspace, workspace.look_back(key))
    place = {user: row for row, user in enumerate(before.users)}
    sessions, converted = np.zeros(len(before)), np.zeros(len(before))
    for row in workspace.fetch(load_query("traits/customer_outcomes"), key).to_pylist():
        if row["user_id"] in place:
            sessions[place[row["user_id"]]] = row["n_sessions"]
            converted[place[row["user_id"]]] = row["n_converted"]
    bought = read_customers(workspace, [key])
    chosen = bought.is_action(workspace.profile.roles.conversion)
    spend = None
    if bought.n_priced[chosen].sum() > 0:
        spend = np.zeros(len(before))
        of = np.array([place.get(user, -1) for user in bought.users], dtype=np.int64)[bought.user[chosen]]
        np.add.at(spend, of[of >= 0], bought.price_sum_usd[chosen][of >= 0])
    weights = model.describe(before).weights
    return Outcome(weights=weights, sessions=sessions, converted=converted, spend_usd=spend)


def _build_similar(step: Step) -> Report:
    from attribution_dagster.core.traits.similar import neighbours

    workspace, key = step.workspace, step.window_key
    customers = read_customers(workspace, history_until(workspace, key))
    weights = open_trait_model(workspace, key).describe(customers).weights
    found = neighbours(weights, traits_spec(workspace.profile).similar)
    names, count = np.array(customers.users, dtype=object), found.places.shape[1]
    columns = {
        "user_id": np.repeat(names, count),
        "similar_rank": np.tile(np.arange(1, count + 1), len(names)),
        "similar_user_id": names[found.places.ravel()],
        "similarity": found.cosines.ravel(),
    }
    rows = write_columns(step, "similar_customers", columns)
    return {
        "rows": rows,
        "exact": found.is_exact,
        "recall": found.recall,
        "closeness": {"markdown": markdown_table(_closeness(found.cosines), rows=count)},
    }


def _closeness(cosines: npt.NDArray[np.float64]) -> pa.Table:
    """How alike the neighbours of each rank are; cosines: (N, ranks), N above 0."""
    low, middle, high = np.quantile(cosines, [0.05, 0.5, 0.95], axis=0)
    ranks = np.arange(1, cosines.shape[1] + 1)
    return pa.table(
        {"similar_rank": ranks, "cosine_5_percent": low, "cosine_median": middle, "cosine_95_percent": high}
    )


def _build_recommendations(step: Step) -> Report:
    from attribution_dagster.core.traits.recommended import evaluate, reachable_share, wanted_items

    workspace, key = step.workspace, step.window_key
    model = open_trait_model(workspace, key)
    blend = _blend(step, model)
    before = read_customers(workspace, workspace.look_back(key))
    asked, catalogue = _asked(step, model, before)
    later = read_customers(workspace, [key])
    wanted = wanted_items(later, before.users, asked, catalogue)
    metrics = evaluate(asked, catalogue, wanted, blend, DEFAULT_METHOD)
    write_dicts(step, "recommendation_metrics", metrics)
    rows = _write_lists(step, model, blend)
    measured = workspace.slice_of("recommendation_metrics", key).drop_columns(["window_start"])
    return {
        "rows": rows,
        "blend": ", ".join(f"{name} {weight:g}" for name, weight in blend.items()),
        "baselines_beaten": _beaten(metrics),
        "reachable_share": reachable_share(later, before.users, catalogue),
        "evaluation": {"markdown": markdown_table(measured, rows=measured.num_rows)},
    }


def _beaten(metrics: Sequence[Mapping[str, Any]]) -> str:
    """Which baselines the default beats in NDCG at 10, by an interval without zero, and which it does not."""
    own = [row for row in metrics if row["metric"] == "ndcg" and row["cutoff"] == 10 and not row["is_default"]]
    beaten = [row["method"] for row in own if (row["gain_low"] or 0) > 0]
    others = [row["method"] for row in own if row["method"] not in beaten]
    return f"yes: {', '.join(beaten) or 'none'}; not: {', '.join(others) or 'none'}"


def _asked(step: Step, model: "TraitModel", customers: "CustomerTokens") -> "tuple[Asked, Catalogue]":
    """The customers as recommenders read them, and the catalogue of all that they met."""
    from attribution_dagster.core.traits.catalogue import ask, build_catalogue

    weights = model.describe(customers).weights
    catalogue = build_catalogue(customers, weights, model.vectors)
    purchase = step.workspace.profile.roles.conversion
    return ask(customers, catalogue, weights, model.embed(customers), purchase), catalogue


def _blend(step: Step, model: "TraitModel") -> dict[str, float]:
    """The weights of the blend: what did best on the last training window; with one window to train, traits and co-occurrence alike."""
    from attribution_dagster.core.traits.recommended import wanted_items
    from attribution_dagster.core.traits.recommending import choose_blend

    workspace = step.workspace
    past_keys, target_keys = past_and_target(workspace, step.window_key)
    if not target_keys:
        return {"recent": 1.0, "traits": 1.0}
    past = read_customers(workspace, past_keys)
    asked, catalogue = _asked(step, model, past)
    wanted = wanted_items(read_customers(workspace, target_keys), past.users, asked, catalogue)
    return choose_blend(asked, catalogue, wanted, BLEND_CUSTOMERS, seed=0)


def _write_lists(step: Step, model: "TraitModel", blend: Mapping[str, float]) -> int:
    """Writes what each customer is recommended at the end of the window, block by block."""
    from attribution_dagster.core.traits.catalogue import blocks
    from attribution_dagster.core.traits.recommending import explained

    workspace, key = step.workspace, step.window_key
    customers = read_customers(workspace, history_until(workspace, key))
    asked, catalogue = _asked(step, model, customers)
    names = {r["trait"]: r["suggested_name"] for r in workspace.slice_of("trait_profiles", key).to_pylist()}
    columns: dict[str, list[Any]] = {}
    for chosen, block in blocks(asked):
        users = np.array(customers.users[chosen], dtype=object)
        found = explained(block, catalogue, blend, traits_spec(workspace.profile).recommended, names)
        found["user_id"] = users[found.pop("customer")].tolist()
        for name, values in found.items():
            columns.setdefault(name, []).extend(values)
    return write_columns(step, "recommendations", columns)
