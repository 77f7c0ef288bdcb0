from pathlib import Path

import pytest
import torch

from attribution_dagster.core.journeys.journeys import Journeys
from attribution_dagster.core.journeys.lstm import JourneyModel, JourneySpec
from attribution_dagster.core.journeys.training import JourneyTraining, split_by_time, train_journeys
from attribution_dagster.core.simulation.ads_world import AdsWorld
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.journeys.small import small_ads
from attribution_dagster_tests.journeys.world import Built, build
from attribution_dagster_tests.pipeline.small import copy_in_use


@pytest.fixture(scope="session")
def built() -> Built:
    return build(AdsWorld(), users=350, weeks=3, seed=5)


@pytest.fixture(scope="session")
def model(built: Built) -> JourneyModel:
    """A trained model whose network has a say, whatever validation thought of it."""
    train, validation = split_by_time(built.journeys)
    spec = JourneySpec(d_category=4, d_model=8, d_hidden=8)
    found = train_journeys(train, validation, spec, JourneyTraining(max_epochs=1), seed=0).model
    with torch.no_grad():
        found.head.weight.copy_(torch.linspace(-0.8, 0.8, 8)[None])
    return found


@pytest.fixture(scope="session")
def some(built: Built) -> Journeys:
    """Sixty journeys, some without ads."""
    return built.journeys.select(range(0, 600, 10))


@pytest.fixture(scope="session")
def published(published_ads: Workspace) -> Workspace:
    """The small dataset of ads with its explained window published."""
    return published_ads


@pytest.fixture()
def copy(published: Workspace, tmp_path: Path) -> Workspace:
    """A copy of it that a test may damage."""
    copy_in_use(published.settings.home, tmp_path / "home", "mlflow*", "dagster", "simulated")
    return small_ads(tmp_path)
