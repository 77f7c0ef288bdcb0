"""One dataset's profile together with the tools its assets use."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from attribution_dagster.core.simulation.folder import LABEL
from attribution_dagster.datasets.parameters import parameters
from attribution_dagster.datasets.profile import Profile
from attribution_dagster.datasets.registry import load_profile
from attribution_dagster.datasets.windows import Window, explainable, look_back, retrain_key, window, windows
from attribution_dagster.resources.artifacts import ArtifactStore
from attribution_dagster.resources.database_source import copy_folder, is_from_database
from attribution_dagster.resources.locks import Locks
from attribution_dagster.resources.model_registry import ModelRegistry
from attribution_dagster.resources.progress import Progress
from attribution_dagster.resources.tracker import Tracker
from attribution_dagster.settings import Settings
from attribution_dagster.warehouse.ddl import table_definition
from attribution_dagster.warehouse.protocol import Warehouse
from attribution_dagster.warehouse.queries import Query, parse_query
from attribution_dagster.warehouse.registry import open_warehouse

WHOLE = "all"
"""Window key of what has no windows, such as the source."""


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """What an asset of one dataset works with. Build it with `open_workspace`."""

    profile: Profile
    settings: Settings
    warehouse: Warehouse
    artifacts: ArtifactStore
    locks: Locks
    tracker: Tracker
    registry: ModelRegistry
    progress: Progress

    def window(self, key: str) -> Window:
        """The window of that key; ConfigurationError if it starts no window."""
        return window(self.profile, key, until=_now())

    def windows(self) -> list[Window]:
        """All windows of the dataset up to now."""
        return windows(self.profile, until=_now())

    def explainable(self) -> list[Window]:
        """The windows that have a full look-back before them."""
        return explainable(self.profile, until=_now())

    def look_back(self, key: str) -> list[str]:
        """Keys of the windows that train the model of window `key`, oldest first."""
        return [w.key for w in look_back(self.profile, key, until=_now())]

    def retrain_key(self, key: str) -> str:
        """The window whose model explains window `key`."""
        return retrain_key(self.profile, key, until=_now())

    def fetch(self, query: Query, key: str, **more: object) -> pa.Table:
        """The result of a query about one window; `more` gives the parameters that neither profile nor window knows."""
        return self.warehouse.fetch(query, self.bound(query, key, **more))

    def bound(self, query: Query, key: str, **more: object) -> dict[str, object]:
        """The values of the query's parameters for one window."""
        return parameters(self.profile, self.window(key), query.parameters, more)

    def slice_of(self, table: str, key: str) -> pa.Table:
        """A table's work slice of one window, whole; for tables of a few hundred rows."""
        columns = ", ".join(column.name for column in table_definition(table).columns)
        query = parse_query(table, f"SELECT {columns} FROM {table} WHERE window_start = :window_start")
        return self.fetch(query, key)


def open_workspace(name: str, settings: Settings, progress: Progress) -> Workspace:
    """The workspace of dataset `name`; nothing is read or written before an asset asks."""
    profile = load_profile(name, settings.dataset_folders)
    events = settings.events.get(name) or (profile.source.path if profile.source else None)
    if is_from_database(profile, settings):
        events = str(copy_folder(profile, settings))
    if events is not None and is_simulated(Path(events)) != profile.simulated:
        title = f"{name}: own events" if profile.simulated else profile.title
        profile = profile.model_copy(update={"simulated": not profile.simulated, "title": title})
    return Workspace(
        profile=profile,
        settings=settings,
        warehouse=open_warehouse(name, settings),
        artifacts=ArtifactStore(settings.home / "artifacts", name, settings.home / "cache"),
        locks=Locks(settings.home / "locks" / name),
        tracker=Tracker(settings.mlflow_tracking_uri, settings.home / "mlflow"),
        registry=ModelRegistry(settings.mlflow_tracking_uri, name),
        progress=progress,
    )


def is_simulated(events: Path) -> bool:
    """Whether the events were written by this package's simulator, which labels its folders."""
    return any((folder / LABEL).is_file() for folder in (events, events.parent, events.parent.parent))


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
