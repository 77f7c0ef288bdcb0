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


def test_building_a_version_again_replaces_it(store: ArtifactStore) -> None:
    for text in ("one", "two"):
        store.create("model", "w", "1", lambda folder, text=text: (folder / "a.txt").write_text(text))
    folder = store.folder("model", "w", "1")
    assert folder is not None and (folder / "a.txt").read_text() in {"one", "two"}


def test_records_and_verdicts_are_replaced_whole(store: ArtifactStore) -> None:
    assert store.record("sessions", "w") is None and store.verdict("sessions", "unique", "w") is None
    for version in ("1", "2"):
        store.save_record("sessions", "w", Record(version=version, inputs={"events@w": "0"}, report={"rows": 3}))
        verdict = Verdict(version=version, passed=version == "2", blocking=True, summary="said")
        store.save_verdict("sessions", "unique", "w", verdict)
    assert store.record("sessions", "w") == Record(version="2", inputs={"events@w": "0"}, report={"rows": 3})
    found = store.verdict("sessions", "unique", "w")
    assert found is not None and found.passed and found.version == "2"
