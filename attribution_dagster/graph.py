"""What the assets and checks of one dataset have in common: keys, partitions, groups, owners, tags."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from attribution_dagster.partitions import window_partitions
from attribution_dagster.resources.workspace import Workspace

OWNERS = ["team:attribution"]
TRAINING_POOL = "training"
"""Pool of the steps that take all memory and cores they can get; dagster.yaml says how many run at once."""


@dataclass(frozen=True, kw_only=True)
class DatasetAssets:
    """Makes the decorator's options for an asset of the dataset; the key is `[dataset, (variant,) name]`."""

    workspace: Workspace
    partitions: dg.TimeWindowPartitionsDefinition

    @classmethod
    def of(cls, workspace: Workspace) -> "DatasetAssets":
        """The options for the workspace's dataset."""
        return cls(workspace=workspace, partitions=window_partitions(workspace.profile))

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
        pool: str | None = None,
    ) -> dict[str, Any]:
        """Arguments of `dg.asset`."""
        profile = self.workspace.profile
        tags = {"dataset": profile.name, "data": "simulated" if profile.simulated else "real"}
        return {
            "key": self.key(asset),
            "deps": [d if isinstance(d, dg.AssetDep) else dg.AssetDep(self.key(d)) for d in deps],
            "partitions_def": self.partitions if partitioned else None,
            "group_name": f"{profile.name}_{group}",
            "kinds": kinds,
            "owners": OWNERS,
            "tags": {**tags, "data_leakage": "true"} if leaks else tags,
            "code_version": code,
            "description": description,
            "pool": pool,
        }
