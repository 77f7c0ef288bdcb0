"""values.yaml with the real launcher and a server in the place of Kubernetes: one pod for each window and variant, as described.

The chart's templates are not run here: what they make of the values is repeated below, for the launcher and for the code location.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import yaml
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.origin import DEFAULT_DAGSTER_ENTRY_POINT, JobPythonOrigin, RepositoryPythonOrigin

from attribution_dagster.build import build_definitions
from attribution_dagster.settings import _KNOWN, Settings
from attribution_dagster_tests.deployment.answering import Asked, answering
from attribution_dagster_tests.deployment.project import ROOT, command, load

VALUES = load("values.yaml")
(DEPLOYMENT,) = VALUES["dagster-user-deployments"]["deployments"]
WINDOWS, VARIANTS = ("2025-01-20", "2025-01-27"), ("no_funnel", "with_funnel")


def cluster(jobs: list[dict[str, Any]]) -> Callable[[Asked], tuple[int, Any]]:
    """What takes Kubernetes jobs and keeps them in the list."""

    def take(asked: Asked) -> tuple[int, Any]:
        job = json.loads(asked.body)
        jobs.append({"path": asked.path, **job})
        return 201, job

    return take


def instance_yaml(root: Path, address: str) -> dict[str, Any]:
    """The instance that the chart makes of the values, with the launcher's cluster at the address."""
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
        "clusters": [{"name": "here", "cluster": {"server": address}}],
        "users": [{"name": "me", "user": {}}],
    }
    (root / "kubeconfig").write_text(yaml.safe_dump(kubeconfig))
    launcher = VALUES["runLauncher"]["config"]["k8sRunLauncher"]
    pod = launcher["runK8sConfig"]
    config = {
        "load_incluster_config": False,
        "kubeconfig_file": str(root / "kubeconfig"),
        "job_namespace": "attribution",
        "image_pull_policy": launcher["imagePullPolicy"],
        "service_account_name": "dagster",
        "dagster_home": "/opt/dagster/dagster_home",
        "instance_config_map": "dagster-instance",
        "postgres_password_secret": VALUES["global"]["postgresqlSecretName"],
        "run_k8s_config": {"container_config": pod["containerConfig"], "pod_spec_config": pod["podSpecConfig"]},
    }
    return {"run_launcher": {"module": "dagster_k8s", "class": VALUES["runLauncher"]["type"], "config": config}}


def origin(job: str) -> JobPythonOrigin:
    """What a run knows of the code server, which the chart tells about image, secrets and volumes."""
    image = f"{DEPLOYMENT['image']['repository']}:{DEPLOYMENT['image']['tag']}"
    context = {
        "env_secrets": [each["name"] for each in DEPLOYMENT["envSecrets"]],
        "env_vars": [f"{name}={value}" for name, value in DEPLOYMENT["env"].items()],
        "volumes": DEPLOYMENT["volumes"],
        "volume_mounts": DEPLOYMENT["volumeMounts"],
        "security_context": DEPLOYMENT["securityContext"],
    }
    repository = RepositoryPythonOrigin(
        executable_path=sys.executable,
        code_pointer=ModuleCodePointer("attribution_dagster.definitions", "defs"),
        container_image=image,
        entry_point=DEFAULT_DAGSTER_ENTRY_POINT,
        container_context={"k8s": context},
    )
    return JobPythonOrigin(job_name=job, repository_origin=repository)


def test_each_window_and_variant_is_a_pod_with_the_image_the_memory_the_volume_and_the_secrets(tmp_path: Path) -> None:
    definitions, jobs = build_definitions(Settings.from_environment({})), list[dict[str, Any]]()
    with answering(cluster(jobs)) as address:
        (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(instance_yaml(tmp_path, address)))
        with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
            assert instance.run_launcher.supports_check_run_worker_health, "run monitoring could not tell a dead pod"
            for window in WINDOWS:
                for variant in VARIANTS:
                    name = f"marketplace_explain_{variant}"
                    run = instance.create_run_for_job(
                        definitions.resolve_job_def(name),
                        tags={"dagster/partition": window},
                        job_code_origin=origin(name),
                    )
                    instance.launch_run(run.run_id, None)  # type: ignore[arg-type]
    assert len(jobs) == len({job["metadata"]["name"] for job in jobs}) == len(WINDOWS) * len(VARIANTS)
    for job in jobs:
        assert job["path"] == "/apis/batch/v1/namespaces/attribution/jobs" and job["spec"]["backoffLimit"] == 0
        pod = job["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert container["image"] == "registry.example.com/attribution-dagster:0.1.0"
        assert container["resources"] == {"requests": {"cpu": "2", "memory": "6Gi"}, "limits": {"memory": "6Gi"}}
        assert {"secretRef": {"name": "attribution"}} in container["envFrom"]
        assert {"name": "data", "mountPath": "/data"} in container["volumeMounts"]
        assert {"name": "data", "persistentVolumeClaim": {"claimName": "attribution-data"}} in pod["volumes"]
        assert pod["securityContext"]["runAsNonRoot"] and pod["restartPolicy"] == "Never"
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        passwords = [each for each in container["env"] if "PASSWORD" in each["name"]]
        assert [each["valueFrom"]["secretKeyRef"]["name"] for each in passwords] == ["attribution-postgres"]


def test_settings_are_accepted_and_leave_room_for_torch() -> None:
    assert set(DEPLOYMENT["env"]) <= _KNOWN
    settings = Settings.from_environment(DEPLOYMENT["env"])
    resources = VALUES["runLauncher"]["config"]["k8sRunLauncher"]["runK8sConfig"]["containerConfig"]["resources"]
    assert settings.threads == int(resources["requests"]["cpu"])
    assert settings.memory_limit == "4GB" and resources["limits"]["memory"] == "6Gi"


def test_code_is_loaded_as_the_image_loads_it() -> None:
    start = command("CMD")
    assert start[-2:] == DEPLOYMENT["dagsterApiGrpcArgs"]
    assert str(DEPLOYMENT["port"]) == start[start.index("--port") + 1]


def test_versions_are_those_of_the_project() -> None:
    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().split())
    text = (ROOT / "deploy" / "values.yaml").read_text()
    assert text.count(pins["dagster"]) == 2
    assert f'version = "{DEPLOYMENT["image"]["tag"]}"' in (ROOT / "pyproject.toml").read_text()
