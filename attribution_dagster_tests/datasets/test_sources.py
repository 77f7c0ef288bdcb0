"""The datasets' own staging SQL, on a few rows of their formats; the real file where it lies."""

from datetime import datetime
from pathlib import Path

import pytest

from attribution_dagster.datasets.registry import load_profile
from attribution_dagster.errors import SourceError
from attribution_dagster.warehouse.source import open_source
from attribution_dagster_tests.datasets.real import TAOBAO, needs_file
from attribution_dagster_tests.warehouse.shop import Shop

MS = 1_433_000_000_000  # 30 May 2015 15:33:20 UTC


def test_retailrocket_takes_the_value_known_at_the_events_time(tmp_path: Path) -> None:
    """Before the first snapshot nothing is known; at its very millisecond it is; the next one replaces it."""
    events = [(MS - 1, "view"), (MS, "addtocart"), (MS + 999, "view"), (MS + 1000, "transaction")]
    (tmp_path / "events.csv").write_text(
        "timestamp,visitorid,event,itemid,transactionid\n" + "".join(f"{at},1,{kind},5,\n" for at, kind in events)
    )
    (tmp_path / "item_properties_part1.csv").write_text(
        f"timestamp,itemid,property,value\n{MS},5,categoryid,10\n{MS},5,790,n1500.000\n{MS},6,categoryid,99\n"
    )
    (tmp_path / "item_properties_part2.csv").write_text(
        f"timestamp,itemid,property,value\n{MS + 1000},5,categoryid,20\n{MS},5,888,n3.000 text n4.000\n"
    )
    (tmp_path / "category_tree.csv").write_text("categoryid,parentid\n10,1\n20,\n")
    profile = load_profile("retailrocket")
    with Shop(tmp_path, profile) as shop:
        shop.attach(tmp_path / "events.csv")
        rows = shop.sql(
            "SELECT event_at, primary_category, primary_tag, price_usd FROM canonical_events ORDER BY event_at"
        )
    assert rows[1]["event_at"] == datetime(2015, 5, 30, 15, 33, 20)
    assert [tuple(row.values())[1:] for row in rows] == [
        (None, None, None), ("10", "1", 1500.0), ("10", "1", 1500.0), ("20", None, 1500.0),
    ]  # fmt: skip


def test_retailrocket_runs_without_its_extra_files_and_names_a_wrong_one(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text(f"timestamp,visitorid,event,itemid,transactionid\n{MS},1,view,5,\n")
    profile = load_profile("retailrocket")
    with Shop(tmp_path, profile) as shop:
        shop.attach(tmp_path / "events.csv")
        assert shop.sql("SELECT product_id, primary_category FROM canonical_events") == [
            {"product_id": "5", "primary_category": None}
        ]
    (tmp_path / "category_tree.csv").write_text("categoryid,parent\n1,2\n")
    with pytest.raises(SourceError, match=r"category_tree\.csv: extra input category_tree needs the column parentid"):
        open_source(profile, tmp_path / "events.csv")


def test_taobao_seconds_are_utc_and_equal_lines_are_duplicates(tmp_path: Path) -> None:
    lines = ["1,2,3,pv,1511544070", "1,2,3,pv,1511544070", "1,2,3,pv,99999999999999999", "1,2,3,pv,soon"]
    (tmp_path / "events.csv").write_text("user_id,item_id,category_id,behavior,ts\n" + "\n".join(lines) + "\n")
    with Shop(tmp_path, load_profile("taobao")) as shop:
        shop.attach(tmp_path / "events.csv")
        shop.build()
        assert shop.column("SELECT event_at FROM canonical_events ORDER BY event_at_raw") == [
            datetime(2017, 11, 24, 17, 21, 10), datetime(2017, 11, 24, 17, 21, 10), None, None,
        ]  # fmt: skip
        assert shop.column("SELECT reason FROM rejected_events") == ["duplicate_delivery"]
        assert shop.column("SELECT session_id FROM sessions") == ["1_no-device_2017-11-25_1"]


@needs_file(TAOBAO)
def test_taobao_has_the_sessions_of_its_description(tmp_path: Path) -> None:
    """84,252 events in 14,071 sessions, 9.55 % with a buy, and 37 to 38 % of those with nothing to read before it."""
    with Shop(tmp_path, load_profile("taobao")) as shop:
        shop.attach(TAOBAO)
        shop.build()
        [row] = shop.sql(
            "SELECT COUNT(*) AS n, CAST(SUM(n_events) AS BIGINT) AS events, COUNT_IF(is_converted) AS converted, "
            "COUNT_IF(is_converted AND conversion_event_index = 1) AS at_once FROM sessions"
        )
        assert shop.column("SELECT COUNT(*) AS n FROM rejected_events") == [0]
    assert (row["n"], row["events"]) == (14_071, 84_252)
    assert row["converted"] / row["n"] == pytest.approx(0.0955, abs=0.00005)
    assert row["at_once"] / row["converted"] == pytest.approx(0.37, abs=0.01)
