"""The one place where parts meet: settings become workspaces, workspaces become assets and checks."""

from collections.abc import Sequence
from functools import partial

import dagster as dg

from attribution_dagster.alerts.sensor import alert_sensors
from attribution_dagster.assets.ad_counterfactuals import counterfactual_assets
from attribution_dagster.assets.ad_increments import increment_assets
from attribution_dagster.assets.aggregates import aggregate_assets
from attribution_dagster.assets.attribution import attribution_assets
from attribution_dagster.assets.conversion_features import feature_assets
from attribution_dagster.assets.conversion_model import conversion_model_assets
from attribution_dagster.assets.conversion_results import conversion_result_assets
from attribution_dagster.assets.customer_embeddings import embedding_assets
from attribution_dagster.assets.customer_traits import trait_assets
from attribution_dagster.assets.decision import decision_assets
from attribution_dagster.assets.drift import drift_assets
from attribution_dagster.assets.experiment import experiment_assets
from attribution_dagster.assets.feature_importance import importance_assets
from attribution_dagster.assets.findings import findings_assets
from attribution_dagster.assets.funnel_report import funnel_report_assets
from attribution_dagster.assets.item2vec import item2vec_assets
from attribution_dagster.assets.journey_model import journey_model_assets
from attribution_dagster.assets.journey_report import journey_report_assets
from attribution_dagster.assets.journeys import journey_assets
from attribution_dagster.assets.leakage import suspicion_assets
from attribution_dagster.assets.method_comparison import method_comparison_assets
from attribution_dagster.assets.model_card import card_assets
from attribution_dagster.assets.promotion import promotion_assets
from attribution_dagster.assets.published import published_assets
from attribution_dagster.assets.rates import rate_assets
from attribution_dagster.assets.report import leakage_assets, report_assets
from attribution_dagster.assets.scoring import scoring_assets
from attribution_dagster.assets.sequences import sequence_assets
from attribution_dagster.assets.session_table import session_table_assets
from attribution_dagster.assets.session_table_results import session_table_result_assets
from attribution_dagster.assets.sessions import session_assets
from attribution_dagster.assets.source import source_assets
from attribution_dagster.assets.training import training_assets
from attribution_dagster.assets.trait_drift import trait_drift_assets
from attribution_dagster.assets.trait_report import trait_report_assets
from attribution_dagster.assets.trait_results import trait_result_assets
from attribution_dagster.assets.trust import trust_assets
from attribution_dagster.assets.uplift import uplift_assets
from attribution_dagster.automation import automation_of
from attribution_dagster.checks.adapter import asset_checks
from attribution_dagster.graph import DatasetAssets
from attribution_dagster.resources.progress import LoggedProgress, Progress
from attribution_dagster.resources.workspace import Workspace, open_workspace
from attribution_dagster.settings import Settings

_OF_SESSIONS = (session_assets, suspicion_assets, feature_assets, funnel_report_assets, conversion_model_assets)
_OF_VARIANTS = (
    sequence_assets,
    training_assets,
    attribution_assets,
    aggregate_assets,
    method_comparison_assets,
    rate_assets,
    trust_assets,
    report_assets,
    promotion_assets,
    card_assets,
    scoring_assets,
)
_OVER_VARIANTS = (leakage_assets, findings_assets, conversion_result_assets)
_OF_JOURNEYS = (
    journey_assets,
    journey_model_assets,
    counterfactual_assets,
    increment_assets,
    importance_assets,
    journey_report_assets,
)
_OF_TRAITS = (item2vec_assets, embedding_assets, trait_assets, trait_result_assets, trait_report_assets)
_WITHOUT_EVENTS = {
    "experiment": (experiment_assets, uplift_assets, decision_assets, published_assets),
    "sessions": (session_table_assets, session_table_result_assets, published_assets),
}


def build_definitions(settings: Settings, progress: Progress | None = None) -> dg.Definitions:
    """Everything Dagster loads: the assets and checks of the enabled datasets, and the sensor that tells of failures."""
    workspaces = [open_workspace(name, settings, progress or LoggedProgress()) for name in settings.datasets]
    return definitions_of(workspaces, alert_sensors(settings))


def definitions_of(workspaces: list[Workspace], sensors: Sequence[dg.SensorDefinition] = ()) -> dg.Definitions:
    """Assets, checks, jobs, schedules and sensors of these workspaces, and further sensors."""
    # Twelve empty steps take .6 s in one process and 18.7 s in a process each; windows run side by side as separate runs.
    common = dg.Definitions(executor=dg.in_process_executor, sensors=sensors)
    datasets = [DatasetAssets.of(workspace, alone=len(workspaces) == 1) for workspace in workspaces]
    return dg.Definitions.merge(common, *map(_of_dataset, datasets))


def _of_dataset(dataset: DatasetAssets) -> dg.Definitions:
    assets = _assets(dataset)
    own = dg.Definitions(assets=assets, asset_checks=asset_checks(dataset))
    return dg.Definitions.merge(own, automation_of(dataset, assets))


def _assets(dataset: DatasetAssets) -> list[dg.AssetsDefinition]:
    profile = dataset.workspace.profile
    if profile.kind in _WITHOUT_EVENTS:
        return [asset for make in _WITHOUT_EVENTS[profile.kind] for asset in make(dataset)]
    stages = [
        source_assets,
        *(_OF_SESSIONS if profile.variants else ()),
        *(partial(make, variant=variant) for variant in profile.variants for make in _OF_VARIANTS),
        *(_OVER_VARIANTS if profile.variants else ()),
        *(_OF_JOURNEYS if profile.journeys is not None else ()),
        *(_OF_TRAITS if profile.traits is not None else ()),
        published_assets,
        *((trait_drift_assets,) if profile.traits is not None else ()),
        *(partial(drift_assets, variant=variant) for variant in profile.variants),
    ]
    return [asset for make in stages for asset in make(dataset)]
