"""A password that the system is given turns up in no log, error, metadata, run configuration, record or MLflow store."""

import base64
import os
import shutil
import sqlite3
import subprocess
import sys
import traceback
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster_postgres.utils import DagsterPostgresException

from attribution_dagster.errors import ConfigurationError
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.settings import Settings
from attribution_dagster_tests.deployment.answering import Asked, answering
from attribution_dagster_tests.deployment.project import DEPLOY, ROOT, load
from attribution_dagster_tests.deployment.servers import HANGING_S, free_port
from attribution_dagster_tests.pipeline.small import EXPLAINED, copy_in_use

CANARY = "canary-51c0de77"


def refusing(heard: list[str]) -> Callable[[Asked], tuple[int, Any]]:
    """What lets nobody in, and notes who asks."""

    def refuse(asked: Asked) -> tuple[int, Any]:
        heard.append(asked.identity)
        return 401, None

    return refuse


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ATTRIBUTION_MLFLOW_TRACKING_URI", f"http://me:{CANARY}@127.0.0.1:5000"),
        ("ATTRIBUTION_MLFLOW_TRACKING_URI", f"https://{CANARY}@mlflow.example.com"),
        ("ATTRIBUTION_MLFLOW_TRACKING_URI", f"postgresql+psycopg2://me:{CANARY}/@127.0.0.1/mlflow"),
        ("ATTRIBUTION_MLFLOW_TRACKING_URI", f"postgresql://127.0.0.1/mlflow?user=me&password={CANARY}"),
        ("ATTRIBUTION_EVENTS_SMALL", f"s3://key:{CANARY}@bucket/events"),
        ("ATTRIBUTION_HOME", f"ftp://me:{CANARY}@host/folder"),
    ],
)
def test_a_password_in_an_address_is_refused_without_being_said(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"{name} holds a password.*MLFLOW_TRACKING_PASSWORD") as refused:
        Settings.from_environment({name: value})
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize(
    "value", ["http://mlflow:5000", "postgresql+psycopg2://me@db:5432/mlflow", "sqlite:////data/a@b.db"]
)
def test_an_address_without_a_password_is_not(value: str) -> None:
    assert Settings.from_environment({"ATTRIBUTION_MLFLOW_TRACKING_URI": value}).mlflow_tracking_uri == value


def test_a_training_that_mlflow_refuses_leaves_the_password_nowhere(published: Workspace, tmp_path: Path) -> None:
    copy_in_use(published.settings.home, tmp_path / "home")
    copy_in_use(published.settings.dataset_folders[0], tmp_path / "datasets")
    shutil.rmtree(tmp_path / "home" / "artifacts" / "small" / "artifacts" / "no_funnel" / "trained_model")
    heard: list[str] = []
    with answering(refusing(heard)) as address:
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "DAGSTER_HOME": str(tmp_path / "dagster"),
            "ATTRIBUTION_HOME": str(tmp_path / "home"),
            "ATTRIBUTION_EXPORTS": str(tmp_path / "exports"),
            "ATTRIBUTION_DATASETS": "small",
            "ATTRIBUTION_DATASET_FOLDERS": str(tmp_path / "datasets"),
            "ATTRIBUTION_THREADS": "1",
            "ATTRIBUTION_MLFLOW_TRACKING_URI": address,
            "MLFLOW_TRACKING_USERNAME": "me",
            "MLFLOW_TRACKING_PASSWORD": CANARY,
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
        }
        (tmp_path / "dagster").mkdir()
        shutil.copy(ROOT / "dagster.yaml", tmp_path / "dagster")
        launch = [sys.executable, "-m", "dagster", "asset", "materialize", "-m", "attribution_dagster.definitions"]
        command = [*launch, "--select", "key:small/no_funnel/trained_model", "--partition", EXPLAINED]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=HANGING_S, cwd=tmp_path)
    assert done.returncode != 0 and "MlflowException" in done.stdout + done.stderr, done.stderr[-2000:]
    # The password was in use, or its absence would prove nothing.
    assert f"Basic {base64.b64encode(f'me:{CANARY}'.encode()).decode()}" in heard
    assert list((tmp_path / "dagster" / "history").rglob("*.db")), "Dagster kept its events elsewhere"
    assert CANARY not in done.stdout + done.stderr
    assert holding(tmp_path) == []


def test_a_postgres_that_is_not_there_leaves_the_password_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    environment = load("compose.yaml")["services"]["daemon"]["environment"] | {
        "DAGSTER_STATE": str(tmp_path / "state"),
        "DAGSTER_POSTGRES_HOST": "127.0.0.1",
        "DAGSTER_POSTGRES_PORT": str(free_port()),
        "DAGSTER_POSTGRES_PASSWORD": CANARY,
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # between six attempts of 2 seconds each
    shutil.copy(DEPLOY / "dagster.yaml", tmp_path)
    with pytest.raises(DagsterPostgresException) as failed:
        dg.DagsterInstance.from_config(str(tmp_path))
    said = "".join(traceback.format_exception(failed.value)) + "".join(capfd.readouterr())
    assert "127.0.0.1" in said and CANARY not in said
    assert holding(tmp_path) == []


@pytest.mark.parametrize("name", ["compose.yaml", "values.yaml", "dagster.yaml"])
def test_no_file_of_the_deployment_holds_a_secret(name: str) -> None:
    def leaves(value: object, key: str = "") -> Iterator[tuple[str, str]]:
        if isinstance(value, dict):
            for inner, each in value.items():
                yield from leaves(each, str(inner))
        elif isinstance(value, list):
            for each in value:
                yield from leaves(each, key)
        else:
            yield key, str(value)

    for key, value in leaves(yaml.safe_load((DEPLOY / name).read_text())):
        if "password" in key.lower() and "secret" not in key.lower():
            assert value.startswith("${") or key == "password", f"{name}: {key}"
        assert "://" not in value or "@" not in value or ":" not in value.split("://")[1].split("@")[0], (
            f"{name}: {key}"
        )


def test_the_search_finds_what_dagster_stores_compressed(tmp_path: Path) -> None:
    @dg.op(description=CANARY)
    def step() -> None: ...

    @dg.job
    def job() -> None:
        step()

    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        job.execute_in_process(instance=instance)
    (store,) = tmp_path.rglob("runs.db")
    assert CANARY.encode() not in store.read_bytes() and holding(tmp_path) == [store]


def holding(root: Path) -> list[Path]:
    """Files that contain the canary, plain or as the header that carries it."""
    needles = [CANARY.encode(), base64.b64encode(f"me:{CANARY}".encode())]
    files = [path for path in root.rglob("*") if path.is_file()]
    return [path for path in files if any(needle in content for content in _contents(path) for needle in needles)]


def _contents(path: Path) -> Iterator[bytes]:
    """What is in the file, and what Dagster has compressed in it: the snapshots of jobs and of their configuration."""
    yield path.read_bytes()
    if path.name == "runs.db":
        with closing(sqlite3.connect(path)) as store:
            yield from (zlib.decompress(body) for (body,) in store.execute("SELECT snapshot_body FROM snapshots"))
