"""The queries in sql/examples, as people type them: three windows and two datasets are there, and each reads its latest."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from attribution_dagster.settings import Settings
from attribution_dagster.warehouse.ddl import table_definition
from attribution_dagster.warehouse.protocol import Warehouse
from attribution_dagster.warehouse.queries import parse_query, sql_folder
from attribution_dagster.warehouse.registry import open_warehouse
from attribution_dagster_tests.warehouse.engines import engines
from attribution_dagster_tests.warehouse.local_spark import LOCAL_SPARK, needs_spark
from attribution_dagster_tests.warehouse.shop import shop_profile
from attribution_dagster_tests.warehouse.stand_in import account

WINDOWS = ["2025-01-06", "2025-01-07", "2025-01-08"]
LIFTS = {"share": 0.2, "view": 0.07, "scroll": 0.05, "idle": -0.05, "back": -0.3, "rare": None}
"""Of the latest window of `shop`; earlier windows and the other dataset have others."""
EXAMPLES = sorted(path.stem for path in (sql_folder() / "examples").glob("*.sql"))
EXPECTED: dict[str, list[dict[str, Any]]] = {
    "signal_strength": [
        {"event_type": "share", "attribution_lift": 0.2, "signal_strength": "Strong positive signal"},
        {"event_type": "view", "attribution_lift": 0.07, "signal_strength": "Moderate positive signal"},
        {"event_type": "scroll", "attribution_lift": 0.05, "signal_strength": "Neutral"},
        {"event_type": "idle", "attribution_lift": -0.05, "signal_strength": "Neutral"},
        {"event_type": "back", "attribution_lift": -0.3, "signal_strength": "Negative signal"},
    ],
    "top_event_types": [
        {"event_type": name, "not_converted": None, "converted": None, "attribution_lift": LIFTS[name]}
        for name in ("rare", "share", "view", "scroll", "idle", "back")
    ],
    "top_stores": [
        {"store_id": "b", "store_name": "Bäcker \"B\"", "mean": 0.9, "count": 3},
        {"store_id": "a", "store_name": "A'; --", "mean": 0.5, "count": 2},
    ],
    "leakage": [
        {"event_type": "checkout", "no_funnel_lift": None, "with_funnel_lift": 0.6, "leakage_amount": 0.6},
        {"event_type": "share", "no_funnel_lift": 0.2, "with_funnel_lift": 0.1, "leakage_amount": -0.1},
    ],
}  # fmt: skip


def _rows(table: str, start: datetime, rows: list[dict[str, Any]]) -> list[pa.RecordBatch]:
    """Rows of the table; what isn't given is NULL."""
    schema = table_definition(table).schema
    return pa.Table.from_pylist([{"window_start": start, **row} for row in rows], schema=schema).to_batches()


def _fill(warehouse: Warehouse, shift: float) -> None:
    for number, key in enumerate(WINDOWS):
        start, off = datetime(2025, 1, 6) + timedelta(days=number), shift + 2 - number
        lifts = [
            {"event_type": name, "attribution_lift": None if lift is None else lift + off}
            for name, lift in LIFTS.items()
        ]
        leaky = [
            {"event_type": "checkout", "attribution_lift": 0.6 + off},
            {"event_type": "share", "attribution_lift": 0.1 + off},
        ]
        stores = [
            {"store_id": "a", "store_name": "A'; --", "label": 1, "mean": 0.5 + off, "count": 2},
            {"store_id": "b", "store_name": 'Bäcker "B"', "label": 1, "mean": 0.9 + off, "count": 3},
            {"store_id": "b", "store_name": 'Bäcker "B"', "label": 0, "mean": 0.95 + off, "count": 9},
        ]
        tables = {
            "event_attribution_no_funnel": lifts,
            "event_attribution_with_funnel": leaky,
            "store_attribution_no_funnel": stores,
        }
        for name, rows in tables.items():
            table = f"transformer_{name}"
            warehouse.load(table, key, "1", _rows(table, start, rows))
        warehouse.publish(key, {f"transformer_{name}": "1" for name in tables}, {})


def _opened(engine: str, folder: Path, request: pytest.FixtureRequest) -> tuple[Settings, dict[str, Warehouse]]:
    for name in ("shop", "other"):
        content = shop_profile(name=name).model_dump(mode="json", exclude_unset=True)
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(content))
    environment = {
        "ATTRIBUTION_HOME": str(folder),
        "ATTRIBUTION_DATASETS": "shop,other",
        "ATTRIBUTION_DATASET_FOLDERS": str(folder),
    }
    if engine == "snowflake":
        environment |= account(request.getfixturevalue("snowflake_url"), "examples")
    if engine == "spark":
        needs_spark()
        environment |= LOCAL_SPARK
    settings = Settings.from_environment(environment)
    return settings, {name: open_warehouse(name, settings) for name in ("shop", "other")}


def _run(engine: str, settings: Settings, warehouse: Warehouse, text: str) -> list[dict[str, Any]]:
    if engine != "snowflake":
        return warehouse.fetch(parse_query("example", text), {}, "published").to_pylist()
    import snowflake.connector

    assert settings.snowflake is not None and settings.snowflake.url is not None
    port = int(settings.snowflake.url.rsplit(":", 1)[1])
    login = {"account": "x", "user": "analyst", "password": "x", "host": "127.0.0.1", "port": port, "protocol": "http"}
    schema = settings.snowflake.schema_of(warehouse.dataset)
    with snowflake.connector.connect(**login, database="examples", schema=schema) as connection:
        cursor = connection.cursor(snowflake.connector.DictCursor)
        return [{name.lower(): value for name, value in row.items()} for row in cursor.execute(text).fetchall()]


@pytest.mark.parametrize("engine", engines())
def test_examples_read_the_latest_window_of_their_dataset(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    assert set(EXPECTED) == set(EXAMPLES)
    settings, warehouses = _opened(engine, tmp_path, request)
    _fill(warehouses["shop"], 0)
    _fill(warehouses["other"], 10)
    for name, expected in EXPECTED.items():
        text = (sql_folder() / "examples" / f"{name}.sql").read_text()
        got = _run(engine, settings, warehouses["shop"], text)
        others = {row["event_type"]: row for row in got} if name == "leakage" else None
        if others is not None:
            assert all(others[name]["with_funnel_lift"] is None for name in ("view", "scroll", "idle", "back", "rare"))
            got = [row for row in got if row["with_funnel_lift"] is not None]
        assert [
            {k: pytest.approx(v) if isinstance(v, float) else v for k, v in row.items()} for row in expected
        ] == got, name
    [first, *_] = _run(
        engine, settings, warehouses["other"], (sql_folder() / "examples" / "top_stores.sql").read_text()
    )
    assert first["store_id"] == "b" and first["mean"] == pytest.approx(10.9)
    for warehouse in warehouses.values():
        warehouse.close()
