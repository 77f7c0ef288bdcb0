"""What a person looks at: the traits of the window on one page, how many there are, and the map of tokens."""

from pathlib import Path

import dagster as dg

from attribution_dagster.assets.item2vec import DRAWN_TOKENS
from attribution_dagster.assets.report import export_folder, inline_picture
from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.assets.traits_learning import open_trait_model
from attribution_dagster.graph import DatasetAssets

ASSET, PICTURE = "trait_report", "customer_traits.png"
_READS = ("item2vec", "customer_embeddings", "customer_traits", "trait_profiles")
_CODE = code_version("assets/trait_report.py", "reports/trait_plots.py", "reports/palette.py", "reports/style.py")


def trait_report_assets(assets: DatasetAssets) -> list[dg.AssetsDefinition]:
    """The asset `trait_report`."""
    workspace, profile = assets.workspace, assets.workspace.profile

    @dg.asset(**assets.options(ASSET, deps=list(_READS), kinds={"matplotlib"}, group="step4_results", code=_CODE))
    def trait_report(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """The traits of the window on one page: size, conversion lift with its interval, what stands out; how many there are, and the map of tokens."""
        return make(
            context,
            workspace,
            ASSET,
            reads=lambda key: [(name, key) for name in _READS],
            settings=lambda _: [profile.title, profile.simulated],
            code=_CODE,
            exists=Step.artifact,
            build=_draw,
        )

    return [trait_report]


def _draw(step: Step) -> Report:
    workspace, key = step.workspace, step.window_key
    workspace.artifacts.create(ASSET, key, step.version, lambda folder: _fill(step, folder))
    folder = workspace.artifacts.folder(ASSET, key, step.version)
    assert folder is not None
    image = inline_picture(folder / PICTURE)
    return {
        "picture": {"markdown": f"![Customer traits](data:image/png;base64,{image})"},
        "file": {"path": str(folder / PICTURE)},
        "exports": {"path": export_folder(workspace, key)},
    }


def _fill(step: Step, folder: Path) -> None:
    from attribution_dagster.core.traits.item2vec import map_places
    from attribution_dagster.reports.trait_plots import map_png, numbers_png, traits_png

    workspace, key, profile = step.workspace, step.window_key, step.workspace.profile
    names = ("trait_profiles", "trait_items", "trait_examples", "trait_comparison")
    profiles, items, examples, compared = (workspace.slice_of(name, key).to_pylist() for name in names)
    title, vectors = f"{profile.title}, {key}", open_trait_model(workspace, key).vectors
    (folder / PICTURE).write_bytes(traits_png(title, profiles, items, examples, simulated=profile.simulated))
    (folder / "trait_numbers.png").write_bytes(numbers_png(title, compared, simulated=profile.simulated))
    places = map_places(vectors, min(DRAWN_TOKENS, len(vectors)))
    (folder / "item_map.png").write_bytes(map_png(vectors, places, title, simulated=profile.simulated))
