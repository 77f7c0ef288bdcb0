"""The files that deploy the project, parsed, so that tests and servers use what stands in them."""

import json
import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def dockerfile() -> list[tuple[str, str]]:
    """The Dockerfile's instructions in order, as (name, arguments on one line)."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in joined.splitlines() if line)]


def command(instruction: str) -> list[str]:
    """The JSON command of the last CMD, or of HEALTHCHECK."""
    rest = [arguments for name, arguments in dockerfile() if name == instruction][-1]
    return list(json.loads(rest[rest.index("[") :]))


def load(name: str) -> Any:
    """A YAML file of the folder `deploy`."""
    return yaml.safe_load((DEPLOY / name).read_text())
