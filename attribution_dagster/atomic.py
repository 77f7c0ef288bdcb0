"""Files that are replaced, and folders that appear, in one step: a reader, or a crash, finds the old or the new, whole, never half."""

import os
import uuid
from pathlib import Path

PARTIAL = ".tmp-"
"""How the names of files begin that are being written; one that stays was left by a process that was killed."""


def replace_file(path: Path, content: bytes) -> None:
    """Puts the content in the file's place: it is written beside it and is on disk before it takes its name. Folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    making = path.parent / f"{PARTIAL}{uuid.uuid4().hex}"
    try:
        with making.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(making, path)
    finally:
        making.unlink(missing_ok=True)


def place_folder(folder: Path, target: Path) -> None:
    """Moves a finished folder to its place, its files on disk before. One that is there already stays: somebody may be reading it."""
    for path in filter(Path.is_file, folder.rglob("*")):
        with path.open("rb") as file:
            os.fsync(file.fileno())
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.replace(folder, target)
    except OSError:  # the system doesn't put a folder in the place of one that holds anything
        if not target.is_dir():
            raise
