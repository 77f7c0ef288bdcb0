"""The asset `source`, of whatever kind a dataset is: the source as a whole, looked at before anything is made of it."""

from collections.abc import Callable
from typing import Any

import dagster as dg

from attribution_dagster.assets.step import Report, Step, make
from attribution_dagster.errors import DataError
from attribution_dagster.graph import DatasetAssets
from attribution_dagster.resources.workspace import WHOLE, Workspace
from attribution_dagster.retries import retried_after_io_errors
from attribution_dagster.warehouse.source import Source

Look = Callable[[Step, Source], Report]


def whole_source(
    assets: DatasetAssets,
    description: str,
    *,
    group: str,
    code: str,
    find: Callable[[Workspace], Source],
    look: Look,
    more: Callable[[Workspace], list[Any]] = lambda _: [],
    exists: Callable[[Step], bool] = lambda _: True,
) -> dg.AssetsDefinition:
    """The asset `source`.

    Args:
        find: the source as it is now, fetched where it lies elsewhere.
        look: attaches it and reports what it holds, its `digest` too, which `attach_as_looked_at` compares.
        more: what, besides the files and the users to leave out, decides the outcome.
        exists: whether what `look` wrote in the step's version is there.
    """
    workspace = assets.workspace

    @dg.asset(
        **assets.options("source", kinds={"file"}, partitioned=False, group=group, code=code, description=description)
    )
    @retried_after_io_errors
    def source(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        found = find(workspace)
        return make(
            context,
            workspace,
            "source",
            reads=lambda _: (),
            settings=lambda _: [
                found.digest,
                str(found.events.parts[0].path),
                workspace.warehouse.suppression().digest,
                *more(workspace),
            ],
            code=code,
            exists=exists,
            build=lambda step: look(step, found),
            window_key=WHOLE,
        )

    return source


def attach_as_looked_at(workspace: Workspace, found: Source) -> None:
    """Makes the source readable by the warehouse. DataError if it is not the one that the asset `source` looked at."""
    record = workspace.artifacts.record("source", WHOLE)
    if record is None or record.report["digest"] != found.digest:
        raise DataError(
            f"dataset {workspace.profile.name}: {found.events.parts[0].path} has changed since the asset `source` looked at it. "
            "Materialise `source` again, then what is downstream."
        )
    workspace.warehouse.attach_source(found)
