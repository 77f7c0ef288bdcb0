from pathlib import Path

import numpy as np
import pytest

from attribution_dagster.core.traits.corpus import Corpus
from attribution_dagster.core.traits.customers import CustomerTokens
from attribution_dagster.core.traits.item2vec import Item2VecSpec, train
from attribution_dagster.core.traits.pooling import Pooler, fit_pooler
from attribution_dagster.core.traits.tasks import bought_categories
from attribution_dagster.core.traits.vectors import ItemVectors
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.pipeline.small import copy_in_use
from attribution_dagster_tests.traits.small import make_all, small_shoppers
from attribution_dagster_tests.traits.world import PURCHASE, World, build


@pytest.fixture(scope="session")
def world() -> World:
    return build(users=500, weeks=4, seed=5)


@pytest.fixture(scope="session")
def corpus(world: World, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return world.corpus(3, tmp_path_factory.mktemp("corpus") / "sessions.txt")


@pytest.fixture(scope="session")
def vectors(corpus: Corpus) -> ItemVectors:
    return train(corpus, Item2VecSpec(dimensions=24, epochs=10, min_count=3), seed=1)


@pytest.fixture(scope="session")
def customers(world: World) -> CustomerTokens:
    return world.customers(0, 3)


@pytest.fixture(scope="session")
def pooler(world: World, customers: CustomerTokens, vectors: ItemVectors) -> Pooler:
    categories = sorted({c for c in vectors.categories if c is not None})
    return fit_pooler(customers, vectors, bought_categories(world.customers(3, 4), PURCHASE, categories), seed=0)


@pytest.fixture(scope="session")
def embedded(pooler: Pooler, customers: CustomerTokens, vectors: ItemVectors) -> np.ndarray:
    return pooler.pool(customers, vectors)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The small dataset of shoppers with all traits of both explained windows. Tests read it."""
    workspace = small_shoppers(tmp_path_factory.mktemp("shoppers"))
    make_all(workspace)
    return workspace


@pytest.fixture()
def copy(made: Workspace, tmp_path: Path) -> Workspace:
    """A copy of it that a test may damage."""
    copy_in_use(made.settings.home, tmp_path / "home", "mlflow*", "dagster", "simulated")
    return small_shoppers(tmp_path)
