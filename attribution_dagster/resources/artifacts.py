"""Artifacts (tensors, models, pictures) and the records that say which asset has made what, from what.

    <root>/<dataset>/artifacts/<asset>/<window>/<version>/   a folder, written once, never changed; `<version>.<n>` where
                                                             somebody was taken out of it
    <root>/<dataset>/records/<asset>/<window>.json           what the asset last made there: version, inputs, report
    <root>/<dataset>/verdicts/<asset>/<check>/<window>.json  what a check last said, and of which version
    <root>/<dataset>/checks/<window>/<page>.html             the same for people

The root is any path fsspec understands; a remote artifact is copied to a local cache before it is opened, since tensors are memory-mapped.
"""

import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import fsspec
from fsspec.implementations.local import LocalFileSystem

from attribution_dagster.atomic import PARTIAL, place_folder, replace_file

T = TypeVar("T")
Stored = tuple[str, str, str]
"""Asset, window key and version of an artifact."""
_ANY_WINDOW = "-".join("[0-9]" * digits for digits in (4, 2, 2))
"""Fits the keys of all windows, but not `all`, which stands for what has none."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """What an asset made for one window.

    `target` is a digest of its code, settings, window and inputs. `version` is the same, or one of its own where the asset was made by force.
    """

    version: str
    target: str = ""
    inputs: Mapping[str, str]
    report: Mapping[str, Any] = field(default_factory=dict)
    run_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a check said of one version of an asset in one window, and what it measured.

    `check` is the version of the check itself: its rules and its queries. `read` is a digest of all that it was measured on.
    """

    version: str
    check: str = ""
    read: str = ""
    passed: bool
    blocking: bool
    summary: str
    observed: Mapping[str, Any] = field(default_factory=dict)
    offending: int = 0
    """How many rows break the expectation; `rows` are the first of them."""
    rows: Sequence[Mapping[str, Any]] = ()


