"""The experiment that trainings share, and the link to a run: one that opens where there is a server, else a folder and a command."""

from pathlib import Path
from types import SimpleNamespace

import mlflow
import pytest

from attribution_dagster.resources.tracker import Tracker
from attribution_dagster_tests.lifecycle.stores import training

RUN = SimpleNamespace(experiment_id="4", run_id="ab12", artifact_uri="file:///home/runs/ab12/artifacts")


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("http://tracking:5000", "http://tracking:5000"),
        ("https://tracking.example/mlflow/", "https://tracking.example/mlflow"),
        ("https://anna:s3cret@tracking.example", "https://tracking.example"),
    ],
)
def test_a_server_is_linked_to_without_its_password(tmp_path: Path, uri: str, shown: str) -> None:
    tracker = Tracker(uri, tmp_path)
    assert tracker.link(tracker._location(RUN)) == {"mlflow": {"url": f"{shown}/#/experiments/4/runs/ab12"}}


def test_without_a_server_the_command_that_starts_one_is_given(tmp_path: Path) -> None:
    tracker = Tracker("sqlite:////home/mlflow.db", tmp_path)
    assert tracker.link(tracker._location(RUN)) == {
        "mlflow": {"path": "file:///home/runs/ab12/artifacts"},
        "mlflow_shown_by": "mlflow ui --backend-store-uri sqlite:////home/mlflow.db",
    }


def test_a_database_with_a_password_is_named_by_the_variable_that_holds_it(tmp_path: Path) -> None:
    shown = Tracker("postgresql://anna:s3cret@db/mlflow", tmp_path).link("s3://bucket/ab12")
    assert "s3cret" not in str(shown) and '"$ATTRIBUTION_MLFLOW_TRACKING_URI"' in shown["mlflow_shown_by"]


def test_of_two_first_trainings_at_once_the_slower_one_joins_the_faster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows and variants run side by side; the other one makes the experiment just after this one has not found it."""
    find = mlflow.get_experiment_by_name

    def just_before_the_other(name: str) -> object:
        found = find(name)
        if found is None:
            mlflow.create_experiment(name)
        return found

    monkeypatch.setattr(mlflow, "get_experiment_by_name", just_before_the_other)
    with Tracker(f"sqlite:///{tmp_path}/mlflow.db", tmp_path / "artifacts").training(training("2025-01-20")) as run:
        assert mlflow.get_run(run.run_id).info.experiment_id == find("attribution/shop").experiment_id
