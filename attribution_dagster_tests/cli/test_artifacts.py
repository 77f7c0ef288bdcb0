from pathlib import Path

import pytest

from attribution_dagster.resources.artifacts import ArtifactStore, Record, Verdict


@pytest.fixture(params=["local", "remote"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactStore:
    root = str(tmp_path / "root") if request.param == "local" else f"memory://{tmp_path.name}"
    return ArtifactStore(root, "shop", tmp_path / "cache")


def test_an_artifact_is_what_was_built(store: ArtifactStore) -> None:
    def build(folder: Path) -> int:
        (folder / "a.txt").write_text("alpha")
        return 7

    assert store.folder("v/model", "2025-01-06", "1") is None
    assert store.create("v/model", "2025-01-06", "1", build) == 7
    folder = store.folder("v/model", "2025-01-06", "1")
    assert folder is not None and (folder / "a.txt").read_text() == "alpha"


def test_a_failed_build_leaves_nothing(store: ArtifactStore, tmp_path: Path) -> None:
    def build(folder: Path) -> None:
        (folder / "half.txt").write_text("half")
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        store.create("model", "w", "1", build)
    assert store.folder("model", "w", "1") is None
    assert not any((tmp_path / "cache" / "shop" / "building").iterdir())


def test_a_version_is_never_taken_from_under_a_reader(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path / "root", "shop", tmp_path / "cache")
    store.create("model", "w", "1", lambda folder: (folder / "a.txt").write_text("one"))
    first = store.folder("model", "w", "1")
    assert first is not None
    before = first.stat().st_ino
    store.create("model", "w", "1", lambda folder: (folder / "a.txt").write_text("two"))
    assert store.folder("model", "w", "1") == first and first.stat().st_ino == before
    assert (first / "a.txt").read_text() == "one"


def test_a_successor_is_found_by_the_version_it_takes_the_place_of(store: ArtifactStore) -> None:
    for version in ("1", "10"):
        store.create("v/model", "2025-01-06", version, lambda folder: (folder / "a.txt").write_text("with somebody"))
    for text in ("without one", "without two"):
        ((asset, key, version),) = [each for each in store.stored("model") if each[2].split(".")[0] == "1"]
        store.replace(asset, key, version, lambda folder, text=text: (folder / "a.txt").write_text(text))
        folder = store.folder("v/model", "2025-01-06", "1")
        assert folder is not None and (folder / "a.txt").read_text() == text
    other = store.folder("v/model", "2025-01-06", "10")
    assert other is not None and (other / "a.txt").read_text() == "with somebody"
    assert len(store.stored("model")) == 2


def test_what_a_killed_process_left_half_written_is_cleared(store: ArtifactStore) -> None:
    store.save_verdict("sessions", "unique", "w", Verdict(version="1", passed=True, blocking=True, summary="said"))
    paths = store._fs.find(store._root)
    store._fs.pipe_file(f"{paths[0].rsplit('/', 1)[0]}/.tmp-1", b"somebody")
    store.clear_scratch()
    assert store._fs.find(store._root) == paths


def test_records_and_verdicts_are_replaced_whole(store: ArtifactStore) -> None:
    assert store.record("sessions", "w") is None and store.verdict("sessions", "unique", "w") is None
    for version in ("1", "2"):
        store.save_record("sessions", "w", Record(version=version, inputs={"events@w": "0"}, report={"rows": 3}))
        verdict = Verdict(version=version, passed=version == "2", blocking=True, summary="said")
        store.save_verdict("sessions", "unique", "w", verdict)
    assert store.record("sessions", "w") == Record(version="2", inputs={"events@w": "0"}, report={"rows": 3})
    found = store.verdict("sessions", "unique", "w")
    assert found is not None and found.passed and found.version == "2"