class ArtifactStore:
    """Folders written once and small JSON records replaced whole, for one dataset."""

    def __init__(self, root: str | Path, dataset: str, cache: Path) -> None:
        self._fs, path = fsspec.core.url_to_fs(str(root))
        self._root = f"{path.rstrip('/')}/{dataset}"
        self._cache = cache / dataset

    def create(self, asset: str, window_key: str, version: str, build: Callable[[Path], T]) -> T:
        """What `build` returned after filling an empty folder, which then becomes the artifact, whole or not at all.

        A version that is there already is kept: somebody may be reading it.
        """
        scratch = self._cache / "building" / uuid.uuid4().hex
        scratch.mkdir(parents=True)
        try:
            result = build(scratch)
            target = self._folder(asset, window_key, version)
            if self._is_local:
                place_folder(scratch, Path(target))
            else:
                self._fs.put(f"{scratch}/", target, recursive=True)
                shutil.rmtree(self._copy(asset, window_key, version), ignore_errors=True)
            return result
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def replace(self, asset: str, window_key: str, version: str, build: Callable[[Path], object]) -> None:
        """Deletes a stored version when a successor has been built, which `folder` finds by the same version from then on."""
        self.create(asset, window_key, f"{base_of(version)}.{uuid.uuid4().hex[:8]}", build)
        self.remove(asset, window_key, version)

    def folder(self, asset: str, window_key: str, version: str) -> Path | None:
        """A local folder holding the artifact, or None if there is none."""
        target = self._folder(asset, window_key, version)
        successors = sorted(self._fs.glob(f"{target}.*"))
        if successors:
            target = successors[-1]
        elif not self._fs.exists(target):
            return None
        if self._is_local:
            return Path(target)
        local = self._copy(asset, window_key, target.rsplit("/", 1)[1])
        if not local.exists():
            self._fs.get(f"{target}/", f"{local}.partial/", recursive=True)
            os.replace(f"{local}.partial", local)
        return local

    def remove(self, asset: str, window_key: str, version: str) -> None:
        """Deletes a version, and the local copy of it, where they are there."""
        shutil.rmtree(self._copy(asset, window_key, version), ignore_errors=True)
        if self._fs.exists(self._folder(asset, window_key, version)):
            self._fs.rm(self._folder(asset, window_key, version), recursive=True)

    def record(self, asset: str, window_key: str) -> Record | None:
        """What the asset last made for the window, or None."""
        found = self._read(_record_name(asset, window_key))
        return Record(**found) if found else None

    def save_record(self, asset: str, window_key: str, record: Record) -> None:
        """Replaces the asset's record for the window."""
        self._write(_record_name(asset, window_key), asdict(record))

    def verdict(self, asset: str, check: str, window_key: str) -> Verdict | None:
        """What the check last said of the asset in the window, or None."""
        found = self._read(f"verdicts/{asset}/{check}/{window_key}.json")
        return Verdict(**found) if found else None

    def save_verdict(self, asset: str, check: str, window_key: str, verdict: Verdict) -> None:
        """Replaces the check's verdict for the window."""
        self._write(f"verdicts/{asset}/{check}/{window_key}.json", asdict(verdict))

    def stored(self, name: str = "*") -> list[Stored]:
        """Every stored artifact, or those of assets called so, of any variant."""
        found = self._fs.glob(f"{self._root}/artifacts/**/{name}/{_ANY_WINDOW}/*")
        parts = (path.removeprefix(f"{self._root}/artifacts/").rsplit("/", 2) for path in sorted(found))
        return [(asset, window_key, version) for asset, window_key, version in parts]

    def last_changed(self, asset: str, window_key: str, version: str) -> datetime:
        """When the artifact was written, or, if that is later, its asset's record of the window."""
        record = f"{self._root}/{_record_name(asset, window_key)}"
        files = [*self._fs.find(self._folder(asset, window_key, version)), record]
        return max((self._fs.modified(path) for path in files if self._fs.exists(path)), default=datetime.now(UTC))

    def records(self) -> Iterator[tuple[str, str, Record]]:
        """Every record, with its asset and window."""
        for path in self._fs.glob(f"{self._root}/records/**/*.json"):
            asset, window_key = path.removeprefix(f"{self._root}/records/").removesuffix(".json").rsplit("/", 1)
            record = self.record(asset, window_key)
            if record is not None:
                yield asset, window_key, record

    def recorded(self, asset: str) -> list[str]:
        """Keys of the windows that the asset has a record of, oldest first."""
        found = self._fs.glob(f"{self._root}/records/{asset}/*.json")
        return sorted(path.rsplit("/", 1)[1].removesuffix(".json") for path in found)

    def window_keys(self) -> list[str]:
        """Keys of the windows of which anything is stored, oldest first."""
        return sorted({path.rsplit("/", 1)[1].removesuffix(".json") for path in self._places(_ANY_WINDOW)})

    def remove_window(self, window_key: str) -> None:
        """Deletes all artifacts, records, verdicts and pages of a window."""
        for copied in (self._cache / "copies").glob(f"**/{window_key}"):
            shutil.rmtree(copied)
        for path in self._places(window_key):
            self._fs.rm(path, recursive=True)

    def _places(self, window_key: str) -> list[str]:
        """Where anything of the window lies; of any window that fits, if it is a pattern."""
        notes = (f"{kind}/**/{window_key}.json" for kind in ("records", "verdicts"))
        patterns = (f"artifacts/**/{window_key}", *notes, f"checks/{window_key}")
        return [path for pattern in patterns for path in self._fs.glob(f"{self._root}/{pattern}")]

    def forget_rows(self, belongs: Callable[[Mapping[str, Any]], bool]) -> int:
        """Takes rows out of the verdicts that quote them; how many."""
        removed = 0
        for path in self._fs.glob(f"{self._root}/verdicts/**/*.json"):
            name = path.removeprefix(f"{self._root}/")
            verdict = self._read(name) or {}
            kept = [row for row in verdict.get("rows", ()) if not belongs(row)]
            if len(kept) < len(verdict.get("rows", ())):
                removed += len(verdict["rows"]) - len(kept)
                self._write(name, {**verdict, "rows": kept})
        return removed

    def clear_scratch(self) -> None:
        """Deletes what processes that were killed have left half written; one that is at it fails."""
        shutil.rmtree(self._cache / "building", ignore_errors=True)
        for path in self._fs.glob(f"{self._root}/**/{PARTIAL}*"):
            self._fs.rm(path)

    def page(self, window_key: str, name: str) -> str:
        """Where a page for people lies, whether or not it has been written."""
        return f"{self._root}/checks/{window_key}/{name}.html"

    def save_page(self, window_key: str, name: str, content: str) -> str:
        """Replaces a page whole; where it lies."""
        path = self.page(window_key, name)
        self._replace(path, content.encode())
        return path

    def pages(self) -> list[tuple[str, str]]:
        """Window key and name of every page that has been written."""
        root = f"{self._root}/checks/"
        names = (path.removeprefix(root).removesuffix(".html") for path in self._fs.glob(f"{root}**/*.html"))
        return [(window_key, name) for window_key, _, name in (each.partition("/") for each in sorted(names))]

    def has_page(self, window_key: str, name: str) -> bool:
        """Whether the page has been written."""
        return bool(self._fs.exists(self.page(window_key, name)))

    def remove_page(self, window_key: str, name: str) -> None:
        """Deletes a page."""
        self._fs.rm(self.page(window_key, name))

    @property
    def _is_local(self) -> bool:
        return isinstance(self._fs, LocalFileSystem)

    def _folder(self, asset: str, window_key: str, version: str) -> str:
        return f"{self._root}/artifacts/{asset}/{window_key}/{version}"

    def _copy(self, asset: str, window_key: str, version: str) -> Path:
        return self._cache / "copies" / asset / window_key / version

    def _read(self, name: str) -> dict[str, Any] | None:
        path = f"{self._root}/{name}"
        if not self._fs.exists(path):
            return None
        return dict(json.loads(self._fs.cat_file(path)))

    def _write(self, name: str, value: Mapping[str, Any]) -> None:
        self._replace(f"{self._root}/{name}", json.dumps(value, indent=1).encode())

    def _replace(self, path: str, content: bytes) -> None:
        if self._is_local:
            replace_file(Path(path), content)
            return
        folder = path.rsplit("/", 1)[0]
        partial = f"{folder}/{PARTIAL}{uuid.uuid4().hex}"
        self._fs.makedirs(folder, exist_ok=True)
        self._fs.pipe_file(partial, content)
        self._fs.mv(partial, path)


def _record_name(asset: str, window_key: str) -> str:
    return f"records/{asset}/{window_key}.json"


def base_of(version: str) -> str:
    """The version as the asset made it, whether or not somebody has been taken out of it since."""
    return version.partition(".")[0]
