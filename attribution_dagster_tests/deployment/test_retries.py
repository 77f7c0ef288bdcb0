"""A step is tried again after an error of a disk or the network, and after no other."""

import errno
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from attribution_dagster import retries
from attribution_dagster.assets.step import Report, Step, make
from attribution_dagster.assets.whole_source import whole_source
from attribution_dagster.checks import adapter
from attribution_dagster.errors import DataError
from attribution_dagster.graph import DatasetAssets
from attribution_dagster.resources.artifacts import Verdict
from attribution_dagster.resources.workspace import WHOLE, Workspace
from attribution_dagster_tests.pipeline.faults import copy_of
from attribution_dagster_tests.pipeline.small import EXPLAINED, copy_in_use, materialise, small_workspace


def tried(root: Path, errors: list[Exception]) -> tuple[bool, int, list[float]]:
    """Whether a step that fails by these errors, one each time, comes through; how often it ran; how long it waited between."""
    workspace, attempts = small_workspace(root), []

    def build(step: Step) -> Report:
        attempts.append(step)
        if len(attempts) <= len(errors):
            raise errors[len(attempts) - 1]
        return {"made": True}

    @dg.asset
    def flaky(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        return make(
            context, workspace, "flaky", reads=lambda _: (), settings=lambda _: None, code="1", exists=lambda step: False, build=build, window_key=WHOLE
        )  # fmt: skip

    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([flaky], instance=instance, raise_on_error=False)
    again = [e.step_retry_data.seconds_to_wait for e in result.all_events if e.event_type_value == "STEP_UP_FOR_RETRY"]
    return result.success, len(attempts), again


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "FIRST_WAIT_S", 0.01)


def test_io_errors_are_tried_again_with_waits_that_double(tmp_path: Path) -> None:
    errors = [OSError(errno.EIO, "Input/output error"), ConnectionResetError(), TimeoutError()]
    assert tried(tmp_path, errors) == (True, 4, [0.01, 0.02, 0.04])


def test_a_disk_that_stays_broken_fails_the_step_in_the_end(tmp_path: Path) -> None:
    success, attempts, _ = tried(tmp_path, [OSError(errno.EIO, "Input/output error")] * 9)
    assert not success and attempts == 1 + retries.RETRIES


def test_a_source_that_is_out_of_reach_for_a_moment_is_looked_for_again(tmp_path: Path) -> None:
    found = SimpleNamespace(digest="d", events=SimpleNamespace(parts=[SimpleNamespace(path="p")]))
    answers: list[Any] = [ConnectionResetError(), found]

    def find(_: Workspace) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assets = DatasetAssets.of(small_workspace(tmp_path), alone=True)
    looked = whole_source(
        assets, "A source.", group="g", code="1", find=find, look=lambda _, source: {"digest": source.digest}
    )
    with dg.DagsterInstance.ephemeral() as instance:
        assert dg.materialize([looked], instance=instance).success
    assert answers == [] and looked.descriptions_by_key == {assets.key("source"): "A source."}


@pytest.mark.parametrize(
    "error", [DataError("no session converts"), FileNotFoundError("gone"), ValueError("a fault of ours")]
)
def test_what_waiting_does_not_mend_fails_at_once(tmp_path: Path, error: Exception) -> None:
    assert tried(tmp_path, [error]) == (False, 1, [])


def test_checks_are_tried_again_too(published: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy, judge, attempts = copy_of(published, tmp_path), adapter.judge, []

    def flaky(*args: Any, **kwargs: Any) -> list[Verdict]:
        attempts.append(args)
        if len(attempts) == 1:
            raise OSError(errno.EIO, "Input/output error")
        return judge(*args, **kwargs)

    monkeypatch.setattr(adapter, "judge", flaky)
    materialise(copy, ["sampled_users"], [EXPLAINED])
    assert len(attempts) == 2


def test_a_file_that_the_warehouse_cannot_read_is_an_io_error(published: Workspace, tmp_path: Path) -> None:
    copy_in_use(published.settings.home, tmp_path / "home")
    for path in (tmp_path / "home" / "warehouse" / "small" / "work" / "sessions").rglob("*.parquet"):
        path.unlink()
    workspace = small_workspace(tmp_path)
    try:
        with pytest.raises(OSError, match=r"query sessions failed: .*No files found"):
            workspace.slice_of("sessions", EXPLAINED)
    finally:
        workspace.warehouse.close()
