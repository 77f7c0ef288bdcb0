"""Item2Vec of a window: sessions of the windows before as sentences, streamed from the warehouse, and vectors of their tokens."""

import base64
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import numpy as np

from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.assets.training import training_keys
from attribution_dagster.assets.traits_data import (
    read_windows,
    session_batches,
    token_counts,
    trait_settings,
    traits_spec,
    write_dicts,
)
from attribution_dagster.assets.traits_learning import known_folder, learnt, learnt_report
from attribution_dagster.errors import DataError
from attribution_dagster.graph import TRAINING_POOL, DatasetAssets
from attribution_dagster.partitions import training_windows
from attribution_dagster.reports.markdown import markdown_table
from attribution_dagster.resources.tracker import TrainingRun

if TYPE_CHECKING:
    from attribution_dagster.core.traits.vectors import ItemVectors

ASSET, TABLES = "item2vec", ("item_tokens", "item2vec_search")
HELD_OUT_SHARE = 0.2
"""Share of the training sessions, the latest, by whose next items the profile is chosen."""
DRAWN_TOKENS = 400
"""The most frequent tokens, which have a place on the map and their neighbours in the table."""
_NEIGHBOURS = 5
_MAP = "item_map.png"
_CODE = code_version(
    "assets/item2vec.py",
    "assets/traits_data.py",
    "assets/traits_learning.py",
    "core/traits",
    "sql/traits",
    "reports/trait_plots.py",
)


def item2vec_assets(assets: DatasetAssets) -> list[dg.AssetsDefinition]:
    """The asset `item2vec`."""
    workspace, profile = assets.workspace, assets.workspace.profile
    deps = [dg.AssetDep(assets.key("sessions"), partition_mapping=training_windows(profile))]
    options = assets.options(
        ASSET, deps=deps, kinds={"gensim", "mlflow"}, group="step3_traits", code=_CODE, pool=TRAINING_POOL
    )

    @dg.asset(**options)
    def item2vec(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Vectors of tokens (event type and item) by skip-gram over the sessions of the windows before, with the profile that best foretells the next item."""
        return make(
            context,
            workspace,
            ASSET,
            reads=lambda key: [("sessions", k) for k in read_windows(workspace, key)],
            settings=lambda _: trait_settings(profile),
            code=_CODE,
            exists=lambda step: step.table(*TABLES) and known_folder(workspace, ASSET, step.window_key) is not None,
            build=lambda step: _build(step, context.instance),
        )

    return [item2vec]


def _build(step: Step, instance: dg.DagsterInstance) -> Report:
    from attribution_dagster.core.traits.vectors import ItemVectors

    workspace = step.workspace
    trained_for, version = learnt(step, instance, _CODE, lambda *given: _train(step, *given))
    folder = workspace.artifacts.folder(ASSET, trained_for, version)
    assert folder is not None
    story, vectors = json.loads((folder / "training.json").read_text()), ItemVectors.load(folder)
    rows = write_dicts(step, "item_tokens", _token_rows(vectors))
    write_dicts(step, "item2vec_search", story["search"])
    image = base64.b64encode((folder / _MAP).read_bytes()).decode()
    tried = workspace.slice_of("item2vec_search", step.window_key).drop_columns(["window_start"])
    nearest = workspace.slice_of("item_tokens", step.window_key).select(["token", "occurrences", "nearest_tokens"])
    return {
        "rows": rows,
        **learnt_report(step, trained_for, version),
        **{name: value for name, value in story.items() if name != "search"},
        "search": {"markdown": markdown_table(tried, rows=tried.num_rows)},
        "nearest": {"markdown": markdown_table(nearest, rows=10)},
        "map": {"markdown": f"![Tokens on a plane](data:image/png;base64,{image})"},
    }


def _train(step: Step, folder: Path, run: TrainingRun, seed: int) -> None:
    """Fills the folder with the vectors, the map and the story of the training."""
    from attribution_dagster.core.traits.corpus import split_corpus, write_corpus
    from attribution_dagster.core.traits.item2vec import PROFILES, best, map_places, search, train
    from attribution_dagster.reports.trait_plots import map_png

    workspace, spec = step.workspace, traits_spec(step.workspace.profile)
    keys = training_keys(workspace, step.window_key)
    corpus = write_corpus(session_batches(workspace, keys), folder / "sessions.txt")
    profiles = [
        replace(each, dimensions=spec.dimensions, min_count=spec.min_count) for each in PROFILES[: spec.searched]
    ]
    try:
        first, held_out = split_corpus(corpus, HELD_OUT_SHARE, folder)
        tried = search(corpus, first, held_out, profiles, seed) if len(profiles) > 1 else []
        chosen = best(tried).spec if tried else profiles[0]
        vectors = train(corpus, chosen, seed)
    except ValueError as error:
        raise DataError(f"dataset {workspace.profile.name}, windows {keys[0]} to {keys[-1]}: {error}") from error
    finally:  # the sentences are customers' histories: nothing of them stays
        (folder / "sessions.txt").unlink()
        (folder / "first.txt").unlink(missing_ok=True)
    vectors.save(folder)
    places, is_simulated = map_places(vectors, min(DRAWN_TOKENS, len(vectors))), workspace.profile.simulated
    (folder / _MAP).write_bytes(map_png(vectors, places, simulated=is_simulated))
    rows = [
        {**asdict(each.spec), "profile": each.spec.name, "window_tokens": each.spec.window, "thinning": each.spec.sample, **_figures(each),
         "is_chosen": each.spec is chosen}
        for each in tried
    ]  # fmt: skip
    counts = token_counts(workspace, keys)
    given = {"given_sentences": corpus.n_sessions, "given_tokens": corpus.n_tokens}
    story = {
        **counts,
        **given,
        **_coverage(vectors, corpus.items, counts["tokens"]),
        "profile": chosen.name,
        "search": rows,
    }
    story["non_finite_vectors"] = int((~np.isfinite(vectors.vectors)).sum())
    (folder / "training.json").write_text(json.dumps(story))
    run.log_metrics({name: float(value) for name, value in story.items() if isinstance(value, int | float)})


def _figures(tried: Any) -> dict[str, Any]:
    return {name: getattr(tried, name) for name in ("n_queries", "hit_rate_10", "ndcg_10")}


def _coverage(vectors: "ItemVectors", items: list[str], tokens: int) -> dict[str, float]:
    """Shares of the training's items and events that have a vector."""
    return {
        "vocabulary": len(vectors),
        "items_covered": len(set(vectors.items)) / max(len(set(items)), 1),
        "events_covered": float(vectors.counts.sum()) / max(tokens, 1),
    }


def _token_rows(vectors: "ItemVectors") -> list[dict[str, Any]]:
    """Rows of `item_tokens`."""
    from attribution_dagster.core.traits.item2vec import map_places

    drawn = np.arange(min(DRAWN_TOKENS, len(vectors)))
    places = map_places(vectors, len(drawn))
    near, cosines = vectors.nearest(drawn, _NEIGHBOURS)
    rows: list[dict[str, Any]] = [
        {"token": t, "action": a, "item_id": i, "category": c, "occurrences": int(n)}
        for t, a, i, c, n in zip(
            vectors.tokens, vectors.actions, vectors.items, vectors.categories, vectors.counts, strict=True
        )
    ]
    for row, place, others, values in zip(rows, places, near, cosines, strict=False):
        found = [[vectors.tokens[o], round(float(v), 4)] for o, v in zip(others, values, strict=True)]
        row |= {"map_x": float(place[0]), "map_y": float(place[1]), "nearest_tokens": json.dumps(found)}
    return rows
