"""Customers as weighted means of their tokens' vectors, and the comparison by which one of four weightings is the default."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import numpy as np

from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.assets.traits_data import (
    history_until,
    past_and_target,
    read_customers,
    reads_of,
    trait_settings,
    write_columns,
    write_dicts,
)
from attribution_dagster.assets.traits_learning import known_folder, learnt, learnt_report, model_folder
from attribution_dagster.graph import DatasetAssets
from attribution_dagster.partitions import training_windows
from attribution_dagster.reports.markdown import markdown_table
from attribution_dagster.resources.tracker import TrainingRun

if TYPE_CHECKING:
    from attribution_dagster.core.traits.customers import CustomerTokens
    from attribution_dagster.core.traits.tasks import Measured
    from attribution_dagster.core.traits.vectors import ItemVectors

ASSET, TABLES = "customer_embeddings", ("customer_embeddings", "pooling_comparison")
_CODE = code_version(
    "assets/customer_embeddings.py", "assets/traits_data.py", "assets/traits_learning.py", "core/traits", "sql/traits"
)
_SHOWN = ("pooling", "task", "value", "value_low", "value_high", "validation_value", "is_default", "reason")


def embedding_assets(assets: DatasetAssets) -> list[dg.AssetsDefinition]:
    """The asset `customer_embeddings`."""
    workspace, profile = assets.workspace, assets.workspace.profile
    deps = ["item2vec", dg.AssetDep(assets.key("sessions"), partition_mapping=training_windows(profile))]
    options = assets.options(ASSET, deps=deps, kinds={"pytorch", "mlflow"}, group="step3_traits", code=_CODE)

    @dg.asset(**options)
    def customer_embeddings(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Customers as weighted means of their tokens' vectors: plain, by TF-IDF, by recency or by attention, whichever best tells what they do next."""
        return make(
            context,
            workspace,
            ASSET,
            reads=lambda key: reads_of(workspace, key, "item2vec"),
            settings=lambda _: trait_settings(profile),
            code=_CODE,
            exists=lambda step: step.table(*TABLES) and known_folder(workspace, ASSET, step.window_key) is not None,
            build=lambda step: _build(step, context.instance),
        )

    return [customer_embeddings]


def _build(step: Step, instance: dg.DagsterInstance) -> Report:
    from attribution_dagster.core.traits.model import coverage
    from attribution_dagster.core.traits.pooling import Pooler
    from attribution_dagster.core.traits.vectors import ItemVectors

    workspace, key = step.workspace, step.window_key
    vectors = ItemVectors.load(model_folder(workspace, "item2vec", key))
    trained_for, version = learnt(step, instance, _CODE, lambda *given: _train(step, vectors, *given))
    folder = workspace.artifacts.folder(ASSET, trained_for, version)
    assert folder is not None
    pooler, validation = Pooler.load(folder), json.loads((folder / "validation.json").read_text())
    customers = read_customers(workspace, history_until(workspace, key))
    before = set(read_customers(workspace, workspace.look_back(key)).users)
    shares = coverage(customers, vectors)
    pooled = pooler.pool(customers, vectors)
    rows = write_columns(
        step,
        "customer_embeddings",
        {
            "user_id": customers.users,
            "pooling": [pooler.default] * len(customers),
            **shares,
            "n_events": shares["n_events"].astype(np.int64),
            "is_new": [user not in before for user in customers.users],
            "embedding": [json.dumps(row) for row in np.round(pooled.astype(np.float64), 5).tolist()],
        },
    )
    write_dicts(step, "pooling_comparison", _compare(step, pooler.default, pooler, vectors, validation))
    compared = workspace.slice_of("pooling_comparison", key)
    weight = shares["n_events"] / max(shares["n_events"].sum(), 1)
    return {
        "rows": rows,
        **learnt_report(step, trained_for, version),
        "pooling": pooler.default,
        **{name: float(weight @ shares[name]) for name in ("known_share", "category_share", "action_share")},
        "new_customers": sum(user not in before for user in customers.users),
        "comparison": {"markdown": markdown_table(compared, _SHOWN, rows=compared.num_rows)},
    }


