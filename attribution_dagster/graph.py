"""What the assets and checks of one dataset have in common: keys, tables, partitions, groups, owners, tags."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import dagster as dg

from attribution_dagster.datasets.profile import Profile
from attribution_dagster.partitions import explained_partitions, window_partitions
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.ddl import Table, table_definition

OWNERS = ["team:attribution"]
PREPARED = (
    "events",
    "sessions",
    "session_funnels",
    "funnel_metrics",
    "session_features",
    "sampled_users",
    "risk_set",
    "sequence_tensors",
    "ad_auctions",
    "ad_journeys",
)
"""Made for every window, because models learn from them, and in a backfill a range of windows per run: they are quick.

All other assets exist for the windows that can be explained, and are made one window per run.
"""
AFTER_PUBLICATION = ("attribution_drift", "session_scores", "trait_drift")
"""Assets that are made after the window is published."""
AGGREGATES = {
    "event_type_attribution": "transformer_event_attribution",
    "position_attribution": "transformer_position_attribution",
    "store_attribution": "transformer_store_attribution",
    "category_attribution": "transformer_category_attribution",
    "event_position_attribution": "transformer_event_position_attribution",
}
"""Asset of a variant -> its table, which is also the name of its SQL file."""
TABLES: Mapping[str, tuple[str, ...]] = {
    "source": ("canonical_events", "source_hours", "rejected_events"),
    "events": ("stg_events", "rejected_events"),
    "sessions": ("sessions", "session_events"),
    "session_funnels": ("session_funnels",),
    "funnel_metrics": ("funnel_metrics",),
    "session_features": ("session_features",),
    "conversion_model": ("conversion_metrics", "conversion_deciles", "shap_summary"),
    "conversion_predictions": ("conversion_predictions",),
    "conversion_comparison": ("conversion_comparison",),
    "funnel_report": ("funnel_report",),
    "sampled_users": ("sampled_users",),
    "risk_set": ("risk_set",),
    "{variant}/trained_model": ("model_metrics_{variant}", "transformer_pair_attribution_{variant}"),
    "{variant}/event_attribution": ("gradient_attribution_{variant}",),
    "{variant}/attribution_statistics": ("attribution_statistics_{variant}",),
    **{f"{{variant}}/{asset}": (f"{table}_{{variant}}",) for asset, table in AGGREGATES.items()},
    "{variant}/method_comparison": ("method_comparison_{variant}", "method_attribution_{variant}"),
    "{variant}/event_count_rates": ("event_count_rates_{variant}",),
    "{variant}/attribution_trust": ("attribution_trust_{variant}", "attribution_spread_{variant}"),
    "{variant}/attribution_drift": ("attribution_drift_{variant}",),
    "{variant}/session_scores": ("session_scores_{variant}",),
    "suspected_leakage": ("suspected_leakage", "leakage_moments"),
    "leakage_comparison": ("leakage_comparison",),
    "findings": ("findings",),
}
"""Asset -> the tables it writes, documented in `sql/ddl/`, its main one first. An asset that isn't here writes none."""
EXPERIMENT_TABLES: Mapping[str, tuple[str, ...]] = {
    "treatment_assignment": ("treatment_assignment", "experiment_covariates"),
    "experiment_validity": ("experiment_effects", "experiment_validity"),
    "uplift_model": ("uplift_metrics",),
    "uplift_scores": ("uplift_scores", "uplift_truth"),
    "roi_simulation": ("roi_simulation", "confirming_test", "roi_rates"),
}
"""The same of a dataset of `kind: experiment`."""
SESSION_TABLE_TABLES: Mapping[str, tuple[str, ...]] = {
    "session_table": ("session_outcomes", "session_attributes"),
    "conversion_model": ("conversion_metrics", "conversion_deciles", "shap_summary", "suspected_attributes"),
    "conversion_predictions": ("conversion_predictions",),
    "conversion_report": (),
}
"""The same of a dataset of `kind: sessions`."""
WITHOUT_EVENTS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "experiment": EXPERIMENT_TABLES,
    "sessions": SESSION_TABLE_TABLES,
}
"""Kind of a dataset without events -> its assets, all of which are audited, with their tables."""
JOURNEY_TABLES: Mapping[str, tuple[str, ...]] = {
    "source": TABLES["source"],
    "events": TABLES["events"],
    "ad_auctions": ("ad_auctions",),
    "ad_journeys": ("ad_journeys", "ad_journey_events"),
    "journey_model": ("journey_metrics", "campaign_credit", "journey_embeddings"),
    "ad_counterfactuals": ("ad_counterfactuals", "ad_event_counterfactuals", "ad_responses"),
    "ad_increments": ("ad_increments", "ad_sensitivity"),
    "feature_importance": ("feature_importance",),
}
"""The same for the assets of a dataset with ad journeys."""
TRAIT_TABLES: Mapping[str, tuple[str, ...]] = {
    "item2vec": ("item_tokens", "item2vec_search"),
    "customer_embeddings": ("customer_embeddings", "pooling_comparison"),
    "customer_traits": ("customer_traits", "trait_comparison"),
    "trait_profiles": ("trait_profiles", "trait_items", "trait_examples"),
    "similar_customers": ("similar_customers",),
    "recommendations": ("recommendations", "recommendation_metrics"),
    "trait_drift": ("trait_drift",),
}
"""The same for the assets of a dataset with customer traits."""
INTERNAL = (
    "session_events",
    "session_features",
    "sampled_users",
    "leakage_moments",
    "attribution_statistics_{variant}",
    "treatment_assignment",
    "experiment_covariates",
    "session_outcomes",
    "session_attributes",
)
"""Tables of audited assets that are read by other assets only, and not published."""
VIEWS = ("canonical_events",)
"""Tables that are a view on the source, and have no slices."""
FORCE_TAG = "attribution/force"
"""Tag of a run that makes everything again, and asks every check again."""
TRAINING_POOL = "training"
"""Pool of the steps that take all memory and cores they can get; dagster.yaml says how many run at once."""
# Both are marked beta in Dagster 1.13; the tests of backfills and of checks watch that they keep working.
warnings.filterwarnings("ignore", category=dg.BetaWarning, message=".*(backfill_policy|allow_nonexistent)")


