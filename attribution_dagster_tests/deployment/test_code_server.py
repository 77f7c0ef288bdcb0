"""The code server as the image starts it, loaded by a web server over gRPC, as compose.yaml does; history in sqlite and in Postgres."""

import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from attribution_dagster_tests.deployment.project import DEPLOY, ROOT, command, load
from attribution_dagster_tests.deployment.servers import BIN, HANGING_S, free_port, postgres, server

CANARY = "canary-7f3e9b1d"
QUERY = """{
  instance { info hasInfo }
  workspaceOrError { ... on Workspace { locationEntries { name loadStatus locationOrLoadError {
    __typename
    ... on PythonError { message }
    ... on RepositoryLocation { repositories { assetNodes { assetKey { path } } jobs { name } } }
  } } } }
}"""


@pytest.fixture(scope="module")
def code_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """Port and log of the server that the Dockerfile's CMD starts, found alive by the Dockerfile's HEALTHCHECK."""
    root, port = tmp_path_factory.mktemp("code"), str(free_port())
    environment = {**os.environ, "ATTRIBUTION_HOME": str(root / "home"), "PGPASSWORD": CANARY, "PYTHONPATH": str(ROOT)}

    def on_port(words: list[str]) -> list[str]:
        return [
            str(BIN / words[0]),
            *(port if before == "--port" else word for before, word in pairwise(words)),
        ]

    def healthy() -> bool:
        check = subprocess.run(on_port(command("HEALTHCHECK")), capture_output=True, env=environment, timeout=HANGING_S)
        return check.returncode == 0

    log = root / "code.log"
    with server(on_port(command("CMD")), environment=environment, log=log, ready=healthy, folder=root):
        yield int(port), log


@pytest.mark.parametrize("storage", ["sqlite", "postgres"])
def test_web_server_loads_the_location_from_the_code_server(
    storage: str, code_server: tuple[int, Path], tmp_path: Path
) -> None:
    code_port, code_log = code_server
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ATTRIBUTION_")}
    shutil.copy(DEPLOY / "dagster.yaml" if storage == "postgres" else ROOT / "dagster.yaml", tmp_path)
    workspace = load("workspace.yaml")
    workspace["load_from"][0]["grpc_server"] |= {"host": "127.0.0.1", "port": code_port}
    (tmp_path / "workspace.yaml").write_text(yaml.safe_dump(workspace))
    with ExitStack() as stack:
        if storage == "postgres":
            settings = load("compose.yaml")["services"]["webserver"]["environment"] | {
                "DAGSTER_HOME": str(tmp_path),
                "DAGSTER_STATE": str(tmp_path / "state"),
                "DAGSTER_POSTGRES_HOST": "127.0.0.1",
                "DAGSTER_POSTGRES_PASSWORD": CANARY,
            }
            user, database = settings["DAGSTER_POSTGRES_USER"], settings["DAGSTER_POSTGRES_DB"]
            port = stack.enter_context(postgres(user=user, password=CANARY, database=database))
            environment |= settings | {"DAGSTER_POSTGRES_PORT": str(port)}
        else:
            environment["DAGSTER_HOME"] = str(tmp_path)
        web_port, log = free_port(), tmp_path / "web.log"
        words = load("compose.yaml")["services"]["webserver"]["command"]
        given = {
            "0.0.0.0": "127.0.0.1",
            "3000": str(web_port),
            "/opt/dagster/workspace.yaml": str(tmp_path / "workspace.yaml"),
        }
        stack.enter_context(
            server(
                [str(BIN / words[0]), *(given.get(word, word) for word in words[1:])],
                environment=environment,
                log=log,
                ready=lambda: _answers(web_port),
                folder=tmp_path,
            )
        )
        answer = _graphql(web_port, QUERY)
        (entry,) = answer["workspaceOrError"]["locationEntries"]
        assert entry["name"] == "attribution" and entry["loadStatus"] == "LOADED"
        (repository,) = entry["locationOrLoadError"]["repositories"]
        assets = {tuple(node["assetKey"]["path"]) for node in repository["assetNodes"]}
        assert ("marketplace", "source") in assets and ("marketplace", "no_funnel", "trained_model") in assets
        assert {job["name"] for job in repository["jobs"]} >= {"marketplace_prepare", "marketplace_explain_no_funnel"}
        kept_in = "PostgresEventLogStorage" if storage == "postgres" else "SqliteEventLogStorage"
        assert kept_in in answer["instance"]["info"], answer["instance"]["info"]
        shown = json.dumps(answer) + log.read_text() + code_log.read_text()
        assert CANARY not in shown and "Traceback" not in shown


def test_a_wrong_setting_keeps_the_code_server_from_starting_by_name(tmp_path: Path) -> None:
    words = [str(BIN / command("CMD")[0]), *command("CMD")[1:]]
    words[words.index("--port") + 1] = str(free_port())
    environment = {**os.environ, "ATTRIBUTION_THREADS": "two", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=HANGING_S, cwd=tmp_path)
    assert done.returncode != 0
    assert "ATTRIBUTION_THREADS='two' is not a whole number of at least 1" in done.stdout + done.stderr


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/server_info", timeout=HANGING_S) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _graphql(port: int, query: str) -> dict[str, Any]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql",
        data=json.dumps({"query": query}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=HANGING_S) as answer:
        found = json.loads(answer.read())
    assert "errors" not in found, found
    return dict(found["data"])
