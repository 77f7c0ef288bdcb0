"""A small dataset for tests: write events, build its windows, look at the tables."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from attribution_dagster.datasets.parameters import parameters
from attribution_dagster.datasets.profile import Profile
from attribution_dagster.datasets.windows import Window, windows
from attribution_dagster.warehouse.duckdb import DuckDBWarehouse
from attribution_dagster.warehouse.queries import load_query, parse_query
from attribution_dagster.warehouse.source import open_source

STAGES = {
    "stg_events": "staging/stg_events",
    "rejected_events": "sessions/rejected_events",
    "session_events": "sessions/session_events",
    "sessions": "sessions/sessions",
    "sampled_users": "sessions/sampled_users",
    "session_funnels": "sessions/session_funnels",
    "funnel_metrics": "sessions/funnel_metrics",
}
OPEN_END = datetime(2030, 1, 1)
COLUMNS = (
    "event_id", "user_id", "device_id", "event_at", "event_type", "discovery_feature", "store_id", "store_name",
    "primary_tag", "primary_category", "is_nv", "product_id", "price_usd",
)  # fmt: skip


def shop_profile(**changes: Any) -> Profile:
    """Daily windows from 6 to 9 January 2025 UTC, sessions of at most 2 hours; keyword arguments replace parts."""
    content: dict[str, Any] = {
        "name": "shop",
        "title": "Shop",
        "staging": "marketplace",
        "optional_columns": [name for name in COLUMNS if name not in ("user_id", "event_at", "event_type")],
        "time_zone": "UTC",
        "windows": {"length": "day", "start": "2025-01-06", "end": "2025-01-10", "look_back": 1},
        "sessions": {"inactivity_minutes": 30, "max_hours": 2, "bot_max_events": 50, "bot_max_events_per_minute": 20},
        "roles": {
            "view": ["view"], "cart": ["cart"], "remove": ["uncart"], "checkout": ["checkout"],
            "conversion": ["order"], "funnel": ["cart", "checkout"],
        },
        "variants": {"no_funnel": {"funnel": "drop"}},
        **changes,
    }  # fmt: skip
    return Profile.model_validate(content)


def event(user: str | None, at: str | datetime | None, kind: str | None = "view", **more: Any) -> dict[str, Any]:
    """One raw event; `at` as text such as '2025-01-06 10:00:00'."""
    when = at.isoformat(" ") if isinstance(at, datetime) else at
    return {"user_id": user, "event_at": when, "event_type": kind, **more}


class Shop:
    """A warehouse over a folder, with the shop's events attached."""

    def __init__(self, folder: Path, profile: Profile | None = None) -> None:
        """Nothing is attached yet."""
        self.folder, self.profile = folder, profile or shop_profile()
        self.warehouse = DuckDBWarehouse(root=folder / "warehouse", profile=self.profile, memory_limit="500MB")

    def __enter__(self) -> "Shop":
        return self

    def __exit__(self, *_: object) -> None:
        self.warehouse.close()

    def write(self, events: Iterable[Mapping[str, Any]], name: str = "events.parquet") -> Path:
        """Events as a Parquet file of text columns, with ids e000, e001 … where none are given."""
        rows = [{"event_id": f"e{number:03d}", **each} for number, each in enumerate(events)]
        columns = {
            key: [row.get(key) for row in rows]
            for key in COLUMNS
            if key in {"user_id", "event_at", "event_type"} or any(key in row for row in rows)
        }
        text = {
            key: pa.array([None if v is None else str(v) for v in values], pa.string())
            for key, values in columns.items()
        }
        pq.write_table(pa.table(text), self.folder / name)
        return self.folder / name

    def attach(self, path: Path) -> None:
        """Make the file the source."""
        self.warehouse.attach_source(open_source(self.profile, path))

    def build(
        self,
        version: str = "1",
        only: Sequence[Window] | None = None,
        tables: Sequence[str] = ("stg_events", "rejected_events", "session_events", "sessions"),
        **more: object,
    ) -> None:
        """Build the tables, window by window in the order given."""
        for window in windows(self.profile) if only is None else only:
            for table in tables:
                query = load_query(STAGES[table])
                values = parameters(self.profile, window, query.parameters, {"observation_end": OPEN_END, **more})
                self.warehouse.build(table, window.key, version, query, values)

    def run(self, events: Iterable[Mapping[str, Any]], **options: Any) -> "Shop":
        """Write, attach and build everything."""
        self.attach(self.write(events))
        self.build(**options)
        return self

    def sql(self, text: str) -> list[dict[str, Any]]:
        """Rows of a query on the work area."""
        return self.warehouse.fetch(parse_query("test", text), {}).to_pylist()

    def column(self, text: str) -> list[Any]:
        """First column of a query's rows."""
        return [next(iter(row.values())) for row in self.sql(text)]