def tables_of(variants: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Asset -> the tables it writes, its main one first, of what is made of sessions, in a dataset with these variants."""
    return {
        asset.format(variant=variant): tuple(table.format(variant=variant) for table in tables)
        for variant in variants
        for asset, tables in TABLES.items()
    }


def written_tables(profile: Profile) -> dict[str, tuple[str, ...]]:
    """Asset -> the tables it writes, its main one first, of all assets that the dataset has."""
    if profile.kind in WITHOUT_EVENTS:
        return {asset: tables for asset, tables in WITHOUT_EVENTS[profile.kind].items() if tables}
    journeys = journey_tables(profile) if profile.journeys is not None else {}
    return tables_of(profile.variants) | journeys | (TRAIT_TABLES if profile.traits is not None else {})


def journey_tables(profile: Profile) -> dict[str, tuple[str, ...]]:
    """Asset -> the tables it writes, of the assets that make ad journeys and what follows from them."""
    has_auctions = profile.journeys is not None and profile.journeys.auctions
    return {asset: names for asset, names in JOURNEY_TABLES.items() if asset != "ad_auctions" or has_auctions}


def stored_tables(profile: Profile, asset: str) -> list[str]:
    """The tables that the asset writes into slices: all of its own but views."""
    return [table for table in written_tables(profile).get(asset, ()) if table not in VIEWS]


def unrecorded_tables(workspace: Workspace, made: Mapping[tuple[str, str], str]) -> list[tuple[str, str, str]]:
    """(Table, asset, window key) of what was made, where the table does not hold the version that is recorded; the warehouse is asked once.

    A run has not finished, or never will, or a user was forgotten.
    """
    stored = {place: stored_tables(workspace.profile, place[0]) for place in made}
    tables = {table for names in stored.values() for table in names}
    current = workspace.warehouse.current_versions(tables, {window_key for _, window_key in made})
    return [
        (table, asset, window_key)
        for (asset, window_key), version in made.items()
        for table in stored[asset, window_key]
        if current.get((table, window_key)) != version
    ]


@dataclass(frozen=True, kw_only=True)
class DatasetAssets:
    """Makes the decorator's options for an asset of the dataset; the key is `[dataset, (variant,) name]`."""

    workspace: Workspace
    windows: dg.TimeWindowPartitionsDefinition
    explained: dg.TimeWindowPartitionsDefinition
    group_prefix: str = ""

    @classmethod
    def of(cls, workspace: Workspace, *, alone: bool) -> "DatasetAssets":
        """The options for the workspace's dataset; where others are loaded too, its groups bear its name.

        Alone they don't, because the UI's graph cuts long names.
        """
        profile = workspace.profile
        return cls(
            workspace=workspace,
            windows=window_partitions(profile),
            explained=explained_partitions(profile),
            group_prefix="" if alone else f"{profile.name}_",
        )

    def partitions(self, asset: str) -> dg.TimeWindowPartitionsDefinition:
        """The windows for which the asset is made."""
        return self.windows if asset.split("/")[-1] in PREPARED else self.explained

    def key(self, asset: str) -> dg.AssetKey:
        """The asset's key: `no_funnel/trained_model` of marketplace is `marketplace/no_funnel/trained_model`."""
        return dg.AssetKey([self.workspace.profile.name, *asset.split("/")])

    def freshness(self) -> dg.FreshnessPolicy | None:
        """Within what time the dataset's results are to be made again; None where nothing runs by schedule."""
        profile = self.workspace.profile
        if profile.schedule is None:
            return None
        days = {"day": 1, "week": 7, "month": 31}[profile.windows.length]
        return dg.FreshnessPolicy.time_window(fail_window=timedelta(days=days, hours=profile.schedule.delay_hours + 6))

    def options(
        self,
        asset: str,
        *,
        group: str,
        code: str,
        deps: Sequence[str | dg.AssetDep] = (),
        kinds: set[str],
        partitioned: bool = True,
        description: str | None = None,
        leaks: bool = False,
        pool: str | None = None,
    ) -> dict[str, Any]:
        """Arguments of `dg.asset`."""
        profile = self.workspace.profile
        tags = {"dataset": profile.name, "data": "simulated" if profile.simulated else "real"}
        return {
            "key": self.key(asset),
            "deps": [d if isinstance(d, dg.AssetDep) else dg.AssetDep(self.key(d)) for d in deps],
            "partitions_def": self.partitions(asset) if partitioned else None,
            "backfill_policy": dg.BackfillPolicy.single_run()
            if not partitioned or asset.split("/")[-1] in PREPARED
            else dg.BackfillPolicy.multi_run(max_partitions_per_run=1),
            "group_name": f"{self.group_prefix}{group}",
            "kinds": kinds,
            "owners": OWNERS,
            "tags": {**tags, "data_leakage": "true"} if leaks else tags,
            "code_version": code,
            "description": description,
            "metadata": self._tables(asset),
            "pool": pool,
        }

    def _tables(self, asset: str) -> dict[str, Any]:
        """The columns of the tables that the asset writes; of several, the main one is what the UI shows as the asset's own."""
        names = written_tables(self.workspace.profile).get(asset)
        if names is None:
            return {}
        main, *others = map(table_definition, names)
        name = f"{self.workspace.profile.name}.{main.name}"
        shown = {"dagster/table_name": name, "dagster/column_schema": _schema(main)}
        return shown | {f"table {table.name}": _schema(table) for table in others}


def _schema(table: Table) -> dg.TableSchema:
    return dg.TableSchema([dg.TableColumn(c.name, type=c.type, description=c.comment) for c in table.columns])
