"""What a source may be, and what each bad one is told."""

import gzip
import os
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from attribution_dagster.datasets.coverage import latest_plausible
from attribution_dagster.datasets.profile import Profile
from attribution_dagster.errors import ConfigurationError, SourceError
from attribution_dagster.warehouse.queries import load_query
from attribution_dagster.warehouse.source import open_source
from attribution_dagster_tests.warehouse.shop import Shop, shop_profile

HEADER = "user_id,event_at,event_type,store_name\n"
ROW = "a,2025-01-06 10:00:00,view,One\n"
PROFILE = shop_profile()


def rows_of(path: str | Path, folder: Path, profile: Profile = PROFILE) -> list[dict[str, Any]]:
    with Shop(folder, profile) as shop:
        shop.warehouse.attach_source(open_source(profile, path))
        return shop.sql("SELECT user_id, store_name FROM canonical_events ORDER BY store_name")


@pytest.mark.parametrize(
    "name", ["plain.csv", 'it\'s "quoted".csv', "star*[1]?.csv", "semi;colon é.csv", "zipped.csv.gz"]
)
def test_csv_under_any_name_is_read(tmp_path: Path, name: str) -> None:
    path, content = tmp_path / name, (HEADER + ROW).encode()
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    assert rows_of(path, tmp_path) == [{"user_id": "a", "store_name": "One"}]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("\ufeff" + HEADER + ROW, ["One"]),
        ((HEADER + ROW).replace(",", ";"), ["One"]),
        ((HEADER + ROW).replace("\n", "\r\n"), ["One"]),
        (HEADER + 'a,2025-01-06,view,"two\nlines, ""x"""\n', ['two\nlines, "x"']),
        (HEADER + "0012,2025-01-06,view,007\n", ["007"]),
    ],
)
def test_csv_dialects(tmp_path: Path, text: str, names: list[str]) -> None:
    """A byte order mark, semicolons, Windows line ends, quoted line breaks; numbers keep their leading zeros."""
    (tmp_path / "events.csv").write_bytes(text.encode())
    assert [row["store_name"] for row in rows_of(tmp_path / "events.csv", tmp_path)] == names


def test_folder_and_glob_are_read_whole_with_columns_in_any_order(tmp_path: Path) -> None:
    folder = tmp_path / "in" / "2025"
    folder.mkdir(parents=True)
    (folder / "1.csv").write_text(HEADER + ROW)
    (folder / "2.csv").write_text("event_type,store_name,event_at,user_id\nview,Two,2025-01-06,b\n")
    (folder / "_SUCCESS").write_text("")
    expected = [{"user_id": "a", "store_name": "One"}, {"user_id": "b", "store_name": "Two"}]
    assert rows_of(tmp_path / "in", tmp_path) == expected
    assert rows_of(f"{tmp_path}/in/*/*.csv", tmp_path) == expected


def test_typed_parquet_is_read_like_text(tmp_path: Path) -> None:
    at = pa.array([1736157600000000], pa.timestamp("us", tz="UTC"))
    pq.write_table(pa.table({"user_id": pa.array([7]), "event_at": at, "event_type": ["view"]}), tmp_path / "e.parquet")
    with Shop(tmp_path) as shop:
        shop.attach(tmp_path / "e.parquet")
        [row] = shop.sql("SELECT user_id, CAST(event_at AS VARCHAR) AS at FROM canonical_events")
    assert row == {"user_id": "7", "at": "2025-01-06 10:00:00"}


def test_table_of_a_duckdb_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "it's a.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE clicks AS SELECT 'a' AS user_id, '2025-01-06' AS event_at, 'view' AS event_type"
        )
        connection.execute("CREATE TABLE other AS SELECT 1 AS x")
    profile = shop_profile(source={"path": str(path), "table": "clicks"})
    with Shop(tmp_path, profile) as shop:
        shop.warehouse.attach_source(open_source(profile))
        assert shop.column("SELECT user_id FROM canonical_events") == ["a"]
    with pytest.raises(SourceError, match=r"no single table; tables: main\.clicks, main\.other"):
        open_source(PROFILE, path)


