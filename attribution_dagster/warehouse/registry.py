"""Which warehouses there are: adding one is a file and a line here."""

from collections.abc import Callable

from attribution_dagster.datasets.registry import load_profile
from attribution_dagster.errors import ConfigurationError
from attribution_dagster.settings import Settings
from attribution_dagster.warehouse.protocol import Warehouse


def open_warehouse(dataset: str, settings: Settings) -> Warehouse:
    """The warehouse that the settings name, for one dataset; nothing is opened before it is used.

    Raises ConfigurationError for a warehouse that does not exist.
    """
    if settings.warehouse not in WAREHOUSES:
        raise ConfigurationError(
            f"no warehouse is called {settings.warehouse!r}. Known: {', '.join(sorted(WAREHOUSES))}."
        )
    return WAREHOUSES[settings.warehouse](dataset, settings)


def _duckdb(dataset: str, settings: Settings) -> Warehouse:
    from attribution_dagster.warehouse.duckdb import DuckDBWarehouse

    return DuckDBWarehouse(
        root=settings.home / "warehouse",
        profile=load_profile(dataset, settings.dataset_folders),
        memory_limit=settings.memory_limit,
        threads=settings.threads,
    )


def _snowflake(dataset: str, settings: Settings) -> Warehouse:
    from attribution_dagster.warehouse.snowflake import SnowflakeWarehouse

    if settings.snowflake is None:
        raise ConfigurationError(
            "the warehouse snowflake needs an account: set ATTRIBUTION_SNOWFLAKE_ACCOUNT and its like"
        )
    return SnowflakeWarehouse(
        settings=settings.snowflake,
        profile=load_profile(dataset, settings.dataset_folders),
        memory_limit=settings.memory_limit,
        threads=settings.threads,
    )


def _spark(dataset: str, settings: Settings) -> Warehouse:
    try:
        from attribution_dagster.warehouse.spark import SparkWarehouse
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "pyspark":
            raise
        raise ConfigurationError(
            "ATTRIBUTION_WAREHOUSE=spark needs pyspark: pip install 'attribution-dagster[spark]'"
        ) from error

    return SparkWarehouse(
        root=settings.home / "warehouse",
        profile=load_profile(dataset, settings.dataset_folders),
        master=settings.spark_master,
        memory_limit=settings.memory_limit,
        threads=settings.threads,
    )


WAREHOUSES: dict[str, Callable[[str, Settings], Warehouse]] = {
    "duckdb": _duckdb,
    "snowflake": _snowflake,
    "spark": _spark,
}
