"""Finds and reads dataset profiles; every error names the file, the line, the key and what to do."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from attribution_dagster.datasets.experiment import ExperimentProfile
from attribution_dagster.datasets.profile import Profile
from attribution_dagster.datasets.session_table import SessionTableProfile
from attribution_dagster.errors import ConfigurationError

__all__ = ["BUILT_IN", "Profile", "known_datasets", "load_events_profile", "load_profile"]

BUILT_IN = Path(__file__).parent
REPLACED = ("source", "variants")
"""Keys that a dataset which extends another gives whole: a path laid over a simulation would be both, and a variant could not be left out."""
KINDS: Mapping[str, type[Profile]] = {
    "events": Profile,
    "experiment": ExperimentProfile,
    "sessions": SessionTableProfile,
}
"""`kind` of a dataset -> what its YAML may say."""
Lines = dict[tuple[str | int, ...], int]


def known_datasets(folders: Sequence[Path] = ()) -> dict[str, Path]:
    """Dataset name -> its YAML file; the given folders first, then the datasets that come with the package."""
    found: dict[str, Path] = {}
    for folder in (*folders, BUILT_IN):
        for path in sorted(Path(folder).glob("*.yaml")):
            found.setdefault(path.stem, path)
    return found


def load_profile(name: str, folders: Sequence[Path] = ()) -> Profile:
    """The profile of dataset `name`, checked.

    Raises ConfigurationError for an unknown dataset, YAML that does not parse, and a key or value that is refused.
    """
    path = _path(name, folders)
    content, lines = _read(path)
    content = _extended(content, path, folders, seen=(name,))
    content.setdefault("staging", content.get("name", name))
    if content.get("name") != name:
        raise _error(path, lines.get(("name",)), "name", f"is {content.get('name')!r} in a file called {path.name}")
    kind = content.get("kind", "events")
    if kind not in KINDS:
        raise _error(path, lines.get(("kind",)), "kind", f"is {kind!r}: choose from {', '.join(KINDS)}")
    try:
        return KINDS[kind].model_validate(content)
    except ValidationError as error:
        raise _explain(error, path, lines, KINDS[kind]) from None


def load_events_profile(name: str, folders: Sequence[Path] = ()) -> Profile:
    """The profile of a dataset of events. Raises ConfigurationError for one of another kind, too."""
    profile = load_profile(name, folders)
    if profile.kind != "events":
        raise ConfigurationError(
            f"dataset {name} is of kind {profile.kind} and has no events, which this command is about. "
            f"Run it with attribution run --dataset {name}; its own checks say what is wrong with its table."
        )
    return profile


def _path(name: str, folders: Sequence[Path]) -> Path:
    known = known_datasets(folders)
    if name in known:
        return known[name]
    close = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    raise ConfigurationError(
        f"no dataset is called {name!r}.{hint} Known: {', '.join(sorted(known))}. "
        f"A dataset is a file <name>.yaml with a stg_events__<name>.sql beside it."
    )


def _extended(content: dict[str, Any], path: Path, folders: Sequence[Path], seen: tuple[str, ...]) -> dict[str, Any]:
    """The content laid over that of the dataset it `extends`, whose staging SQL it shares."""
    parent = content.pop("extends", None)
    if parent is None:
        return content
    if parent in seen:
        raise _error(path, None, "extends", f"goes in a circle: {' -> '.join((*seen, str(parent)))}")
    below, _ = _read(_path(str(parent), folders))
    if "extends" not in below:
        below.setdefault("staging", below.get("name", parent))
    return _laid_over(_extended(below, path, folders, (*seen, str(parent))), content)


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(below.get(key), dict) and key not in REPLACED
        merged[key] = _laid_over(below[key], value) if both else value
    return merged


def _read(path: Path) -> tuple[dict[str, Any], Lines]:
    """The YAML mapping in the file, and the line on which each key stands."""
    try:
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: not UTF-8 text ({error.reason}). Save it as UTF-8.") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise _error(
            path, line, None, f"is not valid YAML: {error.problem}. Correct the indentation or quotes"
        ) from None
    if not isinstance(root, yaml.MappingNode):
        raise ConfigurationError(f"{path}: expected `key: value` lines. Start from one of the datasets in {BUILT_IN}.")
    return content, dict(_key_lines(root, (), path))


def _key_lines(
    node: yaml.Node, above: tuple[str | int, ...], path: Path
) -> Iterator[tuple[tuple[str | int, ...], int]]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in seen:
                raise _error(path, line, ".".join(map(str, (*above, key.value))), "appears twice. Keep one")
            seen.add(key.value)
            yield (*above, key.value), line
            yield from _key_lines(value, (*above, key.value), path)
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            yield (*above, position), value.start_mark.line + 1
            yield from _key_lines(value, (*above, position), path)


def _explain(error: ValidationError, path: Path, lines: Lines, kind: type[Profile]) -> ConfigurationError:
    """The first complaint, in the file's terms."""
    first = error.errors()[0]
    place = tuple(first["loc"])
    while place and place not in lines:
        place = place[:-1]
    key = ".".join(map(str, first["loc"])) or None
    if first["type"] == "missing":
        return _error(path, lines.get(place), key, "is missing. Add it")
    if first["type"] == "extra_forbidden":
        return _error(path, lines.get(place), key, f"is no setting here. {_siblings(first['loc'], kind)}")
    message = str(first["msg"]).removeprefix("Value error, ")
    return _error(path, lines.get(place), key, f"{message} (found {first['input']!r})" if key else message)


def _siblings(place: tuple[int | str, ...], kind: type[Profile]) -> str:
    """The settings that exist beside a misspelt one."""
    model: Any = kind
    for key in place[:-1]:
        field = model.model_fields.get(key) if hasattr(model, "model_fields") else None
        model = field.annotation if field else None
    names = list(getattr(model, "model_fields", {}))
    close = difflib.get_close_matches(str(place[-1]), names, n=1)
    if close:
        return f"Did you mean {close[0]}?"
    return f"Settings: {', '.join(names)}" if names else "Take it out"


def _error(path: Path, line: int | None, key: str | None, message: str) -> ConfigurationError:
    where = f"{path}, line {line}" if line else str(path)
    return ConfigurationError(f"{where}: {key + ' ' if key else ''}{message}.".replace("..", "."))
