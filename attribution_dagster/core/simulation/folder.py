"""Write a generated data set as a whole or not at all, and never over somebody's own files."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LABEL = "GENERATED.txt"


@contextmanager
def generated_folder(out: Path, label: str) -> Iterator[Path]:
    """Yield an empty folder that takes the place of `out` when the block ends well, and is removed when it does not.

    `label` says what is generated; it is written to `GENERATED.txt` and is how a later run knows its own output, which
    it may replace.

    Raises:
        ValueError: `out` is a file, or holds files that were not generated under this label.
    """
    _refuse_foreign(out, label)
    out.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        fresh = aside / "fresh"
        fresh.mkdir()
        (fresh / LABEL).write_text(f"{label}\n", encoding="utf-8")
        yield fresh
        _refuse_foreign(out, label)
        if out.exists():
            os.rename(out, aside / "former")
        os.rename(fresh, out)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _refuse_foreign(out: Path, label: str) -> None:
    if out.exists() and not out.is_dir():
        raise ValueError(f"{out} is a file; name a folder to write to")
    if not out.is_dir() or not any(out.iterdir()):
        return
    note = out / LABEL
    if not note.is_file() or note.read_text(encoding="utf-8").strip() != label:
        raise ValueError(f"{out} holds files that were not generated here; name an empty or a new folder")
