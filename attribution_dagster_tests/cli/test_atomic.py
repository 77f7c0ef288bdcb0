import os
from pathlib import Path

import pytest

from attribution_dagster.atomic import place_folder, replace_file


def test_a_file_is_on_disk_before_it_takes_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, seen = tmp_path / "a" / "b.json", []
    replace_file(path, b"old")
    synced = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda file: (seen.append((os.fstat(file).st_size, path.read_bytes())), synced(file))
    )
    replace_file(path, b"the new one")
    assert seen == [(11, b"old")] and path.read_bytes() == b"the new one"
    assert [each.name for each in path.parent.iterdir()] == ["b.json"]


def test_a_file_that_can_not_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    replace_file(path, b"old")

    def full(file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        replace_file(path, b"new")
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_a_folder_appears_whole_or_leaves_the_one_that_is_there(tmp_path: Path) -> None:
    for text in ("one", "two"):
        (tmp_path / text).mkdir()
        (tmp_path / text / "a").write_text(text)
        place_folder(tmp_path / text, tmp_path / "place" / "1")
    assert (tmp_path / "place" / "1" / "a").read_text() == "one"
    (tmp_path / "taken").touch()
    with pytest.raises(OSError):
        place_folder(tmp_path / "two", tmp_path / "taken")