def _train(step: Step, vectors: "ItemVectors", folder: Path, run: TrainingRun, seed: int) -> None:
    """Fills the folder with the pooler, whose default did best on the last training window, and with what each scored there."""
    from attribution_dagster.core.traits.pooling import DEFAULT, POOLINGS, fit_pooler
    from attribution_dagster.core.traits.tasks import decisive, fit_purchase, other_half

    workspace = step.workspace
    past_keys, target_keys = past_and_target(workspace, step.window_key)
    past = read_customers(workspace, past_keys)
    bought = _bought(workspace, target_keys, vectors)
    # Attention and the regression learn from every second customer; the others say who did best.
    taught, asked = (past.of_users(np.arange(start, len(past), 2)) for start in (0, 1))
    learns_from = {user: places for user, places in bought.items() if user in set(taught.users)}
    pooler = fit_pooler(past, vectors, learns_from, seed)
    validation: dict[str, dict[str, float | None]] = {}
    for pooling in POOLINGS:
        model = fit_purchase(pooler.pool(taught, vectors, pooling), taught.users, bought)
        ranked = decisive(model.ranked(pooler.pool(asked, vectors, pooling), asked.users, bought) if model else None)
        half = other_half(past, lambda some, name=pooling: pooler.pool(some, vectors, name), seed)  # type: ignore[misc]
        validation[pooling] = {"purchase": ranked.value, "other_half": half.value}
    means = {name: _mean(figures) for name, figures in validation.items()}
    best = max(POOLINGS, key=lambda name: (means[name], name == DEFAULT))
    replace(pooler, default=best).save(folder)
    (folder / "validation.json").write_text(json.dumps(validation))
    run.log_metrics({f"{p}_{task}": v for p, row in validation.items() for task, v in row.items() if v is not None})


def _mean(figures: Mapping[str, float | None]) -> float:
    known = [value for value in figures.values() if value is not None]
    return sum(known) / max(len(known), 1)


def _bought(workspace: Any, keys: list[str], vectors: "ItemVectors") -> dict[str, Any]:
    """User -> places of the categories bought from in these windows; nobody where there are none."""
    from attribution_dagster.core.traits.tasks import bought_categories

    if not keys:
        return {}
    categories = sorted({c for c in vectors.categories if c is not None})
    return bought_categories(read_customers(workspace, keys), workspace.profile.roles.conversion, categories)


def _compare(
    step: Step, default: str, pooler: Any, vectors: "ItemVectors", validation: Mapping[str, Mapping[str, float | None]]
) -> list[dict[str, Any]]:
    """Rows of `pooling_comparison`: history before the window, purchases in it."""
    from attribution_dagster.core.traits.pooling import POOLINGS

    workspace, key = step.workspace, step.window_key
    past_keys, target_keys = past_and_target(workspace, key)
    past, now = read_customers(workspace, past_keys), read_customers(workspace, workspace.look_back(key))
    earlier, later = _bought(workspace, target_keys, vectors), _bought(workspace, [key], vectors)
    rows = []
    for pooling in POOLINGS:

        def describe(some: "CustomerTokens", name: str = pooling) -> Any:
            return pooler.pool(some, vectors, name)

        for task, found in measured_tasks(describe, past, earlier, now, later).items():
            rows.append({
                "pooling": pooling, "task": task, "value": found.value, "value_low": found.low, "value_high": found.high,
                "validation_value": validation[pooling][task], "n_customers": len(found.each),
                "is_default": pooling == default, "reason": _reason(pooling, default, validation),
            })  # fmt: skip
    return rows


def measured_tasks(
    describe: Any, past: "CustomerTokens", earlier: Any, now: "CustomerTokens", later: Any
) -> "dict[str, Measured]":
    """Both tasks, a regression learnt from the past and what was bought after it, asked of the present and what is bought later."""
    from attribution_dagster.core.traits.tasks import Measured, fit_purchase, other_half

    model = fit_purchase(describe(past), past.users, earlier)
    ranked = model.ranked(describe(now), now.users, later) if model else Measured.of(np.zeros(0))
    return {"purchase": ranked, "other_half": other_half(now, describe, 0)}


def _reason(pooling: str, default: str, validation: Mapping[str, Mapping[str, float | None]]) -> str:
    own, best = _mean(validation[pooling]), _mean(validation[default])
    if pooling == default:
        return f"mean of both tasks on the last training window {own:.4f}, the highest of the four"
    return f"mean of both tasks on the last training window {own:.4f}, {best - own:.4f} below {default}"
