import os
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings
from sqlalchemy import event
from sqlalchemy.engine import Engine

# Small models gain nothing from threads, and two test workers share two cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
os.environ.setdefault("MPLBACKEND", "Agg")
for name in [n for n in os.environ if n.startswith("ATTRIBUTION_")]:
    del os.environ[name]
os.environ.pop("DAGSTER_HOME", None)
# A script that runs the suite in the background has it ignore SIGINT. Dagster then ignores SIGTERM, as does all that it starts from a thread,
# which it waits a minute for to end.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# Its defaults fail what takes long, as the first example does that imports scipy on a busy machine. The same examples each time:
# a test that fails now and then would stop whoever changed something else.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True, print_blob=True
)
settings.load_profile("any machine")

LONG = ("test_backfill.py", "test_whole_graph.py", "test_ui.py", "test_hostile_names.py")
"""Those that take longest."""


@event.listens_for(Engine, "connect")
def _do_not_wait_for_the_disk(connection: Any, _: object) -> None:
    """What Dagster and MLflow log in SQLite outlives a killed process without it; only a power failure does it not, which no test is about."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous=OFF")


_migrate: list[Callable[[Engine], None]] = []
_migrated: list[bytes] = []


def pytest_runtest_setup() -> None:
    """A new MLflow store is a copy of the worker's first one: some forty migrations take a second of processor time each time."""
    utils = sys.modules.get("mlflow.store.db.utils")
    if utils is not None and not _migrate:
        _migrate.append(utils._initialize_tables)
        utils._initialize_tables = _make_mlflow_tables


def _make_mlflow_tables(engine: Engine) -> None:
    if engine.dialect.name != "sqlite" or not _migrated:
        _migrate[0](engine)
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection, closing(sqlite3.connect(":memory:")) as first:
            store: Any = connection.connection.dbapi_connection
            if _migrated:
                first.deserialize(_migrated[0])
                first.backup(store)
            else:
                _migrated.append(store.serialize())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of `LONG` come first: one begun last would keep a worker waiting.

    Workers take whole files (`--dist loadfile`), so that none builds again what a file's tests share.
    """
    places = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path.name, len(LONG)))


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Any]) -> Path:
    """The folder `name`, in which `make` was called once for all workers."""
    is_worker = "PYTEST_XDIST_WORKER" in os.environ
    base = factory.getbasetemp().parent if is_worker else factory.getbasetemp()
    root: Path = base / name
    with FileLock(base / f"{name}.lock"):
        if not (root / "done").exists():
            make(root)
            (root / "done").touch()
    return root


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The small dataset, run to its publication once for all workers. Tests read it; those that break something copy it."""
    from attribution_dagster.cli.launch import launch
    from attribution_dagster_tests.pipeline.small import own_dagster_home, small_workspace

    def make(root: Path) -> None:
        with own_dagster_home(root):
            launch(small_workspace(root), None)

    root = made_once(tmp_path_factory, "published", make)
    with own_dagster_home(root):
        workspace = small_workspace(root)
        yield workspace
        workspace.warehouse.close()


@pytest.fixture(scope="session")
def published_experiment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The same of the small experiment."""
    from attribution_dagster_tests.uplift.shop import made, shop

    def make(root: Path) -> None:
        result = made(shop(root))
        assert result.success, [event.event_specific_data for event in result.all_events if event.is_failure]

    workspace = shop(made_once(tmp_path_factory, "experiment", make))
    yield workspace
    workspace.warehouse.close()


@pytest.fixture(scope="session")
def published_ads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The same of the small dataset of ads."""
    from attribution_dagster_tests.journeys.small import publish, small_ads

    workspace = small_ads(made_once(tmp_path_factory, "ads", lambda root: publish(small_ads(root))))
    yield workspace
    workspace.warehouse.close()
