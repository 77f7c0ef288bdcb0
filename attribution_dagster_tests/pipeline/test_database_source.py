"""A dataset whose events are in a database: the same sessions as from files, tried again after a failure, the password nowhere."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa

from attribution_dagster import retries
from attribution_dagster.cli.doctor import examine
from attribution_dagster.cli.launch import launch
from attribution_dagster.core.simulation.marketplace import simulate_marketplace
from attribution_dagster.datasets.profile import Profile
from attribution_dagster.errors import AttributionError, ConfigurationError
from attribution_dagster.resources.database_source import copy_folder, update_copy
from attribution_dagster.resources.progress import LoggedProgress
from attribution_dagster.resources.workspace import WHOLE, Workspace, open_workspace
from attribution_dagster.settings import Settings
from attribution_dagster.warehouse.database import DatabaseTable
from attribution_dagster.warehouse.queries import parse_query
from attribution_dagster_tests.pipeline.small import (
    PROFILE,
    WINDOWS,
    materialise,
    own_dagster_home,
    small_environment,
    small_workspace,
)
from attribution_dagster_tests.warehouse.databases import ENCODED, PASSWORD, VARIABLE, needed_server_url

SESSIONS = parse_query("sessions", "SELECT * FROM sessions ORDER BY session_id")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    simulate_marketplace(folder, users=60, weeks=3, start=date(2025, 1, 6), seed=3)
    return folder / "events"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, world: Path) -> Iterator[str]:
    """The address of a database with the world's events in it."""
    events = pd.concat(pd.read_parquet(path) for path in sorted(world.glob("*.parquet")))
    events["event_at"] = pd.to_datetime(events["event_at"])

    def filled(address: str) -> str:
        engine = sa.create_engine(address.replace("postgresql:", "postgresql+psycopg2:"))
        events.to_sql("shop events", engine, index=False)
        engine.dispose()
        return address

    if request.param == "sqlite":
        yield filled(f"sqlite:///{tmp_path_factory.mktemp('sqlite')}/shop.db")
        return
    with needed_server_url(request.param) as found:
        yield filled(found)


@pytest.fixture(scope="module")
def wanted(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[pa.Table]:
    """The sessions of the world's files."""
    workspace = small_workspace(tmp_path_factory.mktemp("files"), events=str(world))
    made = sessions_of(workspace)
    assert made.num_rows > 100
    yield made
    workspace.warehouse.close()


def sessions_of(workspace: Workspace) -> pa.Table:
    """All sessions, after the steps that they need."""
    materialise(workspace, ["source"], [None])
    materialise(workspace, ["events", "sessions"], WINDOWS)
    return workspace.warehouse.fetch(SESSIONS, {})


def database_workspace(root: Path, url: str) -> Workspace:
    source = f"database: {{url_variable: {VARIABLE}, table: shop events, resume_by: event_at}}"
    text = PROFILE.replace("simulate: {{users: {users}, seed: {seed}}}", source.replace("{", "{{").replace("}", "}}"))
    (root / "datasets").mkdir()
    (root / "datasets" / "small.yaml").write_text(text.format(end="2025-01-27"))
    return open_workspace(
        "small", Settings.from_environment(small_environment(root) | {VARIABLE: url}), LoggedProgress()
    )


def test_sessions_are_those_of_the_files_also_after_failures(
    url: str, wanted: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = database_workspace(tmp_path, url)
    assert not workspace.profile.simulated  # which the files are, as their folder says
    monkeypatch.setattr(retries, "FIRST_WAIT_S", 0.01)
    failures = iter([True, True])
    real = DatabaseTable.rows_between

    def flaky(self: DatabaseTable, *bounds: object) -> object:
        if next(failures, False):
            raise ConnectionError("cut")
        return real(self, *bounds)  # type: ignore[arg-type]

    monkeypatch.setattr(DatabaseTable, "rows_between", flaky)
    assert sessions_of(workspace) == wanted
    assert next(failures, None) is None, "nothing was tried again"
    made = workspace.artifacts.record("source", WHOLE)
    materialise(workspace, ["source"], [None])
    assert made is not None and workspace.artifacts.record("source", WHOLE) == made  # nothing has changed
    assert examine(workspace.settings, "small").coverage.n_rows == made.report["rows"]
    workspace.warehouse.close()


def test_a_forgotten_user_leaves_the_copy_and_is_not_copied_again(url: str, tmp_path: Path) -> None:
    from attribution_dagster.assets.forgetting import forget_user

    workspace = database_workspace(tmp_path, url)
    profile, settings = workspace.profile, workspace.settings
    update_copy(profile, settings, workspace.warehouse.suppression(), LoggedProgress())
    folder = copy_folder(profile, settings)
    user = users(folder)[0]
    forget_user(workspace, user)
    assert user not in users(folder)
    update_copy(profile, settings, workspace.warehouse.suppression(), LoggedProgress(), date(2025, 1, 6))
    assert user not in users(folder) and len(users(folder)) > 10
    workspace.warehouse.close()


def users(folder: Path) -> list[str]:
    return sorted(pd.concat(pd.read_parquet(path) for path in folder.glob("*.parquet"))["user_id"].dropna().unique())


def test_a_password_that_is_refused_is_told_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "FIRST_WAIT_S", 0.01)
    workspace = database_workspace(tmp_path, f"postgresql://reader:{ENCODED}@127.0.0.1:1/shop")
    assert PASSWORD in workspace.settings.secrets and "canary" not in repr(workspace.settings)
    with own_dagster_home(tmp_path), pytest.raises(AttributionError, match=f"{VARIABLE} .*does not answer") as told:
        launch(workspace, None)
    assert "canary" not in str(told.value)
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any("history" in str(path) for path in written)
    assert [path for path in written if b"canary" in path.read_bytes()] == []


def test_an_address_that_is_not_set_is_named(tmp_path: Path) -> None:
    workspace = database_workspace(tmp_path, "")
    with pytest.raises(ConfigurationError, match=f"dataset small: {VARIABLE} is not set"):
        update_copy(workspace.profile, workspace.settings, workspace.warehouse.suppression(), LoggedProgress())


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ({"path": "x.csv", "database": {"url_variable": VARIABLE, "table": "t", "resume_by": "c"}}, "database stands alone: take out path"),
        ({"database": {"url_variable": "postgresql://u:p@h/d", "table": "t", "resume_by": "c"}}, "name a variable of the environment"),
        ({"database": {"url_variable": "ATTRIBUTION_X_URL", "table": "t", "resume_by": "c"}}, "does not begin with ATTRIBUTION_"),
    ],
)  # fmt: skip
def test_a_source_that_cannot_be_is_refused(source: dict[str, object], told: str, tmp_path: Path) -> None:
    content = database_workspace(tmp_path, "").profile.model_dump(exclude_unset=True)
    with pytest.raises(ValueError, match=told):
        Profile.model_validate(content | {"source": source})
