"""What a person looks at: one picture of what ads added in the window."""

from typing import Any

import dagster as dg

from attribution_dagster.assets.journeys import journeys_spec
from attribution_dagster.assets.report import export_folder, inline_picture, picture
from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.graph import DatasetAssets

ASSET, PICTURE = "journey_report", "ad_journeys.png"
_CODE = code_version("assets/journey_report.py", "reports/journeys.py", "reports/palette.py", "reports/style.py")


def journey_report_assets(assets: DatasetAssets) -> list[dg.AssetsDefinition]:
    """The asset `journey_report`."""
    workspace, profile = assets.workspace, assets.workspace.profile
    deps = ["ad_journeys", "ad_counterfactuals", "ad_increments"]

    @dg.asset(**assets.options(ASSET, deps=deps, kinds={"matplotlib"}, group="step4_results", code=_CODE))
    def journey_report(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """One picture of what ads added: from no ads to observed purchases, campaigns with their cost, responses, and naive against adjusted."""
        return make(
            context,
            workspace,
            ASSET,
            reads=lambda key: [(name, key) for name in deps],
            settings=lambda _: [profile.title, profile.simulated, journeys_spec(profile).negative_control],
            code=_CODE,
            exists=Step.artifact,
            build=_draw,
        )

    return [journey_report]


def _draw(step: Step) -> Report:
    from attribution_dagster.reports.journeys import journeys_png

    workspace, key = step.workspace, step.window_key
    png = journeys_png(_shown(step))
    workspace.artifacts.create(ASSET, key, step.version, lambda folder: (folder / PICTURE).write_bytes(png))
    folder = workspace.artifacts.folder(ASSET, key, step.version)
    assert folder is not None
    return {
        "picture": {"markdown": f"![What ads added](data:image/png;base64,{inline_picture(picture(folder))})"},
        "file": {"path": str(picture(folder))},
        "exports": {"path": export_folder(workspace, key)},
    }


def _shown(step: Step) -> Any:
    from attribution_dagster.core.journeys.tables import ALL_ADS
    from attribution_dagster.reports.journeys import JourneyPicture

    workspace, key = step.workspace, step.window_key
    profile, record = workspace.profile, workspace.artifacts.record("ad_journeys", key)
    assert record is not None  # its version is an input
    tables = ("ad_counterfactuals", "ad_responses", "ad_increments", "ad_sensitivity")
    campaigns, responses, increments, tilts = (workspace.slice_of(name, key).to_pylist() for name in tables)
    return JourneyPicture(
        title=profile.title,
        window_key=key,
        simulated=profile.simulated,
        observed=int(record.report["bought"]),
        total=next(row for row in campaigns if row["campaign_id"] == ALL_ADS),
        campaigns=[row for row in campaigns if row["campaign_id"] != ALL_ADS],
        responses=responses,
        increments=increments,
        all_ads=ALL_ADS,
        explained_away_at=tilts[0]["explained_away_at"] if tilts else None,
    )