def test_malformed_lines_are_counted_and_kept_never_dropped(tmp_path: Path) -> None:
    """Too few columns, too many, bytes that are no text: once each, with their line, however often the file is read."""
    bad = b"short,line\nb,2025-01-06,view,x,y,z\nc,2025-01-06,view,\xff\xfe\n"
    (tmp_path / "events.csv").write_bytes((HEADER + ROW).encode() + bad + ROW.encode())
    with Shop(tmp_path) as shop:
        for _ in range(2):
            shop.attach(tmp_path / "events.csv")
            assert len(shop.sql("SELECT user_id FROM canonical_events")) == 2
        shop.warehouse.build(
            "rejected_events",
            "undated",
            "1",
            load_query("staging/rejected_undated"),
            {"latest_plausible": latest_plausible()},
        )
        details = shop.column("SELECT detail FROM rejected_events WHERE reason = 'malformed_line' ORDER BY detail")
        counted = shop.warehouse.fetch(load_query("staging/source_malformed"), {}).to_pylist()
    assert counted == [{"n_malformed_lines": 3}] and len(details) == 3
    assert "line 3" in details[0] and "short,line" in details[0]


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda f: f / "event.csv", r"there is no file .*event\.csv \(there is events\.csv\)\. Give the path"),
        (lambda f: f / "nowhere" / "x.csv", r"there is no file .* \(nor a folder .*nowhere\)"),
        (lambda f: f / "*.pq", r"no file matches .*\*\.pq"),
        (lambda f: f / "text", r"holds no CSV or Parquet file \(found: notes\.md\)"),
        (lambda f: f / "mixed", r"different kinds: 1 csv \(a\.csv\) and 1 parquet \(b\.parquet\).*glob"),
        (lambda f: f / "book.xlsx", r"\.xlsx is no kind of file"),
        (lambda f: f / "empty.csv", r"empty\.csv is empty \(0 bytes\)"),
        (lambda f: f / "twice.csv", r"names A, a twice"),
        (lambda f: f / "broken.parquet", r"broken\.parquet is not a readable Parquet file"),
        (lambda f: f / "renamed.csv", r"shop needs the column event_type.*Found: user_id, .*\. Is it 'event_typ'\?"),
    ],
)  # fmt: skip
def test_bad_source_is_named_with_its_remedy(tmp_path: Path, make: Any, told: str) -> None:
    (tmp_path / "events.csv").write_text(HEADER + ROW)
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "notes.md").write_text("x")
    (tmp_path / "mixed").mkdir()
    (tmp_path / "mixed" / "a.csv").write_text(HEADER)
    (tmp_path / "mixed" / "b.parquet").write_bytes(b"PAR1")
    (tmp_path / "book.xlsx").write_bytes(b"PK\x03\x04")
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "twice.csv").write_text("A,a\n1,2\n")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 nothing")
    (tmp_path / "renamed.csv").write_text("user_id,event_at,event_typ\n")
    with pytest.raises(SourceError, match=told):
        open_source(PROFILE, make(tmp_path))


def test_corrupt_gzip_is_named(tmp_path: Path) -> None:
    content = gzip.compress((HEADER + ROW * 50_000).encode())
    (tmp_path / "events.csv.gz").write_bytes(content[: len(content) // 2])
    with Shop(tmp_path) as shop, pytest.raises(SourceError, match=r"events\.csv\.gz can't be read to its end"):
        shop.attach(tmp_path / "events.csv.gz")


@pytest.mark.parametrize(("first", "then"), [("\r\n", "\n"), ("\n", "\r\n")])
def test_lines_that_end_in_two_ways_are_named_with_their_remedy(tmp_path: Path, first: str, then: str) -> None:
    header, row = HEADER.rstrip("\n"), ROW.rstrip("\n")
    (tmp_path / "events.csv").write_bytes(f"{header}{first}{(row + first) * 3}{row}{then}".encode())
    told = r"events\.csv .* its lines end in two ways, line 5 otherwise than line 1 .* tr -d '\\r'"
    with Shop(tmp_path) as shop, pytest.raises(SourceError, match=told):
        shop.attach(tmp_path / "events.csv")


def test_no_source_at_all_is_told_what_to_give() -> None:
    with pytest.raises(SourceError, match="dataset shop has no events yet: give a file"):
        open_source(PROFILE)
    with pytest.raises(ConfigurationError, match=r"source\.table clicks needs source\.path"):
        open_source(shop_profile(source={"table": "clicks"}))
    with pytest.raises(
        SourceError, match="dataset shop is simulated: `attribution run --dataset shop` draws its events"
    ):
        open_source(shop_profile(source={"simulate": {"users": 10, "seed": 1}}))


def test_digest_follows_content_not_name_or_time(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEADER + ROW)
    first = open_source(PROFILE, tmp_path / "a.csv").digest
    (tmp_path / "a.csv").rename(tmp_path / "b.csv")
    os.utime(tmp_path / "b.csv", (1, 1))
    assert open_source(PROFILE, tmp_path / "b.csv").digest == first
    (tmp_path / "b.csv").write_text(HEADER + ROW.replace("One", "Two"))
    assert open_source(PROFILE, tmp_path / "b.csv").digest != first


def test_users_own_staging_sql_is_found_beside_their_profile(tmp_path: Path) -> None:
    """Their SQL is read in place of one of ours, and its columns are what their file must have."""
    ours = load_query("staging/stg_events__marketplace").text
    (tmp_path / "stg_events__mine.sql").write_text(ours.replace("raw_events.user_id", "raw_events.who"))
    (tmp_path / "events.csv").write_text((HEADER + ROW).replace("user_id", "who"))
    profile = shop_profile(staging="mine")
    with Shop(tmp_path, profile) as shop:
        shop.warehouse.attach_source(open_source(profile, tmp_path / "events.csv", folders=[tmp_path]))
        assert shop.column("SELECT user_id FROM canonical_events") == ["a"]
    with pytest.raises(ConfigurationError, match="no SQL for staging/stg_events__mine"):
        open_source(profile, tmp_path / "events.csv")
