from pathlib import Path

import pytest

from attribution_dagster.errors import ConfigurationError
from attribution_dagster.settings import Settings


def test_defaults_lie_in_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.from_environment({})
    assert settings.home == tmp_path / ".attribution" and settings.exports == tmp_path / "exports"
    assert settings.datasets == ("marketplace",) and settings.mlflow_tracking_uri.endswith(".attribution/mlflow.db")


def test_events_of_a_dataset_come_from_its_own_variable() -> None:
    settings = Settings.from_environment({"ATTRIBUTION_EVENTS_TAOBAO": "/data/x.csv"})
    assert settings.events == {"taobao": "/data/x.csv"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ATTRIBUTION_THREADS", "0"),
        ("ATTRIBUTION_THREADS", "two"),
        ("ATTRIBUTION_MEMORY_LIMIT", "lots"),
        ("ATTRIBUTION_MEMORY_LIMIT", "4"),
        ("ATTRIBUTION_WAREHOUSE", "oracle"),
        ("ATTRIBUTION_DATASETS", " , "),
        ("ATTRIBUTION_DATASET", "marketplace"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        Settings.from_environment({name: value})
