"""How every asset runs: find what it reads, ask the checks of it, know its version, skip what is current, record what was made.

The version of a slice is a digest of the asset's code, the settings it depends on and the versions of what it read. So the same inputs give
the same version, on any machine and in any order, and "nothing to redo" is a comparison of two strings.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg

from attribution_dagster.checks.gate import admit
from attribution_dagster.checks.pages import asset_page
from attribution_dagster.errors import AttributionError, DataError, MissingInputError
from attribution_dagster.graph import FORCE_TAG, unrecorded_tables
from attribution_dagster.resources.artifacts import Record
from attribution_dagster.resources.progress import CURRENT
from attribution_dagster.resources.workspace import WHOLE, Workspace
from attribution_dagster.retries import retried_after_io_errors
from attribution_dagster.warehouse.queries import Query, sql_folder
from attribution_dagster.warehouse.tagging import tagged

PACKAGE = Path(__file__).parents[1]
DATA_VERSION_TAG = "dagster/data_version"
_DAGSTERS_NAMES = {"rows": "dagster/row_count", "column_lineage": "dagster/column_lineage"}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One asset in one window, about to be made."""

    workspace: Workspace
    asset: str
    window_key: str
    version: str
    inputs: Mapping[str, str]
    run_id: str
    attempt: int = 1

    def table(self, *names: str) -> bool:
        """Whether the tables' current slices are of this version already."""
        found = self.workspace.warehouse.current_versions(names, [self.window_key])
        return all(found.get((name, self.window_key)) == self.version for name in names)

    def build_table(self, name: str, query: Query, **more: object) -> int:
        """Writes the table's slice of this version from a query; its number of rows."""
        values = self.workspace.bound(query, self.window_key, **more)
        return self.workspace.warehouse.build(name, self.window_key, self.version, query, values)

    def artifact(self) -> bool:
        """Whether the artifact of this version exists already."""
        return self.workspace.artifacts.folder(self.asset, self.window_key, self.version) is not None


Report = Mapping[str, Any]
Reads = Sequence[tuple[str, str]]
Made = tuple[Record, str]
"""What was made of a window, and whether that was in this run."""


@retried_after_io_errors
def make(
    context: dg.AssetExecutionContext,
    workspace: Workspace,
    asset: str,
    *,
    reads: Callable[[str], Reads],
    settings: Callable[[str], Any],
    code: str,
    exists: Callable[[Step], bool],
    build: Callable[[Step], Report],
    window_key: str | None = None,
) -> dg.MaterializeResult[None]:
    """The materialisation of `asset`, made by `build` unless what exists is current; in a run over a range, window by window.

    Args:
        reads: window key -> what is read, as (asset, window key); their versions enter this one's.
        settings: window key -> whatever of the profile changes the outcome; must be serialisable.
        code: digest of the asset's code, see `code_version`.
        exists: whether the output of the step's version is there.
        build: makes the output and returns the report: what the asset's page shows.

    Raises:
        MissingInputError: something that is read hasn't been made.
        DataError: a blocking check of what is read failed, or of what that was made from; or it hasn't been run on what is read.
        AttributionError: some windows of a range failed, for such reasons; the others are made.
    """
    forced = context.run.tags.get(FORCE_TAG) == "true"

    def make_window(key: str) -> Made:
        def waits(place: str) -> None:
            workspace.progress.start(f"{asset} {key}: waits for another run, at {place}")

        with (
            tagged(asset=asset, window=key, run=context.run_id),
            workspace.locks.making((asset, key), reads(key), waits),
        ):
            return make_tagged(key)

    def make_tagged(key: str) -> Made:
        read = _versions(workspace, asset, key, reads(key))
        admit(workspace, read, f"{asset} of window {key} is not made")
        inputs = {f"{name}@{window}": version for (name, window), version in read.items()}
        bounds = [] if key == WHOLE else [str(workspace.window(key).start), str(workspace.window(key).end)]
        target = digest(asset, key, code, settings(key), bounds, inputs)
        # Files of a version are never rewritten, so what is forced is a version of its own.
        version = digest(target, context.run_id) if forced else target
        step = Step(
            workspace=workspace,
            asset=asset,
            window_key=key,
            version=version,
            inputs=inputs,
            run_id=context.run_id,
            attempt=context.retry_number + 1,
        )
        workspace.progress.start(f"{asset} {key}")
        known = workspace.artifacts.record(asset, key)
        if known is not None and known.target == target and not forced and exists(replace(step, version=known.version)):
            workspace.progress.finish(CURRENT)
            return known, "current: made before from the same inputs, code and settings"
        record = Record(version=version, target=target, inputs=inputs, report=build(step), run_id=context.run_id)
        workspace.artifacts.save_record(asset, key, record)
        workspace.progress.finish("done")
        return record, "made in this run"

    keys = [window_key] if window_key else list(context.partition_keys)
    if len(keys) == 1:
        return _result(*make_window(keys[0]), asset_page(workspace, asset, keys[0]))
    return _range_result(_make_range(context, asset, keys, make_window))


