"""What the assets and checks of one dataset have in common: keys, tables, partitions, groups, owners, tags."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from attribution_dagster.partitions import window_partitions
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.ddl import Table, table_definition

OWNERS = ["team:attribution"]
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
    "sampled_users": ("sampled_users",),
    "risk_set": ("risk_set",),
    "{variant}/trained_model": ("model_metrics_{variant}", "transformer_pair_attribution_{variant}"),
    "{variant}/event_attribution": ("gradient_attribution_{variant}",),
    **{f"{{variant}}/{asset}": (f"{table}_{{variant}}",) for asset, table in AGGREGATES.items()},
    "leakage_comparison": ("leakage_comparison",),
}
"""Asset -> the tables it writes, documented in `sql/ddl/`, its main one first. An asset that isn't here writes none."""


def tables_of(variants: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Asset -> the tables it writes, its main one first, in a dataset with these variants."""
    return {
        asset.format(variant=variant): tuple(table.format(variant=variant) for table in tables)
        for variant in variants
        for asset, tables in TABLES.items()
    }


@dataclass(frozen=True, kw_only=True)
class DatasetAssets:
    """Makes the decorator's options for an asset of the dataset; the key is `[dataset, (variant,) name]`."""

    workspace: Workspace
    partitions: dg.TimeWindowPartitionsDefinition
    group_prefix: str = ""

    @classmethod
    def of(cls, workspace: Workspace, *, alone: bool) -> "DatasetAssets":
        """The options for the workspace's dataset; where others are loaded too, its groups bear its name.

        Alone they don't, because the UI's graph cuts long names.
        """
        prefix = "" if alone else f"{workspace.profile.name}_"
        return cls(workspace=workspace, partitions=window_partitions(workspace.profile), group_prefix=prefix)

    def key(self, asset: str) -> dg.AssetKey:
        """The asset's key: `no_funnel/trained_model` of marketplace is `marketplace/no_funnel/trained_model`."""
        return dg.AssetKey([self.workspace.profile.name, *asset.split("/")])

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
    ) -> dict[str, Any]:
        """Arguments of `dg.asset`."""
        profile = self.workspace.profile
        tags = {"dataset": profile.name, "data": "simulated" if profile.simulated else "real"}
        return {
            "key": self.key(asset),
            "deps": [d if isinstance(d, dg.AssetDep) else dg.AssetDep(self.key(d)) for d in deps],
            "partitions_def": self.partitions if partitioned else None,
            "group_name": f"{self.group_prefix}{group}",
            "kinds": kinds,
            "owners": OWNERS,
            "tags": {**tags, "data_leakage": "true"} if leaks else tags,
            "code_version": code,
            "description": description,
            "metadata": self._tables(asset),
        }

    def _tables(self, asset: str) -> dict[str, Any]:
        """The columns of the tables that the asset writes; of several, the main one is what the UI shows as the asset's own."""
        names = tables_of(self.workspace.profile.variants).get(asset)
        if names is None:
            return {}
        main, *others = map(table_definition, names)
        name = f"{self.workspace.profile.name}.{main.name}"
        shown = {"dagster/table_name": name, "dagster/column_schema": _schema(main)}
        return shown | {f"table {table.name}": _schema(table) for table in others}


def _schema(table: Table) -> dg.TableSchema:
    return dg.TableSchema([dg.TableColumn(c.name, type=c.type, description=c.comment) for c in table.columns])
