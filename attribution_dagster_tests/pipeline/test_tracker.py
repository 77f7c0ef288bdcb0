"""The link from a training to its MLflow run: one that opens where there is a server, else a folder and a command."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from attribution_dagster.resources.tracker import Tracker

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
