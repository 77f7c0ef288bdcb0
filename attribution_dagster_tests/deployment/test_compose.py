"""compose.yaml without Docker: what is published, waited for, asked after and kept secret, and that every variable is explained."""

import re
from typing import Any

import pytest

from attribution_dagster.settings import _KNOWN, Settings
from attribution_dagster_tests.deployment.project import DEPLOY, ROOT, load

SERVICES: dict[str, Any] = load("compose.yaml")["services"]
TEXT = (DEPLOY / "compose.yaml").read_text()
EXAMPLE = dict(
    line.split("=", 1) for line in (DEPLOY / ".env.example").read_text().splitlines() if re.match(r"[A-Z_]+=", line)
)


def test_only_the_two_user_interfaces_are_published_and_on_loopback_only() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"webserver": ["127.0.0.1:3000:3000"], "mlflow": ["127.0.0.1:5000:5000"]}


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_asked_for_its_health_and_waits_for_what_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["healthcheck"]["test"][0] == "CMD" and service["restart"] == "unless-stopped"
    for needed, condition in service.get("depends_on", {}).items():
        assert needed in SERVICES and condition == {"condition": "service_healthy"}
    hosts = {
        value
        for value in SERVICES
        if re.search(rf"(@|//|^){value}(:|$)", "\n".join(service["environment"].values()), re.M)
    }
    assert hosts - {name} <= _waited_for(name), "a service that it talks to may not be up yet"


def test_variables_are_those_of_the_example_and_the_password_has_no_default() -> None:
    used = set(re.findall(r"\$\{([A-Z_]+)", TEXT))
    assert used == set(EXAMPLE)
    assert set(re.findall(r"\$\{POSTGRES_PASSWORD([^}]*)\}", TEXT)) == {":?see deploy/.env.example"}
    assert EXAMPLE["POSTGRES_PASSWORD"] == ""
    assert set(re.findall(r"PASSWORD: (.*)", TEXT)) == {"${POSTGRES_PASSWORD:?see deploy/.env.example}"}
    assert "deploy/.env\n" in (ROOT / ".gitignore").read_text()


def test_defaults_are_the_examples() -> None:
    defaults = dict(re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", TEXT))
    assert defaults == {name: value for name, value in EXAMPLE.items() if name != "POSTGRES_PASSWORD"}


def test_settings_of_the_code_server_are_accepted() -> None:
    given = {name: _filled(value) for name, value in SERVICES["code"]["environment"].items()}
    settings = Settings.from_environment(
        {name: value for name, value in given.items() if name.startswith("ATTRIBUTION_")}
    )
    assert settings.mlflow_tracking_uri == "http://mlflow:5000" and settings.threads == 2
    assert {name for name in given if name.startswith("ATTRIBUTION_")} <= _KNOWN


def test_web_server_and_daemon_find_the_code_server_where_it_is() -> None:
    (location,) = load("workspace.yaml")["load_from"]
    assert location["grpc_server"]["host"] in SERVICES
    assert str(location["grpc_server"]["port"]) in SERVICES["code"]["healthcheck"]["test"]


def test_variables_of_the_instance_are_given_to_all_three_that_use_it() -> None:
    wanted = set(re.findall(r"env: ([A-Z_]+)", (DEPLOY / "dagster.yaml").read_text()))
    for name in ("code", "webserver", "daemon"):
        assert wanted <= set(SERVICES[name]["environment"])


def _waited_for(name: str) -> set[str]:
    direct = set(SERVICES[name].get("depends_on", {}))
    return direct.union(*(_waited_for(each) for each in direct))


def _filled(value: str) -> str:
    return re.sub(r"\$\{([A-Z_]+)(:[-?][^}]*)?\}", lambda found: EXAMPLE[found[1]], value)
