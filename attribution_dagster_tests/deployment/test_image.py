"""The Dockerfile, as far as it can be tried without Docker: what it copies is there, what it installs is locked, what it starts exists."""

import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import distribution, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from attribution_dagster.datasets.registry import BUILT_IN
from attribution_dagster.settings import Settings
from attribution_dagster_tests.deployment.project import ROOT, command, dockerfile
from attribution_dagster_tests.deployment.servers import HANGING_S

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PINS = {
    canonicalize_name(name): pinned
    for name, pinned in (line.split("==") for line in (ROOT / "constraints.txt").read_text().split())
}


def runs() -> list[str]:
    return [part.strip() for name, rest in dockerfile() if name == "RUN" for part in rest.split("&&")]


def test_it_is_slim_of_the_projects_python_and_ends_as_a_user_without_rights() -> None:
    instructions = dockerfile()
    assert instructions[0] == ("FROM", "python:3.11-slim")
    assert PYPROJECT["project"]["requires-python"].startswith(">=3.11")
    (user,) = [rest for name, rest in instructions if name == "USER"]
    assert any(step.startswith("useradd ") and step.endswith(f" {user}") for step in runs()) and user != "root"
    names = [name for name, _ in instructions]
    assert names.index("USER") > max(i for i, name in enumerate(names) if name in ("RUN", "COPY"))


def test_what_it_copies_exists_and_reaches_the_build() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    sources = [word for name, rest in dockerfile() if name == "COPY" for word in rest.split()[:-1]]
    assert set(sources) == allowed
    assert all((ROOT / source).exists() for source in sources)


def test_everything_installed_is_pinned_and_the_pins_are_what_the_tests_run_on() -> None:
    installs = [step for step in runs() if step.startswith("pip install")]
    assert (
        all("--constraint constraints.txt" in step or "--no-deps" in step for step in installs) and len(installs) == 2
    )
    wanted, seen = _requirements(), set()
    while wanted:
        requirement = wanted.pop()
        name = canonicalize_name(requirement.name)
        if (name, *sorted(requirement.extras)) in seen:
            continue
        seen.add((name, *sorted(requirement.extras)))
        assert name in PINS, f"{name} is installed but not in constraints.txt"
        assert version(name).split("+")[0] == PINS[name]
        for line in distribution(name).requires or []:
            each = Requirement(line)
            if each.marker is None or any(each.marker.evaluate({"extra": e}) for e in (*requirement.extras, "")):
                wanted.append(each)
    assert len(seen) > 100


def test_its_list_of_requirements_is_the_projects() -> None:
    (script,) = [step for step in runs() if step.startswith("python -c")]
    code = re.fullmatch(r'python -c "(.*)" > requirements.txt', script)
    assert code is not None
    done = subprocess.run([sys.executable, "-c", code[1]], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:-1] == [str(line) for line in _lines()]


def test_the_wheel_carries_the_sql_and_the_datasets(tmp_path: Path) -> None:
    # With the installed backend: a test must not need a download.
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        ".",
        "--no-deps",
        "--no-build-isolation",
        "--quiet",
        "-w",
        str(tmp_path),
    ]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, timeout=HANGING_S, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    expected = {f"attribution_dagster/{path.relative_to(ROOT)}" for path in (ROOT / "sql").rglob("*.sql")}
    expected |= {f"attribution_dagster/datasets/{path.name}" for path in BUILT_IN.glob("*.yaml")}
    assert expected <= names
    assert not [name for name in names if name.startswith("attribution_dagster_tests")]


def test_it_starts_the_projects_code_location_and_looks_at_the_same_port() -> None:
    start, look = command("CMD"), command("HEALTHCHECK")
    assert start[start.index("--module-name") + 1] == PYPROJECT["tool"]["dg"]["project"]["code_location_target_module"]
    ports = {words[words.index("--port") + 1] for words in (start, look)}
    assert ports == {rest for name, rest in dockerfile() if name == "EXPOSE"}


def test_its_environment_is_one_that_the_settings_accept() -> None:
    pairs = dict(pair.split("=", 1) for name, rest in dockerfile() if name == "ENV" for pair in rest.split())
    settings = Settings.from_environment(pairs)
    volumes = {rest for name, rest in dockerfile() if name == "VOLUME"}
    assert {str(settings.home)} == volumes and str(settings.exports).startswith(str(settings.home))
    assert pairs["DAGSTER_HOME"].startswith(str(settings.home))


def _lines() -> list[str]:
    project = PYPROJECT["project"]
    extras = project["optional-dependencies"]
    return [*project["dependencies"], *extras["deploy"], *extras["postgres"], *extras["mysql"]]


def _requirements() -> list[Requirement]:
    return [Requirement(line) for line in _lines()]