def _make_range(
    context: dg.AssetExecutionContext, asset: str, keys: Sequence[str], make_window: Callable[[str], Made]
) -> dict[str, Made]:
    """What each window came to; one that fails does not keep the others from being made.

    Raises:
        AttributionError: some failed, each for its reason. Dagster is told of those that were made: it keeps nothing else of a failed step.
    """
    made: dict[str, Made] = {}
    failed: dict[str, AttributionError] = {}
    for key in keys:
        try:
            made[key] = make_window(key)
        except AttributionError as error:
            failed[key] = error
    if not failed:
        return made
    for key, (record, status) in made.items():
        tags = {DATA_VERSION_TAG: record.version}
        context.log_event(
            dg.AssetMaterialization(context.asset_key, partition=key, metadata={"status": status}, tags=tags)
        )
    reasons = "\n".join(f"window {key}: {error}" for key, error in failed.items())
    raise AttributionError(
        f"{asset}: {len(failed)} of {len(keys)} windows failed, and what comes after it is made of none. Mend the cause, or leave "
        f"{', '.join(failed)} out of the selection, and launch it again: what is made is current.\n{reasons}"
    ) from next(iter(failed.values()))


@cache
def code_version(*names: str) -> str:
    """Digest of the code behind an asset: files or folders of the package, or `sql/...`."""
    digest = hashlib.sha256()
    for name in names:
        root = sql_folder() / name.removeprefix("sql/") if name.startswith("sql/") else PACKAGE / name
        for path in _files(root):
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _files(root: Path) -> Iterable[Path]:
    if root.is_file():
        return [root]
    files = sorted(p for p in root.rglob("*") if p.suffix in {".py", ".sql", ".yaml"})
    if not files:
        raise FileNotFoundError(f"no code at {root}")
    return files


def _versions(workspace: Workspace, asset: str, key: str, reads: Reads) -> dict[tuple[str, str], str]:
    """What is read, as (asset, window key) -> version."""
    found = {place: workspace.artifacts.record(*place) for place in reads}
    for name, window in (place for place, record in found.items() if record is None):
        dataset = workspace.profile.name
        partition = "" if window == "all" else f" --partition {window}"
        raise MissingInputError(
            f"{asset} of window {key} reads {name} of window {window}, which has not been made. "
            f"Make it with `attribution run --dataset {dataset} --window {key}`, which makes the look-back too, "
            f"or with `dg launch --assets key:{dataset}/{name}{partition}`."
        )
    versions = {place: record.version for place, record in found.items() if record is not None}
    for table, name, window in unrecorded_tables(workspace, versions):
        raise DataError(
            f"{asset} of window {key} is not made: table {table} of window {window} is not the one that {name} recorded. A run did not "
            f"finish, or a user was forgotten since. Materialise {name} again."
        )
    return versions


def digest(*parts: Any) -> str:
    """A short digest of JSON-able values."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _result(record: Record, status: str, page: str | None) -> dg.MaterializeResult[None]:
    metadata = {_DAGSTERS_NAMES.get(name, name): _metadata(value) for name, value in record.report.items()}
    if page is not None:
        metadata["checks"] = dg.MetadataValue.path(page)
    return dg.MaterializeResult(metadata={"status": status, **metadata}, data_version=dg.DataVersion(record.version))


def _range_result(made: Mapping[str, Made]) -> dg.MaterializeResult[None]:
    """Of a run over a range Dagster keeps one materialisation for all its windows: what each of them came to is listed."""
    lines = [f"| {key} | {status} | {record.version} |" for key, (record, status) in made.items()]
    return dg.MaterializeResult(
        metadata={"windows": dg.MetadataValue.md("\n".join(["| window | | version |", "|---|---|---|", *lines]))}
    )


def _metadata(value: Any) -> Any:
    """A report's value as Dagster metadata. Reports are JSON: pictures, tables, links and lineage are one-key mappings."""
    if isinstance(value, Mapping) and len(value) == 1:
        ((kind, content),) = value.items()
        if kind == "markdown":
            return dg.MetadataValue.md(content)
        if kind == "path":
            return dg.MetadataValue.path(content)
        if kind == "url":
            return dg.MetadataValue.url(content)
        if kind == "lineage":
            return _lineage(content)
    return dg.MetadataValue.json(value) if isinstance(value, Mapping | list) else value


def _lineage(origins: Mapping[str, Sequence[tuple[str, str]]]) -> dg.TableColumnLineage:
    return dg.TableColumnLineage(
        {
            column: [dg.TableColumnDep(dg.AssetKey(asset.split("/")), name) for asset, name in found]
            for column, found in origins.items()
        }
    )
