"""Bad input is refused before any training, in words that name the thing and the remedy."""

from pathlib import Path

import pandas as pd
import pytest

from attribution_dagster.assets.training import specifications
from attribution_dagster.cli.launch import launch
from attribution_dagster.core.simulation.marketplace import simulate_marketplace
from attribution_dagster.core.simulation.retailrocket import generate_retailrocket
from attribution_dagster.datasets.registry import load_profile
from attribution_dagster.errors import AttributionError, ConfigurationError, SourceError
from attribution_dagster.resources.progress import LoggedProgress
from attribution_dagster.resources.workspace import open_workspace
from attribution_dagster.settings import Settings
from attribution_dagster_tests.pipeline.small import own_dagster_home, small_workspace


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    from datetime import date

    folder = tmp_path_factory.mktemp("events") / "world"
    simulate_marketplace(folder, users=60, weeks=3, start=date(2025, 1, 6), seed=1)
    return pd.concat(pd.read_parquet(p) for p in sorted((folder / "events").glob("*.parquet")))


def run(root: Path, events: pd.DataFrame | str, *, window: str | None = None, extra: str = "") -> None:
    if isinstance(events, str):
        path = events
    else:
        path = str(root / "events.csv")
        events.to_csv(path, index=False)
    with own_dagster_home(root):
        workspace = small_workspace(root, events=path, extra=extra)
        try:
            launch(workspace, window)
        finally:
            workspace.warehouse.close()


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nowhere\.csv"):
        run(tmp_path, str(tmp_path / "nowhere.csv"))


def test_missing_column_is_named(tmp_path: Path, events: pd.DataFrame) -> None:
    with pytest.raises(SourceError, match="event_type"):
        run(tmp_path, events.drop(columns="event_type"))


def test_window_without_events(tmp_path: Path, events: pd.DataFrame) -> None:
    gap = events[~events["event_at"].between("2025-01-12", "2025-01-20 12:00")]
    with pytest.raises(AttributionError, match=r"window 2025-01-13 .*holds no event.*windows\.start"):
        run(tmp_path, gap, window="2025-01-20")
    with pytest.raises(AttributionError, match=r"no week in it has 2 windows with events.*without events: 2025-01-13"):
        run(tmp_path, gap)


def test_window_with_one_class_only(tmp_path: Path, events: pd.DataFrame) -> None:
    none = events[events["event_type"] != "order_placed"]
    with pytest.raises(AttributionError, match=r"0 converted.*order_placed.*check their names"):
        run(tmp_path, none)


def test_unknown_window_names_the_known_ones(tmp_path: Path, events: pd.DataFrame) -> None:
    with pytest.raises(ConfigurationError, match=r"2025-01-14.*starts no window"):
        run(tmp_path, events, window="2025-01-14")


def test_window_without_look_back(tmp_path: Path, events: pd.DataFrame) -> None:
    with pytest.raises(ConfigurationError, match=r"2025-01-13 has 1 windows before it and needs 2"):
        run(tmp_path, events, window="2025-01-13")


def test_too_few_windows(tmp_path: Path, events: pd.DataFrame) -> None:
    with pytest.raises(AttributionError, match=r"2 windows with events before it to learn from.*look_back"):
        run(tmp_path, events[events["event_at"] < "2025-01-13"])


def test_too_many_rejected_rows_stop_the_run(tmp_path: Path, events: pd.DataFrame) -> None:
    broken = events.copy()
    broken.loc[broken.index[::10], "user_id"] = None
    with pytest.raises(AttributionError, match=r"null_user.*more than the 2.0% allowed.*max_rejected_share"):
        run(tmp_path, broken)


def test_unknown_training_setting_names_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "odd.yaml").write_text("extends: marketplace\nname: odd\ntraining: {learning_rat: 1}\n")
    with pytest.raises(ConfigurationError, match=r"training\.learning_rat is no setting; known are .*learning_rate"):
        specifications(load_profile("odd", [tmp_path]))


def test_impossible_model_is_refused_by_its_values(tmp_path: Path) -> None:
    (tmp_path / "odd.yaml").write_text("extends: marketplace\nname: odd\ntraining: {d_model: 50, n_heads: 6}\n")
    with pytest.raises(ConfigurationError, match="d_model=50 is not divisible by n_heads=6"):
        specifications(load_profile("odd", [tmp_path]))


def test_rows_without_a_usable_time_count_towards_the_limit(tmp_path: Path, events: pd.DataFrame) -> None:
    broken = events.copy()
    broken["event_at"] = broken["event_at"].astype(str)
    broken.loc[broken.index[::2], "event_at"] = "yesterday"
    with pytest.raises(AttributionError, match=r"the source: .* are rejected .*no usable time"):
        run(tmp_path, broken)


def test_own_events_are_not_called_simulated(tmp_path: Path, events: pd.DataFrame) -> None:
    path = tmp_path / "events.csv"
    events.to_csv(path, index=False)
    assert not small_workspace(tmp_path, events=str(path)).profile.simulated
    assert small_workspace(tmp_path).profile.simulated


def test_generated_events_are_called_simulated_under_any_profile(tmp_path: Path) -> None:
    generate_retailrocket(tmp_path / "raw", rows=100, property_rows=2)
    events = str(tmp_path / "raw" / "events.csv")
    environment = {"ATTRIBUTION_HOME": str(tmp_path / "home"), "ATTRIBUTION_EVENTS_RETAILROCKET": events}
    settings = Settings.from_environment(environment)
    assert open_workspace("retailrocket", settings, LoggedProgress()).profile.simulated
