"""What every warehouse does: read by query, write slices (table, window, version), publish a manifest per window."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

import pyarrow as pa

from attribution_dagster.warehouse.queries import Query
from attribution_dagster.warehouse.source import Source
from attribution_dagster.warehouse.suppression import Suppression

Scope = Literal["work", "published"]


@dataclass(frozen=True, kw_only=True)
class PublishedSlice:
    """One table of a published window: which version, where it lies (relative to the dataset), how many rows."""

    version: str
    location: str
    rows: int


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What readers see of one window: all tables together, and the evidence they were published on."""

    window_key: str
    published_at: datetime  # UTC, no zone
    tables: Mapping[str, PublishedSlice]
    evidence: Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Forgotten:
    """What was taken out of the tables: rows by table, all versions together, and the windows in which something was."""

    rows: Mapping[str, int]
    windows: tuple[str, ...]


class Warehouse(Protocol):
    """Tables of one dataset. `work` is what assets write and checks read; `published` is what people read."""

    dataset: str

    def attach_source(self, source: Source) -> None:
        """Make `raw_events`, `raw_<extra>` and the view `canonical_events` readable."""

    def describe_table(self, name: str) -> tuple[tuple[str, ...], str]:
        """Columns of a table that events can be read from, and a digest that changes when the table does."""

    def fetch(self, query: Query, parameters: Mapping[str, object], scope: Scope = "work") -> pa.Table:
        """The result of a query, whole."""

    def stream(self, query: Query, parameters: Mapping[str, object], scope: Scope = "work") -> pa.RecordBatchReader:
        """The result of a query, batch by batch; close it, or read it to its end."""

    def written(self, query: Query, parameters: Mapping[str, object], table: str | None = None) -> str:
        """The statement as `build` runs it for the table, or as `fetch` does, with the parameters' values in it; nothing is opened."""

    def build(self, table: str, window_key: str, version: str, query: Query, parameters: Mapping[str, object]) -> int:
        """Write a slice from a query and make it current; its number of rows. A version once written is kept."""

    def load(self, table: str, window_key: str, version: str, batches: Iterable[pa.RecordBatch]) -> int:
        """Write a slice from Arrow batches and make it current; its number of rows. A version once written is kept."""

    def current(self, table: str, window_key: str) -> str | None:
        """The version of the work slice, None where there is none."""

    def current_versions(self, tables: Iterable[str], window_keys: Iterable[str]) -> dict[tuple[str, str], str]:
        """(Table, window key) -> version of the work slice, of all these tables in all these windows; where there is no slice, nothing."""

    def publish(self, window_key: str, versions: Mapping[str, str], evidence: Mapping[str, object]) -> Manifest:
        """Show readers these versions of the window's tables, all at once, whatever is current by then.

        Raises MissingInputError where a version is not there, and changes nothing.
        """

    def manifest(self, window_key: str) -> Manifest | None:
        """What readers see of a window, None where nothing is published."""

    def published_windows(self) -> list[str]:
        """Keys of the published windows, oldest first."""

    def prune(self, superseded_hours: float) -> int:
        """Delete slices superseded for longer than this; how many."""

    def window_keys(self, unchanged_hours: float = 0) -> list[str]:
        """Keys of the windows of which anything is stored, oldest first; only those in which nothing changed for so long."""

    def remove_window(self, window_key: str) -> int:
        """Delete all slices of a window, and what readers see of it; how many slices."""

    def forget(self, user_id: str) -> Forgotten:
        """Take the user's rows out of all slices, also those that readers see, and keep the user out from now on."""

    def suppression(self) -> Suppression:
        """The list of users whom reading the source leaves out."""

    def close(self) -> None:
        """Let go of connections and temporary files."""


RowsFunction = Callable[[Iterable[pa.RecordBatch], Any], Iterator[pa.RecordBatch]]
"""Makes rows of rows, batch by batch; takes what it shares with its copies as the second argument."""


@runtime_checkable
class Mapper(Protocol):
    """A warehouse that can run a function where the rows are, on many machines at once."""

    def map_sessions(
        self, table: str, window_key: str, version: str, query: Query, parameters: Mapping[str, object],
        function: RowsFunction, shared: object, events_per_chunk: int,
    ) -> int:  # fmt: skip
        """Write a slice from what the function makes of a query's rows, and make it current; its number of rows.

        The rows have session_id, event_index and event_at. They come with their `chunk`, ordered by it, session and index,
        whole chunks together: a session is in the chunk of so many events that its first event falls into, all sessions in
        order. `shared` is sent once to each machine.
        """


Joint = Callable[[Any], Any]
"""What each of several processes that work together runs; they find each other by what torch reads from the environment."""


@runtime_checkable
class Gatherer(Protocol):
    """A warehouse that can start processes that work together, on many machines."""

    def run_together(self, processes: int, function: Joint, argument: Any) -> Any:
        """What the function returns in the first of so many processes, each called with the argument."""
