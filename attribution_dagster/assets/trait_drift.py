"""How traits change: matched with those of the window before, after embeddings were aligned. Made after publication, in nobody's way."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import numpy as np

from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.assets.traits_data import (
    history_until,
    read_customers,
    trait_settings,
    traits_spec,
    write_dicts,
)
from attribution_dagster.assets.traits_learning import open_trait_model
from attribution_dagster.graph import DatasetAssets
from attribution_dagster.reports.markdown import markdown_table
from attribution_dagster.resources.workspace import Workspace

if TYPE_CHECKING:
    from attribution_dagster.core.traits.alignment import Alignment, Kept

ASSET, TABLE = "trait_drift", "trait_drift"
_READS = ("customer_traits", "trait_profiles")
_CODE = code_version(
    "assets/trait_drift.py", "assets/traits_data.py", "assets/traits_learning.py", "core/traits", "sql/traits"
)


def trait_drift_assets(assets: DatasetAssets) -> list[dg.AssetsDefinition]:
    """The asset `trait_drift`."""
    workspace, profile = assets.workspace, assets.workspace.profile
    before = dg.TimeWindowPartitionMapping(start_offset=-1, allow_nonexistent_upstream_partitions=True)
    deps = [dg.AssetDep(assets.key(name), partition_mapping=before) for name in (*_READS, "published")]

    @dg.asset(**assets.options(ASSET, deps=deps, kinds={"python"}, group="step3_traits", code=_CODE))
    def trait_drift(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Each trait and the one that it was in the window before, by what they load on; new traits, moved customers, and the rotation of the embeddings."""
        return make(
            context,
            workspace,
            ASSET,
            reads=lambda key: [
                *((name, k) for k in compared(workspace, key) for name in _READS),
                *((ASSET, k) for k in compared(workspace, key)[:-1]),
            ],
            settings=lambda _: trait_settings(profile),
            code=_CODE,
            exists=lambda step: step.table(TABLE) and step.artifact(),
            build=_build,
        )

    return [trait_drift]


def compared(workspace: Workspace, key: str) -> list[str]:
    """The window, and before it the one just before if its drift has been told."""
    keys = [w.key for w in workspace.explainable() if w.key <= key][-2:]
    return [k for k in keys if k == key or workspace.artifacts.record(ASSET, k) is not None]


def _build(step: Step) -> Report:
    from attribution_dagster.core.traits.alignment import identities

    workspace, key = step.workspace, step.window_key
    previous = next(iter(compared(workspace, key)[:-1]), None)
    sizes = _sizes(workspace, key)
    kept, alignment = _compared_with(workspace, key, previous) if previous else _first(len(sizes))
    told = workspace.slice_of(TABLE, previous).to_pylist() if previous else []
    named = identities(kept, key, {row["trait"]: row["trait_identity"] for row in told})
    old_sizes = _sizes(workspace, previous) if previous else {}
    stayed = _stayed(workspace, key, previous, kept) if previous else {}
    rows = [
        {
            "trait": each.trait,
            "trait_identity": named[each.trait],
            "previous_window": previous,
            "previous_trait": each.previous,
            "similarity": each.similarity,
            "is_new": each.previous is None,
            "size_share": sizes[each.trait],
            "size_change": None if each.previous is None else sizes[each.trait] - old_sizes[each.previous],
            "kept_share": stayed.get(each.trait),
            "alignment_before": alignment.before if alignment else None,
            "alignment_after": alignment.after if alignment else None,
            "is_drift": previous is not None and each.previous is None,
        }
        for each in kept
    ]
    workspace.artifacts.create(ASSET, key, step.version, lambda folder: _save(alignment, folder))
    n = write_dicts(step, TABLE, rows)
    drift = workspace.slice_of(TABLE, key).drop_columns(["window_start"])
    return {
        "rows": n,
        "compared_with": previous or "no window before it",
        "drift": {"markdown": markdown_table(drift, rows=n)},
    }


def _first(traits: int) -> "tuple[list[Kept], Alignment | None]":
    from attribution_dagster.core.traits.alignment import Kept

    return [Kept(trait=trait, previous=None, similarity=None) for trait in range(traits)], None


def _compared_with(workspace: Workspace, key: str, previous: str) -> "tuple[list[Kept], Alignment | None]":
    from attribution_dagster.core.traits.alignment import align, match_traits

    (new, new_names), (old, old_names) = (_shares(workspace, k) for k in (key, previous))
    kept = match_traits(new, old, new_names, old_names, traits_spec(workspace.profile).min_similarity)
    models = [open_trait_model(workspace, k) for k in (key, previous)]
    return kept, align(models[0].vectors, models[1].vectors)


def _shares(workspace: Workspace, key: str) -> tuple[Any, list[str]]:
    """What the window's traits load on, over its tokens: the same kind of thing whatever traits are made from."""
    from attribution_dagster.core.traits.profiles import trait_shares
    from attribution_dagster.core.traits.tokens import token_of

    customers = read_customers(workspace, history_until(workspace, key))
    weights = open_trait_model(workspace, key).describe(customers).weights
    counts = customers.matrix(customers.token, customers.n_events, len(customers.items))
    names = [token_of(a, i) for a, i in zip(customers.actions, customers.items, strict=True)]
    return trait_shares(weights, counts)[0], names


def _sizes(workspace: Workspace, key: str) -> dict[int, float]:
    rows = workspace.slice_of("trait_profiles", key).select(["trait", "size_share"]).to_pylist()
    return {row["trait"]: row["size_share"] for row in sorted(rows, key=lambda row: row["trait"])}


def _stayed(workspace: Workspace, key: str, previous: str, kept: "list[Kept]") -> dict[int, float]:
    """Trait -> of the customers of both windows whose largest it was before, the share whose largest it still is."""
    dominant = []
    for k in (key, previous):
        customers = read_customers(workspace, history_until(workspace, k))
        weights = open_trait_model(workspace, k).describe(customers).weights
        dominant.append(dict(zip(customers.users, weights.argmax(axis=1).tolist(), strict=True)))
    both = [(now, dominant[1][user]) for user, now in dominant[0].items() if user in dominant[1]]
    found = {}
    for each in kept:
        of = [now == each.trait for now, then in both if then == each.previous]
        if of:
            found[each.trait] = float(np.mean(of))
    return found


def _save(alignment: "Alignment | None", folder: Path) -> None:
    """The rotation that turns this window's embeddings onto those of the window before; none in the first."""
    from safetensors.numpy import save_file

    rotation = alignment.rotation if alignment else np.zeros((0, 0))
    save_file({"rotation": np.ascontiguousarray(rotation)}, folder / "alignment.safetensors")
