"""Traits of customers by non-negative factors: from what, how many, how stable, and each customer's weights."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import numpy as np

from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.assets.training import training_keys
from attribution_dagster.assets.traits_data import (
    history_until,
    read_customers,
    reads_of,
    trait_settings,
    traits_spec,
    write_columns,
    write_dicts,
)
from attribution_dagster.assets.traits_learning import known_folder, learnt, learnt_report, model_folder
from attribution_dagster.errors import DataError
from attribution_dagster.graph import DatasetAssets
from attribution_dagster.partitions import training_windows
from attribution_dagster.reports.markdown import markdown_table
from attribution_dagster.resources.tracker import TrainingRun

if TYPE_CHECKING:
    from attribution_dagster.core.traits.model import TraitModel

ASSET, TABLES = "customer_traits", ("customer_traits", "trait_comparison")
_CODE = code_version(
    "assets/customer_traits.py", "assets/traits_data.py", "assets/traits_learning.py", "core/traits", "sql/traits"
)
_SHOWN = ("option", "traits", "metric", "value", "standard_error", "is_chosen_number", "is_default")


def trait_assets(assets: DatasetAssets) -> list[dg.AssetsDefinition]:
    """The asset `customer_traits`."""
    workspace, profile = assets.workspace, assets.workspace.profile
    upstream = ["item2vec", "customer_embeddings"]
    deps = [*upstream, dg.AssetDep(assets.key("sessions"), partition_mapping=training_windows(profile))]
    options = assets.options(ASSET, deps=deps, kinds={"scikitlearn", "mlflow"}, group="step3_traits", code=_CODE)

    @dg.asset(**options)
    def customer_traits(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """How much of each trait a customer has, by non-negative factors whose number and origin were chosen on customers held out."""
        return make(
            context,
            workspace,
            ASSET,
            reads=lambda key: reads_of(workspace, key, *upstream),
            settings=lambda _: trait_settings(profile),
            code=_CODE,
            exists=lambda step: step.table(*TABLES) and known_folder(workspace, ASSET, step.window_key) is not None,
            build=lambda step: _build(step, context.instance),
        )

    return [customer_traits]


def _build(step: Step, instance: dg.DagsterInstance) -> Report:
    from attribution_dagster.core.traits.factors import Factors
    from attribution_dagster.core.traits.model import TraitModel
    from attribution_dagster.core.traits.pooling import Pooler
    from attribution_dagster.core.traits.vectors import ItemVectors

    workspace, key = step.workspace, step.window_key
    vectors = ItemVectors.load(model_folder(workspace, "item2vec", key))
    pooler = Pooler.load(model_folder(workspace, "customer_embeddings", key))
    trained_for, version = learnt(step, instance, _CODE, lambda *given: _train(step, vectors, pooler, *given))
    folder = workspace.artifacts.folder(ASSET, trained_for, version)
    assert folder is not None
    model = TraitModel(vectors=vectors, pooler=pooler, factors=Factors.load(folder))
    story = json.loads((folder / "comparison.json").read_text())
    written = _write(step, model)
    write_dicts(step, "trait_comparison", story["rows"])
    compared = workspace.slice_of("trait_comparison", key)
    return {
        **written,
        **learnt_report(step, trained_for, version),
        "option": model.factors.option,
        "traits": model.factors.n_traits,
        "stability": story["stability"],
        "comparison": {"markdown": markdown_table(compared, _SHOWN, rows=compared.num_rows)},
    }


def _write(step: Step, model: "TraitModel") -> dict[str, Any]:
    customers = read_customers(step.workspace, history_until(step.workspace, step.window_key))
    described = model.describe(customers)
    user, trait = np.nonzero(described.weights)
    dominant = described.weights.argmax(axis=1)
    names = np.array(customers.users, dtype=object)
    columns = {
        "user_id": names[user],
        "trait": trait.astype(np.int32),
        "weight": described.weights[user, trait],
        "is_dominant": dominant[user] == trait,
        "is_fallback": described.is_fallback[user],
    }
    return {
        "rows": write_columns(step, "customer_traits", columns),
        "customers": len(customers),
        "fallbacks": int(described.is_fallback.sum()),
        "clipped_numbers": described.clipped,
    }


def _train(step: Step, vectors: Any, pooler: Any, folder: Path, run: TrainingRun, seed: int) -> None:
    """Fills the folder with the factors and the evidence for them."""
    from attribution_dagster.core.traits.selection import select_factors

    workspace = step.workspace
    keys, spec = training_keys(workspace, step.window_key), traits_spec(workspace.profile)
    customers = read_customers(workspace, keys)
    past, target = (read_customers(workspace, part) for part in (keys[:-1] or keys, keys[-1:]))
    try:
        chosen = select_factors(
            customers,
            (past, target) if len(keys) > 1 else None,
            vectors,
            pooler,
            numbers=(spec.traits,) if spec.traits is not None else spec.numbers,
            purchase=workspace.profile.roles.conversion,
            seed=seed,
        )
    except ValueError as error:
        raise DataError(f"dataset {workspace.profile.name}, windows {keys[0]} to {keys[-1]}: {error}") from error
    chosen.factors.save(folder)
    story = {
        "rows": chosen.rows,
        "stability": chosen.stability.round(4).tolist(),
        "coherence": chosen.coherence.round(4).tolist(),
    }
    (folder / "comparison.json").write_text(json.dumps(story))
    run.log_metrics({name: float(value) for name, value in _metrics(chosen.rows).items()})


def _metrics(rows: list[Mapping[str, Any]]) -> dict[str, float]:
    return {f"{r['option']}_{r['traits']}_{r['metric']}": r["value"] for r in rows if r["value"] is not None}


def open_story(step: Step) -> dict[str, Any]:
    """Stability and coherence of the window's traits, and the rows of the comparison."""
    folder = model_folder(step.workspace, ASSET, step.window_key)
    found: dict[str, Any] = json.loads((folder / "comparison.json").read_text())
    return found
