import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path

import pytest
import yaml

from attribution_dagster.settings import Settings
from attribution_dagster.warehouse.protocol import Warehouse
from attribution_dagster.warehouse.registry import open_warehouse
from attribution_dagster_tests.warehouse.live import LIVE, live_account
from attribution_dagster_tests.warehouse.local_spark import LOCAL_SPARK, needs_spark
from attribution_dagster_tests.warehouse.shop import shop_profile
from attribution_dagster_tests.warehouse.stand_in import account, stand_in

Opener = Callable[[], Warehouse]
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def snowflake_url() -> Iterator[str]:
    """The address of a server that stands in for Snowflake."""
    with stand_in() as url:
        yield url


@pytest.fixture
def opener(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Opener]:
    """Opens the shop's warehouse of that engine, as often as is wanted: always the same store, which is empty at first."""
    (tmp_path / "datasets").mkdir()
    content = shop_profile().model_dump(mode="json", exclude_unset=True)
    (tmp_path / "datasets" / "shop.yaml").write_text(yaml.safe_dump(content))
    environment = {
        "ATTRIBUTION_HOME": str(tmp_path),
        "ATTRIBUTION_DATASETS": "shop",
        "ATTRIBUTION_DATASET_FOLDERS": str(tmp_path / "datasets"),
        "ATTRIBUTION_MEMORY_LIMIT": "500MB",
        "ATTRIBUTION_THREADS": "1",
    }
    if engine == "snowflake":
        environment |= account(request.getfixturevalue("snowflake_url"), f"contract_{next(_NUMBERS)}")
    if engine == "spark":
        needs_spark()
        environment |= LOCAL_SPARK
    with live_account() if engine == LIVE else nullcontext({}) as of_account:
        yield from _opening(environment | of_account)


def _opening(environment: Mapping[str, str]) -> Iterator[Opener]:
    opened: list[Warehouse] = []

    def open_one() -> Warehouse:
        opened.append(open_warehouse("shop", Settings.from_environment(environment)))
        return opened[-1]

    yield open_one
    for warehouse in opened:
        warehouse.close()


@pytest.fixture
def warehouse(opener: Opener) -> Warehouse:
    return opener()
