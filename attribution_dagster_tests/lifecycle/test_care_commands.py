"""The commands about models and data: what they say, and that they refuse in words."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from attribution_dagster.cli.main import app
from attribution_dagster.errors import AttributionError
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.pipeline.small import EXPLAINED, copy_in_use

Run = Callable[..., Result]


@pytest.fixture()
def run(published: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on a copy of the published dataset."""
    for name in ("home", "datasets", "exports"):
        copy_in_use(published.settings.home.parent / name, tmp_path / name)
    settings = {"ATTRIBUTION_DATASET_FOLDERS": "datasets", "ATTRIBUTION_HOME": "home", "ATTRIBUTION_EXPORTS": "exports"}
    for name, folder in settings.items():
        monkeypatch.setenv(name, str(tmp_path / folder))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *arguments: CliRunner().invoke(app, [*arguments, "--dataset", "small"])


def test_models_shows_each_version_with_its_verdict(run: Run) -> None:
    listed = run("models", "--close-abandoned")
    assert listed.exit_code == 0 and "no run was left open" in listed.output
    assert "small-no_funnel" in listed.output and "promoted" in listed.output


def test_rollback_refuses_in_words(run: Run) -> None:
    for arguments, said in (
        (["--variant", "no_funnel"], "is the first champion"),
        (["--variant", "some_funnel", "--to", "1"], "is no variant of small: no_funnel, with_funnel"),
    ):
        refused = run("rollback", *arguments)
        assert isinstance(refused.exception, AttributionError) and said in str(refused.exception)


def test_retention_without_a_limit_lets_nothing_go(run: Run) -> None:
    kept = run("retention", "--dry-run")
    assert kept.exit_code == 0 and kept.output.count("would be removed: none") == 5


def test_forget_says_what_is_to_be_made_again_and_never_the_id(run: Run, published: Workspace, tmp_path: Path) -> None:
    user = published.slice_of("sessions", EXPLAINED)["user_id"][0].as_py()
    forgotten = run("forget", user)
    assert forgotten.exit_code == 0 and "session_events" in forgotten.output and user not in forgotten.output
    assert "attribution run --dataset small" in forgotten.output and "backups" in forgotten.output
    assert (tmp_path / "exports" / "small" / EXPLAINED / "sessions.csv").exists()
    assert "nothing of this user was stored" in run("forget", user).output
