"""Where an embedded warehouse keeps its files: immutable versions, a pointer to the current one, manifests for readers.

    <dataset>/work/<table>/<window>/<version>.parquet     a file or a folder of files, never changed once written
    <dataset>/work/<table>/<window>/CURRENT               the version that assets and checks read
    <dataset>/published/<window>.json                     the versions that people read, all tables of the window

Pointers and manifests are replaced in one step, so a reader finds the old or the new one, never half.
"""

import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from attribution_dagster.atomic import PARTIAL, replace_file
from attribution_dagster.errors import ConfigurationError, MissingInputError
from attribution_dagster.warehouse.forgetting import Forgettable
from attribution_dagster.warehouse.parts import parts_of, remove, rows_of, without_user
from attribution_dagster.warehouse.protocol import Forgotten, Manifest, PublishedSlice
from attribution_dagster.warehouse.queries import identifier

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_POINTER = "CURRENT"


class SliceStore:
    """The files of one dataset. Knows nothing of SQL."""

    def __init__(self, folder: Path) -> None:
        """`folder` is the dataset's; it is made with the first file."""
        self.folder = folder
        self._work, self._published = folder / "work", folder / "published"

    def path(self, table: str, window_key: str, version: str) -> Path:
        """The file or folder of a version, whether or not it exists."""
        return self._slice(table, window_key) / f"{safe('version', version)}.parquet"

    @contextmanager
    def writing(self, table: str, window_key: str, version: str) -> Iterator[Path]:
        """Yield a path to write a file or a folder to; when the block ends well, it becomes the version, and the current one."""
        target = self.path(table, window_key, version)
        target.parent.mkdir(parents=True, exist_ok=True)
        making = target.parent / f"{PARTIAL}{uuid.uuid4().hex}"
        try:
            yield making
            if not target.exists():  # a version once written is never replaced: somebody may be reading it
                self._place(making, target)
            self.point(table, window_key, version)
        finally:
            remove(making)

    def _place(self, making: Path, target: Path) -> None:
        try:
            os.replace(making, target)
        except OSError:
            if not target.exists():  # another writer was faster, and one of the two wrote a folder
                raise

    def point(self, table: str, window_key: str, version: str) -> None:
        """Make an existing version the current one."""
        replace_file(self._slice(table, window_key) / _POINTER, version.encode())

    def current(self, table: str, window_key: str) -> str | None:
        """The current version, None where there is none."""
        try:
            return (self._slice(table, window_key) / _POINTER).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def rows(self, table: str, window_key: str, version: str) -> int | None:
        """Number of rows of a version, None where there is no such version."""
        try:
            return rows_of(self.path(table, window_key, version))
        except FileNotFoundError:
            return None

    def current_files(self, table: str) -> list[Path]:
        """The current files of every window of a table, by window."""
        folder = self._work / identifier(table)
        keys = sorted(entry.name for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []
        versions = ((key, self.current(table, key)) for key in keys)
        found = [parts_of(self.path(table, key, version)) for key, version in versions if version is not None]
        return [part for parts in found for part in parts]

    def published_files(self, slices: Iterable[PublishedSlice]) -> list[Path]:
        """The files of published slices, in order."""
        return [part for each in slices for part in parts_of(self.folder / each.location)]

    def publish(self, window_key: str, versions: Mapping[str, str], evidence: Mapping[str, object]) -> Manifest:
        """Replace the window's manifest by one that names this version of each table."""
        slices = {table: self._published_slice(table, window_key, version) for table, version in versions.items()}
        now = datetime.now(UTC).replace(tzinfo=None)
        manifest = Manifest(window_key=window_key, published_at=now, tables=slices, evidence=dict(evidence))
        content = json.dumps({**asdict(manifest), "published_at": now.isoformat()}, indent=1, default=str)
        replace_file(self._published / f"{safe('window', window_key)}.json", content.encode())
        return manifest

    def _published_slice(self, table: str, window_key: str, version: str) -> PublishedSlice:
        path, rows = self.path(table, window_key, version), self.rows(table, window_key, version)
        if rows is None:
            raise MissingInputError(
                f"window {window_key}: there is no {table} of version {version} to publish. Run the window again."
            )
        return PublishedSlice(version=version, location=str(path.relative_to(self.folder)), rows=rows)

    def manifest(self, window_key: str) -> Manifest | None:
        """The window's manifest, None where nothing is published."""
        try:
            text = (self._published / f"{safe('window', window_key)}.json").read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        content = json.loads(text)
        return Manifest(
            window_key=content["window_key"],
            published_at=datetime.fromisoformat(content["published_at"]),
            tables={name: PublishedSlice(**each) for name, each in content["tables"].items()},
            evidence=content["evidence"],
        )

    def published_windows(self) -> list[str]:
        """Keys of the published windows, oldest first."""
        return sorted(path.stem for path in self._published.glob("*.json") if not path.name.startswith("."))

    def prune(self, superseded_hours: float) -> int:
        """Delete files that no pointer and no manifest has named for so many hours; how many.

        A file counts as superseded from the last change of its window's pointer or manifest, so that whoever was
        reading it then has that long to finish.
        """
        latest = time.time() - 3600 * superseded_hours
        manifests = {key: self.manifest(key) for key in self.published_windows()}
        kept = {self.folder / each.location for m in manifests.values() if m for each in m.tables.values()}
        removed = 0
        for path in [*self._work.glob("*/*/*.parquet"), *self._work.glob(f"*/*/{PARTIAL}*")]:
            key, pointer = path.parent.name, path.parent / _POINTER
            if path in kept or self.current(path.parent.parent.name, key) == path.stem:
                continue
            if max(map(_changed, (path, pointer, self._published / f"{key}.json"))) <= latest:
                remove(path)
                removed += 1
        return removed

    def forget(self, user: Forgettable) -> Forgotten:
        """Take the user's rows out of every version.

        Each file that held some gets a successor under another version, since a reader may be in the midst of it. Pointers and manifests
        move on, a window's tables together, then the old files go. No asset has a record of the new version: the next run makes it again.
        """
        for path in self._work.glob(f"*/*/{PARTIAL}*"):
            remove(path)  # left by a writer that was killed
        rows: dict[str, int] = {}
        successors: dict[Path, Path] = {}
        for path in sorted(self._work.glob("*/*/*.parquet")):
            successor = path.with_name(f"{path.stem.split('.')[0]}.{uuid.uuid4().hex[:8]}.parquet")
            removed = without_user(path, successor, user)
            if removed is not None:
                rows[path.parent.parent.name] = rows.get(path.parent.parent.name, 0) + removed
                successors[path] = successor
        for old, new in successors.items():
            if self.current(old.parent.parent.name, old.parent.name) == old.stem:
                self.point(old.parent.parent.name, old.parent.name, new.stem)
        for key in self.published_windows():
            self._succeed(key, successors)
        for old in successors:
            remove(old)
        return Forgotten(rows=rows, windows=tuple(sorted({path.parent.name for path in successors})))

    def _succeed(self, window_key: str, successors: Mapping[Path, Path]) -> None:
        """Replace the manifest by one that names the successors of its files."""
        path = self._published / f"{safe('window', window_key)}.json"
        content = json.loads(path.read_text(encoding="utf-8"))
        for each in content["tables"].values():
            new = successors.get(self.folder / each["location"])
            if new is not None:
                each |= {"version": new.stem, "location": str(new.relative_to(self.folder)), "rows": rows_of(new)}
        replace_file(path, json.dumps(content, indent=1).encode())

    def window_keys(self, unchanged_hours: float) -> list[str]:
        """Keys of the windows that have a slice of any table, oldest first; only those in which nothing changed for so long."""
        changed: dict[str, float] = {}
        for folder in self._work.glob("*/*"):
            times = [_changed(folder / _POINTER), _changed(self._published / f"{folder.name}.json")]
            changed[folder.name] = max(changed.get(folder.name, 0), *times)
        latest = time.time() - 3600 * unchanged_hours
        return sorted(key for key, last in changed.items() if last <= latest)

    def remove_window(self, window_key: str) -> int:
        """Delete the window's manifest, then all its slices; how many slices."""
        (self._published / f"{safe('window', window_key)}.json").unlink(missing_ok=True)
        folders = list(self._work.glob(f"*/{safe('window', window_key)}"))
        slices = [path for folder in folders for path in folder.glob("*.parquet")]
        for path in slices:
            remove(path)
        for folder in folders:
            shutil.rmtree(folder)
        return len(slices)

    def _slice(self, table: str, window_key: str) -> Path:
        return self._work / identifier(table) / safe("window", window_key)


def remove_stale_folders(folder: Path, keep: set[str], superseded_hours: float) -> int:
    """Delete the subfolders that are not kept and have not changed for so many hours; how many."""
    latest = time.time() - 3600 * superseded_hours
    stale = [
        entry for entry in (folder.iterdir() if folder.is_dir() else ())
        if entry.is_dir() and entry.name not in keep and _changed(entry) <= latest
    ]  # fmt: skip
    for entry in stale:
        shutil.rmtree(entry, ignore_errors=True)
    return len(stale)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def safe(what: str, value: str) -> str:
    """The value itself when it is safe in the name of a file. Raises ConfigurationError otherwise."""
    if not _SAFE.fullmatch(value):
        raise ConfigurationError(
            f"{value!r} can't be a {what}: use letters, digits, '.', '_' and '-', a letter or digit first"
        )
    return value
