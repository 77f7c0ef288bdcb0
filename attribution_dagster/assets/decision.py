"""Whom to target: what each share brings and costs, the share to target, the test that would confirm it, and a page that says so."""

from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import pyarrow as pa
from pydantic import Field

from attribution_dagster.assets.experiment import data_of, load_rows, profile_of
from attribution_dagster.assets.model_card import write_pages
from attribution_dagster.assets.report import export_folder, inline_picture
from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.assets.units import open_units
from attribution_dagster.datasets.uplift import DecisionSpec
from attribution_dagster.graph import DatasetAssets
from attribution_dagster.reports.markdown import markdown_table
from attribution_dagster.warehouse.queries import load_query

if TYPE_CHECKING:
    from attribution_dagster.core.decision.confirming import ConfirmingTest
    from attribution_dagster.core.decision.roi import Estimate, Point, Policy
    from attribution_dagster.reports.recommendation import RecommendationPage

PICTURE = "roi_simulation.png"
TEST_WITHOUT_POLICY = 0.1
"""Share whose effect is tested where nobody is to be targeted yet: the customary top 10 %."""
_READS = ("treatment_assignment", "experiment_validity", "uplift_model", "uplift_scores")
_SHOWN = ("targeted_share", "incremental_conversions", "revenue_usd", "cost_usd", "profit_usd", "profit_usd_low", "roi")
_CODE = code_version(
    "assets/decision.py",
    "core/decision",
    "core/uplift",
    "reports/recommendation.py",
    "reports/uplift.py",
    "reports/pages.py",
    "reports/templates/recommendation.html",
    "reports/templates/recommendation.md",
    "reports/templates/page.css",
)


def decision_assets(assets: DatasetAssets) -> list[dg.AssetsDefinition]:
    """The asset `roi_simulation`; its launchpad starts from the profile's `decision`."""
    workspace = assets.workspace
    profile = profile_of(workspace)
    known = profile.decision

    class Economics(dg.Config):
        """What a contact, an incentive and an order are worth."""

        contact_cost_usd: float = Field(known.contact_cost_usd, ge=0, description="Cost of contacting one unit.")
        incentive_usd: float = Field(known.incentive_usd, ge=0, description="Cost of an incentive, if it is redeemed.")
        redeeming_share: float = Field(
            known.redeeming_share, ge=0, le=1, description="Share of the contacted who convert that redeem it."
        )
        order_value_usd: float = Field(known.order_value_usd, ge=0, description="What one more conversion is worth.")
        population: int = Field(
            known.population or 0, ge=0, description="Units that will be decided on; 0: as many as in the experiment."
        )

    @dg.asset(
        **assets.options(
            "roi_simulation", deps=list(_READS), kinds={"python", "matplotlib"}, group="step3_decision", code=_CODE
        )
    )
    def roi_simulation(context: dg.AssetExecutionContext, config: Economics) -> dg.MaterializeResult[None]:
        """Whom to target? Incremental conversions, revenue, cost and ROI by targeted share, with intervals; the share to target; the confirming test."""
        values = config.model_dump()
        chosen = DecisionSpec.model_validate({**values, "population": values["population"] or None})
        return make(
            context,
            workspace,
            "roi_simulation",
            reads=lambda key: [(name, key) for name in _READS],
            settings=lambda _: [
                chosen.model_dump(),
                profile.experiment.converts,
                profile.uplift.replicates,
                profile.title,
                profile.simulated,
            ],
            code=_CODE,
            exists=lambda step: step.table("roi_simulation", "confirming_test", "roi_rates") and step.artifact(),
            build=lambda step: _decide(step, chosen),
        )

    return [roi_simulation]


def _decide(step: Step, chosen: DecisionSpec) -> Report:
    workspace, key = step.workspace, step.window_key
    policy, test = _policy(step, chosen)
    rows = [_row(point, policy.recommended_share) for point in policy.points]
    written = load_rows(step, "roi_simulation", rows)
    load_rows(step, "confirming_test", _looks(test, policy))
    load_rows(step, "roi_rates", _rates(policy))
    page = _page(step, chosen, policy, test)
    workspace.artifacts.create(step.asset, key, step.version, lambda folder: _write(step, page, rows, folder))
    folder = workspace.artifacts.folder(step.asset, key, step.version)
    assert folder is not None
    return {
        "rows": written,
        "recommended_share": policy.recommended_share,
        "parameters": chosen.model_dump(),
        "curve": {"markdown": markdown_table(pa.Table.from_pylist(rows).select(list(_SHOWN)))},
        "recommendation": {"markdown": page.markdown()},
        "picture": {"markdown": f"![Profit by share](data:image/png;base64,{inline_picture(folder / PICTURE)})"},
        "page": {"path": str(folder / "recommendation.html")},
        "exports": {"path": export_folder(workspace, key)},
        "data": data_of(workspace),
    }


