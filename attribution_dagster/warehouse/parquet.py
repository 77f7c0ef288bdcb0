"""What the warehouses have in common whose tables are Parquet files: the books, what is read and written, what is removed.

An engine brings the source, and the statements. Files lie in the same places whatever wrote them, so that one engine
reads what another wrote.
"""

import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import product
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from attribution_dagster.datasets.profile import ROLES, Profile
from attribution_dagster.errors import MissingInputError
from attribution_dagster.warehouse.ddl import Table, table_definition
from attribution_dagster.warehouse.forgetting import Forgettable
from attribution_dagster.warehouse.parts import rows_of
from attribution_dagster.warehouse.protocol import Forgotten, Manifest, Scope
from attribution_dagster.warehouse.queries import Query
from attribution_dagster.warehouse.slices import SliceStore, remove_stale_folders
from attribution_dagster.warehouse.source import Source
from attribution_dagster.warehouse.suppression import Suppression, add_to_suppression, load_suppression

ROLES_TABLE = "event_roles"
_HISTORY = "_history"
_OF_SOURCE = {"malformed_lines", "canonical_events"}
_READS = 4


class ParquetWarehouse(ABC):
    """A `Warehouse` over a folder. Use it in a `with` block, or close it: it holds a spill folder.

    Every query sees views made from the pointers or the manifest as they are at that moment: it is of one piece, and
    threads don't get in each other's way.
    """

    def __init__(self, root: Path, profile: Profile) -> None:
        """Files lie under `root/<dataset>`."""
        self.dataset = profile.name
        self._profile = profile
        self._folder = Path(root).absolute() / profile.name
        self._slices = SliceStore(self._folder)
        self._spill: Path | None = None
        self._source_tables: frozenset[str] = frozenset()
        self._snapshots: set[str] = set()

    def __enter__(self) -> Self:
        """The warehouse itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close it."""
        self.close()

    @abstractmethod
    def attach_source(self, source: Source) -> None:
        """Make `raw_events`, `raw_<extra>`, `malformed_lines` and `canonical_events` readable."""

    @abstractmethod
    def describe_table(self, name: str) -> tuple[tuple[str, ...], str]:
        """Columns of a table that events can be read from, and a digest that changes when the table does."""

    @abstractmethod
    def written(self, query: Query, parameters: Mapping[str, object], table: str | None = None) -> str:
        """The statement as `build` runs it for the table, or as `fetch` does, with the parameters' values in it."""

    @abstractmethod
    def _fetch(self, query: Query, parameters: Mapping[str, object], scope: Scope) -> pa.Table:
        """The result, whole. OSError where a file could not be read."""

    @abstractmethod
    def _batches(self, query: Query, parameters: Mapping[str, object], scope: Scope) -> Iterator[object]:
        """The schema of the result first, then its batches; everything is let go of with the generator."""

    @abstractmethod
    def _write(self, definition: Table, query: Query, parameters: Mapping[str, object], path: Path) -> None:
        """Write the result, as the table's types, to a file or a folder."""

    def fetch(self, query: Query, parameters: Mapping[str, object], scope: Scope = "work") -> pa.Table:
        """The result of a query, whole."""
        query.check(parameters)
        for _ in range(_READS - 1):
            # A file was deleted after its name was read: a user was forgotten, a window removed. Now there is a new name, or none.
            with suppress(OSError):
                return self._fetch(query, parameters, scope)
        return self._fetch(query, parameters, scope)

    def stream(self, query: Query, parameters: Mapping[str, object], scope: Scope = "work") -> pa.RecordBatchReader:
        """The result of a query, batch by batch; memory does not grow with it."""
        query.check(parameters)
        batches = self._batches(query, parameters, scope)
        return pa.RecordBatchReader.from_batches(next(batches), batches)

    def build(self, table: str, window_key: str, version: str, query: Query, parameters: Mapping[str, object]) -> int:
        """Write a slice from a query and make it current; its number of rows."""
        query.check(parameters)
        definition = table_definition(table)
        rows = self._slices.rows(table, window_key, version)
        if rows is not None:
            self._slices.point(table, window_key, version)
            return rows
        with self._slices.writing(table, window_key, version) as path:
            self._write(definition, query, parameters, path)
            return rows_of(path)

    def load(self, table: str, window_key: str, version: str, batches: Iterable[pa.RecordBatch]) -> int:
        """Write a slice from Arrow batches and make it current; its number of rows."""
        definition, rows = table_definition(table), 0
        with (
            self._slices.writing(table, window_key, version) as path,
            pq.ParquetWriter(path, definition.schema) as writer,
        ):
            for batch in batches:
                writer.write_batch(definition.fitted(batch))
                rows += batch.num_rows
        return rows

    def current(self, table: str, window_key: str) -> str | None:
        """The version of the work slice, None where there is none."""
        return self._slices.current(table, window_key)

    def current_versions(self, tables: Iterable[str], window_keys: Iterable[str]) -> dict[tuple[str, str], str]:
        """(Table, window key) -> version of the work slice; where there is no slice, nothing."""
        found = {each: self._slices.current(*each) for each in product(set(tables), set(window_keys))}
        return {each: version for each, version in found.items() if version is not None}

    def publish(self, window_key: str, versions: Mapping[str, str], evidence: Mapping[str, object]) -> Manifest:
        """Show readers these versions of the window's tables, all at once."""
        return self._slices.publish(window_key, versions, evidence)

    def manifest(self, window_key: str) -> Manifest | None:
        """What readers see of a window, None where nothing is published."""
        return self._slices.manifest(window_key)

    def published_windows(self) -> list[str]:
        """Keys of the published windows, oldest first."""
        return self._slices.published_windows()

    def prune(self, superseded_hours: float) -> int:
        """Delete slices and snapshots superseded for longer than this; how many."""
        removed = self._slices.prune(superseded_hours)
        remove_stale_folders(self._folder / "spill", self._own_spill(), max(superseded_hours, 24))
        return removed + remove_stale_folders(self._folder / "source", self._snapshots, superseded_hours)

    def suppression(self) -> Suppression:
        """The list of users whom reading the source leaves out."""
        return load_suppression(self._folder)

    def forget(self, user_id: str) -> Forgotten:
        """Take the user's rows out of every file, and keep the user out from now on.

        The list comes first: whatever happens after it, nothing that is written from then on holds the user.
        """
        add_to_suppression(self._folder, user_id)
        # A snapshot is a copy of the person's own file, made again when it is needed.
        shutil.rmtree(self._folder / "source", ignore_errors=True)
        remove_stale_folders(self._folder / "spill", self._own_spill(), 0)
        return self._slices.forget(Forgettable(user_id=user_id))

    def window_keys(self, unchanged_hours: float = 0) -> list[str]:
        """Keys of the windows of which anything is stored, oldest first; only those in which nothing changed for so long."""
        return self._slices.window_keys(unchanged_hours)

    def remove_window(self, window_key: str) -> int:
        """Delete all slices of a window, and what readers see of it; how many slices."""
        return self._slices.remove_window(window_key)

    def close(self) -> None:
        """Remove what was spilled."""
        if self._spill is not None:
            shutil.rmtree(self._spill, ignore_errors=True)
            self._spill = None

    def _spill_folder(self) -> Path:
        """A folder of this object's own, for what does not fit into memory."""
        if self._spill is None:
            (self._folder / "spill").mkdir(parents=True, exist_ok=True)
            self._spill = Path(tempfile.mkdtemp(dir=self._folder / "spill"))
        return self._spill

    def _own_spill(self) -> set[str]:
        return {self._spill.name} if self._spill else set()

    def _files(self, query: Query, scope: Scope) -> dict[str, tuple[Table, Sequence[Path]]]:
        """The query's tables that lie in files, and which files: the current ones, or those of the latest published window.

        `<table>_history` is the table in all published windows.
        """
        if scope == "work":
            return {
                table: (table_definition(table), self._slices.current_files(table)) for table in self._stored(query)
            }
        manifests = [m for m in map(self.manifest, self.published_windows()) if m is not None]
        found: dict[str, tuple[Table, Sequence[Path]]] = {}
        for table in self._stored(query):
            stem = table.removesuffix(_HISTORY)
            chosen = manifests if table.endswith(_HISTORY) else manifests[-1:]
            slices = [m.tables[stem] for m in chosen if stem in m.tables]
            found[table] = table_definition(stem), self._slices.published_files(slices)
        return found

    def _stored(self, query: Query) -> list[str]:
        """The query's tables that lie in files: all but the source's and the roles."""
        unattached = {name for name in query.tables if name.startswith("raw_")} | _OF_SOURCE
        missing = sorted(query.tables & unattached - self._source_tables)
        if missing:
            raise MissingInputError(f"query {query.name} reads {', '.join(missing)}: attach the dataset's source first")
        return sorted(query.tables - self._source_tables - {ROLES_TABLE})


def roles_table(profile: Profile) -> pa.Table:
    """The profile's roles as a table: `event_type`, and `is_<role>` for each role."""
    by_type = profile.roles.event_types()
    columns = {f"is_{role}": pa.array([roles[role] for roles in by_type.values()], pa.bool_()) for role in ROLES}
    return pa.table({"event_type": pa.array(list(by_type), pa.string()), **columns})
