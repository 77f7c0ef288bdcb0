import datetime
import hashlib
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from attribution_dagster.core.simulation import MarketplaceWorld, simulate_marketplace
from attribution_dagster_tests.simulation.conftest import START

SMALL = MarketplaceWorld(block_users=50)


def simulate(out: Path, *, users: int = 120, seed: int = 1, world: MarketplaceWorld = SMALL, **more):
    return simulate_marketplace(out, users=users, weeks=1, start=START, seed=seed, world=world, **more)


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_one_seed_gives_identical_bytes_and_another_does_not(tmp_path):
    first, again, other = (tmp_path / name for name in ("first", "again", "other"))
    simulate(first), simulate(again), simulate(other, seed=2)
    assert digests(first) == digests(again)
    assert digests(first)["events/part-00000.parquet"] != digests(other)["events/part-00000.parquet"]


def test_the_first_users_are_the_same_however_many_are_asked_for(tmp_path):
    few, many = simulate(tmp_path / "few", users=70), simulate(tmp_path / "many", users=190)
    for part in ("events", "truth/occurrences"):
        a, b = pq.read_table(few.folder / part), pq.read_table(many.folder / part)
        assert 0 < a.num_rows < b.num_rows and b.slice(0, a.num_rows).equals(a)
        assert a["user_id"].to_pylist()[-1] <= "u00000069" < b["user_id"].to_pylist()[a.num_rows]


def test_a_block_does_not_depend_on_the_blocks_before_it(tmp_path):
    """The second part file of 100 users and of 150 users is the same file."""
    two, three = simulate(tmp_path / "two", users=100), simulate(tmp_path / "three", users=150)
    assert digests(two.folder)["events/part-00001.parquet"] == digests(three.folder)["events/part-00001.parquet"]


def test_event_ids_are_unique_and_sort_in_order_of_time_within_a_device(tmp_path):
    events = pq.read_table(simulate(tmp_path / "out").folder / "events").to_pandas()
    assert events["event_id"].is_unique and events["event_id"].is_monotonic_increasing
    assert events.groupby(["user_id", "device_id"])["event_at"].is_monotonic_increasing.all()


def test_columns_are_plain_and_times_are_naive_utc_within_the_weeks_asked_for(tmp_path):
    table = pq.read_table(simulate(tmp_path / "out").folder / "events")
    assert table.schema.field("event_type").type == pa.string()
    assert table.schema.field("event_at").type == pa.timestamp("us")
    times = table["event_at"].to_pandas()
    assert times.min() >= datetime.datetime(2025, 1, 6) and times.max() < datetime.datetime(2025, 1, 13)


def test_events_past_the_last_week_are_cut_off_in_the_middle_of_a_session(tmp_path):
    last_hour = tuple(float(hour == 23) for hour in range(24))
    events = pq.read_table(simulate(tmp_path / "out", world=replace(SMALL, hour_weights=last_hour)).folder / "events")
    times = events["event_at"].to_pandas()
    assert (times.dt.hour == 0).any(), "sessions go on past midnight"
    assert datetime.datetime(2025, 1, 12, 23, 50) < times.max() < datetime.datetime(2025, 1, 13)


def test_progress_ends_at_one_and_the_summary_counts_what_is_on_disk(tmp_path):
    said = []
    summary = simulate(tmp_path / "out", progress=lambda message, fraction: said.append((message, fraction)))
    assert [round(fraction, 3) for _, fraction in said] == [0.417, 0.833, 1.0]
    assert said[-1][0] == "simulated 120 of 120 users"
    events = pq.read_table(summary.folder / "events").to_pandas()
    assert summary.events == len(events) and summary.parts == 3
    assert summary.active_users == events["user_id"].nunique()


def test_an_earlier_simulation_is_replaced_as_a_whole(tmp_path):
    simulate(tmp_path / "out", users=120)
    simulate(tmp_path / "out", users=40)
    assert [path.name for path in (tmp_path / "out" / "events").iterdir()] == ["part-00000.parquet"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"], "no temporary folder is left"


def test_somebodys_own_files_are_not_overwritten(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ValueError, match="not generated here; name an empty or a new folder"):
        simulate(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="is a file"):
        simulate(tmp_path / "file")
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_an_interrupted_simulation_leaves_what_was_there_before(tmp_path):
    simulate(tmp_path / "out")
    before = digests(tmp_path / "out")

    def stop(message: str, fraction: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(tmp_path / "out", seed=2, progress=stop)
    assert digests(tmp_path / "out") == before and [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_world_in_which_nobody_comes_is_written_empty(tmp_path):
    summary = simulate(tmp_path / "out", users=1, world=replace(SMALL, block_users=1, visits_per_user_week=0.01))
    assert summary.sessions == summary.events == 0 and summary.conversion_rate == 0
    assert pq.read_table(summary.folder / "events").num_rows == 0


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("users", 0, "users=0 must be at least 1"),
        ("weeks", 0, "weeks=0 must be within 1 to 104"),
        ("weeks", 200, "weeks=200"),
        ("seed", -1, "seed=-1 must not be negative"),
        ("start", datetime.date(1970, 1, 1), "start=1970-01-01"),
    ],
)
def test_arguments_out_of_range_are_refused_by_name(tmp_path, argument, value, message):
    arguments = {"users": 10, "weeks": 1, "start": START, "seed": 0, argument: value}
    with pytest.raises(ValueError, match=message):
        simulate_marketplace(tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()