def _policy(step: Step, chosen: DecisionSpec) -> "tuple[Policy, ConfirmingTest]":
    import numpy as np

    from attribution_dagster.core.decision.confirming import confirming_test
    from attribution_dagster.core.decision.roi import Economics, simulate_policy

    profile = profile_of(step.workspace)
    units = open_units(step, profile.experiment.converts).compared()
    scores = step.workspace.fetch(load_query("features/uplift_of_units"), step.window_key)
    uplift = dict(zip(scores["session_id"].to_pylist(), scores["uplift"].to_pylist(), strict=True))
    policy = simulate_policy(
        np.array([uplift[unit] for unit in units.ids]),
        units.treated,
        units.y,
        Economics(**chosen.model_dump(exclude={"population"})),
        population=chosen.population,
        replicates=profile.uplift.replicates,
        seed=profile.uplift.seed,
    )
    share = policy.recommended_share or TEST_WITHOUT_POLICY
    point = next(point for point in policy.points if point.targeted_share == share)
    return policy, confirming_test(point.control_rate, point.treated_rate, point.targeted_units)


def _row(point: "Point", recommended: float) -> dict[str, Any]:
    estimates: dict[str, Estimate] = {
        name: getattr(point, name)
        for name in ("uplift", "incremental_conversions", "revenue_usd", "cost_usd", "profit_usd", "roi")
    }
    ends = {f"{name}_{end}": _finite(getattr(each, end)) for name, each in estimates.items() for end in ("low", "high")}
    return {
        "targeted_share": point.targeted_share,
        "targeted_units": point.targeted_units,
        "treated_rate": point.treated_rate,
        "control_rate": point.control_rate,
        "relative_uplift": _finite(point.relative_uplift),
        "is_recommended": point.targeted_share == recommended,
        **{name: _finite(each.value) for name, each in estimates.items()},
        **ends,
    }


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None


def _rates(policy: "Policy") -> list[dict[str, Any]]:
    """Rates of both arms by resample, 0 as measured, and share: what other economics can be projected from."""
    rates = policy.rates
    return [
        {
            "replicate": replicate,
            "targeted_share": share,
            "treated_rate": _finite(under),
            "control_rate": _finite(without),
        }
        for replicate, drawn in enumerate([rates.measured.tolist(), *rates.drawn.tolist()])
        for share, (under, without) in zip(rates.shares, drawn, strict=True)
    ]


def _looks(test: "ConfirmingTest", policy: "Policy") -> list[dict[str, Any]]:
    return [
        {
            "look": number,
            **asdict(look),
            "units_per_arm": round(look.information * test.units_per_arm) if test.units_per_arm else None,
            "targeted_share": policy.recommended_share or TEST_WITHOUT_POLICY,
            "control_rate": test.control_rate,
            "treated_rate": test.treated_rate,
            "power_with_targeted": test.power_with_targeted,
        }
        for number, look in enumerate(test.looks, start=1)
    ]


def _page(step: Step, chosen: DecisionSpec, policy: "Policy", test: "ConfirmingTest") -> "RecommendationPage":
    from attribution_dagster.reports.recommendation import RecommendationPage

    workspace, profile, key = step.workspace, profile_of(step.workspace), step.window_key
    validity = workspace.slice_of("experiment_validity", key).to_pylist()
    metrics = workspace.slice_of("uplift_metrics", key).to_pylist()
    used = next(row for row in metrics if row["is_used"] and row["metric"] == "qini")
    return RecommendationPage(
        title=profile.title,
        window_key=key,
        simulated=profile.simulated,
        treatment=profile.experiment.treatment,
        control=profile.experiment.control,
        scored_on=profile.experiment.uplift_on,
        converts=profile.experiment.converts,
        learner=profile.uplift.used,
        qini=used,
        failed=[row for row in validity if not row["passed"]],
        parameters=chosen,
        policy=policy,
        test=test,
        tested_share=policy.recommended_share or TEST_WITHOUT_POLICY,
    )


def _write(step: Step, page: "RecommendationPage", rows: list[dict[str, Any]], folder: Path) -> None:
    from attribution_dagster.reports.uplift import policy_curves

    profile = profile_of(step.workspace)
    title = f"{profile.title}: {profile.experiment.treatment}, {profile.experiment.converts}"
    recommended = page.policy.recommended_share
    png = policy_curves(title, rows, recommended=recommended, simulated=profile.simulated)
    write_pages(
        folder,
        {
            PICTURE: png,
            "recommendation.md": page.markdown().encode(),
            "recommendation.html": page.html().encode(),
        },
    )
