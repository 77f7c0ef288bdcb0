from pathlib import Path

import pytest

from attribution_dagster.errors import ConfigurationError
from attribution_dagster.settings import Settings
from attribution_dagster_tests.warehouse.stand_in import account


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
        ("ATTRIBUTION_SPARK_TRAINING_PROCESSES", "0"),
        ("ATTRIBUTION_SPARK_TRAINING_PROCESSES", "2"),  # and the warehouse is not Spark
        ("ATTRIBUTION_DATASETS", " , "),
        ("ATTRIBUTION_DATASET", "marketplace"),
        ("ATTRIBUTION_THREADS", "²"),
        ("ATTRIBUTION_MEMORY_LIMIT", "0GB"),
        ("ATTRIBUTION_MEMORY_LIMIT", "0.00 MiB"),
        ("ATTRIBUTION_MEMORY_LIMIT", ""),
        ("ATTRIBUTION_HOME", ""),
        ("ATTRIBUTION_EXPORTS", " "),
        ("ATTRIBUTION_DATASET_FOLDERS", ""),
        ("ATTRIBUTION_MLFLOW_TRACKING_URI", ""),
        ("ATTRIBUTION_MLFLOW_TRACKING_URI", "nonsense"),
        ("ATTRIBUTION_EVENTS_MARKETPLACE", ""),
        ("ATTRIBUTION_EVENTS_MARKTPLACE", "/data/x.csv"),
        ("ATTRIBUTION_HEARTBEAT_URL", "https://watchdog.example/1"),
        ("ATTRIBUTION_UI_URL", "localhost:3000"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        Settings.from_environment({name: value})


def test_an_empty_value_is_none_where_nothing_is_the_default() -> None:
    empty = {name: "" for name in ("ATTRIBUTION_ALERT_URLS", "ATTRIBUTION_HEARTBEAT_URL", "ATTRIBUTION_UI_URL")}
    assert Settings.from_environment(empty) == Settings.from_environment({})


def test_a_timeout_that_is_no_number_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match="ATTRIBUTION_SNOWFLAKE_TIMEOUT"):
        Settings.from_environment({**account("https://x.example", "db"), "ATTRIBUTION_SNOWFLAKE_TIMEOUT": "²"})
