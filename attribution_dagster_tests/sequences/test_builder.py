"""The builder writes what SequenceSet reads, whatever the batches; and what the SQL streams to it is cut right."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attribution_dagster.core.sequences.builder import build_sequences
from attribution_dagster.core.sequences.risk_set import draw_risk_set
from attribution_dagster.core.sequences.sequence_set import SequenceSet
from attribution_dagster.datasets.parameters import parameters
from attribution_dagster.datasets.windows import windows
from attribution_dagster.warehouse.queries import load_query
from attribution_dagster_tests.warehouse.shop import Shop, event

START = datetime(2025, 1, 6, 12)
SCHEMA = pa.schema(
    [
        ("session_id", pa.string()), ("user_id", pa.string()), ("label", pa.int32()), ("in_risk_set", pa.bool_()),
        ("started_at", pa.timestamp("us")), ("event_at", pa.timestamp("us")), ("event_type", pa.string()),
        ("store_id", pa.string()), ("store_name", pa.string()), ("primary_tag", pa.string()),
        ("primary_category", pa.string()), ("is_nv", pa.bool_()), ("price_usd", pa.float64()),
    ]
)  # fmt: skip
NUMBERS = ("event_rank", "time_delta", "is_nv", "price_usd")


def rows_of(*lengths: int) -> list[dict]:
    """Sessions of these lengths; event k comes 2**k seconds after the start, every third has no store."""
    return [
        {
            "session_id": f"s{session:03d}", "user_id": f"u{session % 2}", "label": session % 2,
            "in_risk_set": session % 3 == 0, "started_at": START, "event_at": START + timedelta(seconds=2**position),
            "event_type": ["view", "click"][position % 2], "store_id": None if position % 3 == 2 else f"st{session}",
            "store_name": "🍜, \"x\"\n<b>", "primary_tag": None, "primary_category": "c",
            "is_nv": [True, False, None][position % 3], "price_usd": 1.5 if position else None,
        }
        for session, length in enumerate(lengths)
        for position in range(length)
    ]  # fmt: skip


def batches_of(rows: list[dict], sizes: list[int]) -> list[pa.RecordBatch]:
    table, batches, at = pa.Table.from_pylist(rows, schema=SCHEMA), [], 0
    for size in [*sizes, len(rows)]:
        batches += table.slice(at, size).combine_chunks().to_batches() or [
            pa.RecordBatch.from_pylist([], schema=SCHEMA)
        ]
        at += size
    return batches


def test_small_set_by_hand(tmp_path: Path) -> None:
    counts = build_sequences(batches_of(rows_of(3, 2), [2]), ["event_type"], NUMBERS, tmp_path / "set", max_events=2)
    found = SequenceSet.open(tmp_path / "set")
    assert found.offsets.tolist() == [0, 3, 5] and found.label.tolist() == [0, 1]
    assert found.session_id.to_pylist() == ["s000", "s001"] and found.in_risk_set.tolist() == [True, False]
    assert found.numbers["event_rank"].tolist() == [1, 2, 3, 1, 2]
    assert found.numbers["time_delta"].tolist() == [0, 1, 2, 0, 1]
    np.testing.assert_array_equal(found.numbers["is_nv"], np.float32([1, 0, np.nan, 1, 0]))
    np.testing.assert_array_equal(found.numbers["price_usd"], np.float32([np.nan, 1.5, 1.5, np.nan, 1.5]))
    assert found.codes["store_id"].tolist() == [0, 0, -1, 1, 1] and found.dictionaries["store_id"] == ["st0", "st1"]
    assert set(found.codes) == {"event_type", "store_id", "store_name", "primary_tag", "primary_category"}
    assert found.dictionaries["store_name"] == ['🍜, "x"\n<b>'] and found.dictionaries["primary_tag"] == []
    assert found.event_at_us[1] == 1_736_164_802_000_000 and found.started_at_us[0] == 1_736_164_800_000_000
    assert (counts.sessions, counts.events, counts.longest) == (2, 5, 3)
    assert (counts.not_converted.truncated, counts.not_converted.events_unread) == (1, 1)
    assert (counts.converted.events, counts.converted.truncated, counts.converted.in_risk_set) == (2, 0, 0)


@settings(max_examples=40, deadline=None)
@given(lengths=st.lists(st.integers(1, 6), max_size=8), sizes=st.lists(st.integers(0, 7), max_size=12))
def test_batches_make_no_difference(lengths, sizes, tmp_path_factory) -> None:
    """Sessions may straddle batches, and batches may be empty: the files are the same."""
    folder, rows = tmp_path_factory.mktemp("set"), rows_of(*lengths)
    counts = build_sequences(batches_of(rows, sizes), ["event_type"], NUMBERS, folder / "a")
    assert counts == build_sequences(batches_of(rows, []), ["event_type"], NUMBERS, folder / "b")
    for path in (folder / "a").glob("*.npy"):
        assert path.read_bytes() == (folder / "b" / path.name).read_bytes(), path.name
    a, b = SequenceSet.open(folder / "a"), SequenceSet.open(folder / "b")
    assert a.session_id == b.session_id and a.lengths.tolist() == lengths


def without_events(session: str, label: int) -> dict:
    return {**rows_of(1)[0], "session_id": session, "label": label, "event_at": None}


@pytest.mark.parametrize("sizes", [[], [1] * 9, [2, 2, 2], [3, 3]])
def test_a_session_without_events_is_there_and_leaves_the_others_as_they_are(tmp_path: Path, sizes) -> None:
    """First, last and in between: its row is a session with its label, and no event."""
    full = rows_of(3, 2)
    rows = [without_events("a", 1), *full[:3], without_events("s000a", 0), *full[3:], without_events("z", 1)]
    counts = build_sequences(batches_of(rows, sizes), ["event_type"], NUMBERS, tmp_path / "set")
    build_sequences(batches_of(full, []), ["event_type"], NUMBERS, tmp_path / "full")
    found, other = (SequenceSet.open(tmp_path / name) for name in ("set", "full"))
    assert found.lengths.tolist() == [0, 3, 0, 2, 0] and found.label.tolist() == [1, 0, 0, 1, 1]
    assert (counts.sessions, counts.events, counts.converted.sessions) == (5, 5, 3)
    assert found.event_at_us.tolist() == other.event_at_us.tolist()
    for name in NUMBERS:
        np.testing.assert_array_equal(found.numbers[name], other.numbers[name])
    assert found.select([4, 3]).lengths.tolist() == [0, 2]


@pytest.mark.parametrize("sizes", [[], [1, 1, 1]])
def test_an_event_without_a_time_is_refused(tmp_path: Path, sizes) -> None:
    rows = rows_of(3)
    for at in range(3):
        broken = [{**row, "event_at": None} if number == at else row for number, row in enumerate(rows)]
        with pytest.raises(ValueError, match="session s000 has an event without a time"):
            build_sequences(batches_of(broken, sizes), ["event_type"], NUMBERS, tmp_path / "set")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda rows: rows[3:] + rows[:3], "session s000 comes after s001: rows must be ordered by session_id"),
        (lambda rows: [rows[1], rows[0], *rows[2:]], "session s000: rows must be ordered by event_at"),
        (lambda rows: [rows[0], {**rows[1], "label": 1}, *rows[2:]], "session s000 has more than one label"),
    ],
)
@pytest.mark.parametrize("sizes", [[], [1, 1, 1, 1, 1]])
def test_rows_out_of_order_are_refused_and_leave_the_old_set(tmp_path: Path, change, told, sizes) -> None:
    build_sequences(batches_of(rows_of(1), []), ["event_type"], NUMBERS, tmp_path / "set")
    with pytest.raises(ValueError, match=told):
        build_sequences(batches_of(change(rows_of(3, 2)), sizes), ["event_type"], NUMBERS, tmp_path / "set")
    assert SequenceSet.open(tmp_path / "set").n_sessions == 1
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def sequences(shop: Shop, folder: Path, rule: str, cut: str = "risk_set", landmark: int = 0) -> dict[str, list[str]]:
    """User -> event types that a model may read, in the first window."""
    window, query = windows(shop.profile)[0], load_query("features/sequence_events")
    values = parameters(shop.profile, window, query.parameters, {"funnel_rule": rule, "cut": cut, "landmark": landmark})
    build_sequences(shop.warehouse.stream(query, values), ["event_type"], ["event_rank"], folder / rule)
    found = SequenceSet.open(folder / rule)
    types = [found.dictionaries["event_type"][code] for code in found.codes["event_type"]]
    return {user: types[found.offsets[i] : found.offsets[i + 1]] for i, user in enumerate(found.user_id.to_pylist())}


def _stream(user: str, kinds: str) -> list[dict]:
    names = {"v": "view", "c": "cart", "k": "checkout", "o": "order", "x": "search"}
    return [event(user, START + timedelta(seconds=n), names[kind]) for n, kind in enumerate(kinds)]


def test_variants_and_cut_by_hand(tmp_path: Path) -> None:
    """The case reads two events outside the funnel; its control is cut there, its funnel events after them stay."""
    events = _stream("case", "vcxkovv") + _stream("control", "xcvckxvv") + _stream("cart first", "co")
    with Shop(tmp_path) as shop:
        shop.run(events, tables=("stg_events", "session_events", "sessions", "sampled_users"))
        window, query = windows(shop.profile)[0], load_query("features/risk_set_candidates")
        candidates = shop.warehouse.fetch(query, parameters(shop.profile, window, query.parameters))
        drawn = draw_risk_set(candidates, window_start=window.start)
        shop.warehouse.load("risk_set", window.key, "1", drawn.table.to_batches())
        query = load_query("features/sample_counts")
        lost = shop.warehouse.fetch(query, parameters(shop.profile, window, query.parameters)).to_pylist()
        assert sequences(shop, tmp_path, "drop") == {"case": ["view", "search"], "control": ["search", "view"]}
        assert sequences(shop, tmp_path, "keep") == {
            "case": ["view", "cart", "search", "checkout"], "control": ["search", "cart", "view", "cart", "checkout"],
        }  # fmt: skip
        assert sequences(shop, tmp_path, "stop") == {"case": ["view"], "control": ["search"]}
        uncut = {"case": ["view", "search"], "control": ["search", "view", "search", "view", "view"]}
        assert sequences(shop, tmp_path, "drop", "none") == uncut
        assert sequences(shop, tmp_path, "drop", "landmark", 3) == {"control": ["search", "view", "search"]}
        assert sequences(shop, tmp_path, "keep", "landmark", 1) == {
            "case": ["view", "cart"], "control": ["search", "cart"],
        }  # fmt: skip
    assert [(row["label"], row["n_sessions"], row["n_nothing_before"], row["n_usable"]) for row in lost] == [
        (0, 1, 0, 1), (1, 2, 1, 1),
    ]  # fmt: skip


def test_no_event_at_or_after_the_conversion_is_read(tmp_path: Path) -> None:
    """Events at the conversion's own instant are read only if their id comes before its id."""
    at = [("1", "view"), ("2", "search"), ("3", "order"), ("4", "search"), ("5", "checkout")]
    events = [event("case", START, kind, event_id=number) for number, kind in at]
    events += [event("case", START + timedelta(seconds=1), "view", event_id="0"), *_stream("control", "vvv")]
    with Shop(tmp_path) as shop:
        shop.run(events, tables=("stg_events", "session_events", "sessions", "sampled_users"))
        window, query = windows(shop.profile)[0], load_query("features/risk_set_candidates")
        candidates = shop.warehouse.fetch(query, parameters(shop.profile, window, query.parameters))
        drawn = draw_risk_set(candidates, window_start=window.start, cut="none")
        shop.warehouse.load("risk_set", window.key, "1", drawn.table.to_batches())
        assert sequences(shop, tmp_path, "keep") == {"case": ["view", "search"], "control": ["view"] * 3}


@pytest.mark.parametrize("rule", ["drop", "keep", "stop"])
def test_case_outside_the_risk_set_ends_before_its_conversion_too(tmp_path: Path, rule: str) -> None:
    """Nobody is long enough to be its control, so it is not cut; still nothing at or after the order is read."""
    with Shop(tmp_path) as shop:
        shop.run(_stream("case", "vvxovxo"), tables=("stg_events", "session_events", "sessions", "sampled_users"))
        window, query = windows(shop.profile)[0], load_query("features/risk_set_candidates")
        candidates = shop.warehouse.fetch(query, parameters(shop.profile, window, query.parameters))
        drawn = draw_risk_set(candidates, window_start=window.start)
        assert drawn.counts.cases_unmatched == 1
        shop.warehouse.load("risk_set", window.key, "1", drawn.table.to_batches())
        assert sequences(shop, tmp_path, rule) == {"case": ["view", "view", "search"]}
