"""A window made by `attribution run` on another machine, such as a Databricks cluster, and shown here as if it had been made here.

The command is the same everywhere. Dagster's Pipes starts it, and brings back its log and what it made.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import dagster as dg

from attribution_dagster.datasets.profile import Profile
from attribution_dagster.partitions import explained_partitions

Arguments = Callable[[Sequence[str]], Mapping[str, Any]]
"""What a Pipes client's `run` wants for a command: `{"command": …}` of the subprocess client, `{"task": …}` of Databricks'."""
MADE = "made"
"""Custom messages are of this form: {"made": {"key", "partition", "version", "metadata"}}."""


def elsewhere_job(profile: Profile, client: Any, arguments: Arguments) -> dg.JobDefinition:
    """Job `<dataset>_elsewhere`: a window from events to publication, its assets materialised here once it has succeeded.

    client: a Pipes client, such as `dg.PipesSubprocessClient()` or dagster-databricks' `PipesDatabricksClient`. The other
    machine reads its own settings (warehouse, source, home); its tables and artifacts are to be where this one reads them.
    """

    @dg.op(name=f"{profile.name}_window")
    def window(context: dg.OpExecutionContext) -> None:
        command = ["run", "--dataset", profile.name, "--window", context.partition_key]
        finished = client.run(context=context, **arguments(command))
        for message in finished.get_custom_messages():
            context.log_event(_materialisation(message[MADE]))

    @dg.job(name=f"{profile.name}_elsewhere", partitions_def=explained_partitions(profile))
    def elsewhere() -> None:
        window()

    return elsewhere


def _materialisation(made: Mapping[str, Any]) -> dg.AssetMaterialization:
    return dg.AssetMaterialization(
        dg.AssetKey(made["key"]),
        partition=made["partition"],
        metadata=made["metadata"],
        tags={"dagster/data_version": made["version"]} if made["version"] else {},
    )
