"""The matched cut: length alone tells nothing, every choice is reproducible, what stays unmatched is counted."""

from datetime import datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from attribution_dagster.core.sequences.risk_set import draw_risk_set

START = datetime(2025, 1, 6)


def candidates(label, length) -> pa.Table:
    ids = [f"s{number:06d}" for number in range(len(label))]
    return pa.table(
        {
            "session_id": pa.array(ids, pa.string()),
            "user_id": pa.array(ids, pa.string()),
            "label": pa.array(np.asarray(label, dtype=np.int32)),
            "n_no_funnel": pa.array(np.asarray(length, dtype=np.int64)),
        }
    )


def draw(table: pa.Table, **options):
    return draw_risk_set(table, window_start=START, **options)


def lognormal_sessions(seed: int, rows: int = 40_000):
    """Constant hazard, no effects: longer sessions convert more, and those that convert are cut short by it."""
    rng = np.random.default_rng(seed)
    length = np.ceil(rng.lognormal(2.5, 0.5, rows)).astype(int)
    converts_after = rng.geometric(0.005, rows)
    label = (converts_after <= length).astype(int)
    return label, np.where(label, converts_after, length)


@pytest.mark.parametrize("seed", range(3))
def test_length_alone_has_auc_of_a_half(seed: int) -> None:
    label, length = lognormal_sessions(seed)
    assert abs(roc_auc_score(label, length) - 0.5) > 0.1
    rows = draw(candidates(label, length), seed=seed).table.filter(pa.compute.field("in_risk_set")).to_pydict()
    assert roc_auc_score(rows["label"], rows["cut_at"]) == pytest.approx(0.5, abs=0.02)


def test_small_example_by_hand() -> None:
    """Cases of 5 and 2 events, two controls each: the long control goes to the long case, the one of 1 fits nobody."""
    drawn = draw(candidates([1, 1, 0, 0, 0, 0], [5, 2, 9, 3, 2, 1]), controls_per_case=2)
    rows = {row["session_id"][-1]: row for row in drawn.table.to_pylist()}
    assert [rows[s]["matched_case"] for s in "012345"] == ["s000000", "s000001", "s000000", "s000001", "s000001", None]
    assert [rows[s]["cut_at"] for s in "012345"] == [5, 2, 5, 2, 2, 1]
    counts = drawn.counts
    assert (counts.cases, counts.cases_unmatched, counts.cases_with_fewer_controls) == (2, 0, 1)
    assert (counts.controls, counts.controls_unused, counts.events_cut_from_controls) == (3, 1, 5)


def test_case_that_no_control_is_long_enough_for_leaves_the_risk_set() -> None:
    drawn = draw(candidates([1, 1, 0], [9, 1, 4]))
    assert drawn.table["in_risk_set"].to_pylist() == [False, True, True]
    assert drawn.table["matched_case"].to_pylist() == [None, "s000001", "s000001"]
    assert drawn.counts.cases_unmatched == 1


def test_every_case_of_a_length_gets_a_control_before_any_gets_two() -> None:
    drawn = draw(candidates([1, 1, 1, 0, 0, 0, 0], [3] * 7), controls_per_case=8)
    cases = drawn.table["matched_case"].to_pylist()[3:]
    assert {cases.count(case) for case in set(cases)} == {1, 2} and len(set(cases)) == 3


sessions = st.lists(st.tuples(st.integers(0, 1), st.integers(1, 12)), max_size=60)


@settings(max_examples=60, deadline=None)
@given(sessions=sessions, controls=st.integers(1, 4), seed=st.integers(0, 5), shuffle=st.randoms())
def test_rules_hold_whatever_the_sessions(sessions, controls, seed, shuffle) -> None:
    """A control is used once, is long enough and is cut at its case's length; the order of rows changes nothing."""
    table = candidates([s[0] for s in sessions], [s[1] for s in sessions])
    drawn = draw(table, controls_per_case=controls, seed=seed)
    rows = {row["session_id"]: row for row in drawn.table.to_pylist()}
    for row in rows.values():
        case = rows.get(row["matched_case"])
        assert row["in_risk_set"] == (case is not None) and row["cut_at"] <= row["n_no_funnel"]
        if case is None:
            assert row["cut_at"] == row["n_no_funnel"]
        elif row["label"] == 0:
            assert case["label"] == 1 and row["cut_at"] == case["n_no_funnel"]
        else:
            assert row["matched_case"] == row["session_id"] and row["cut_at"] == row["n_no_funnel"]
    used = [row["matched_case"] for row in rows.values() if row["matched_case"] and not row["label"]]
    assert all(1 <= used.count(case) <= controls for case in set(used))
    assert set(used) == {row["session_id"] for row in rows.values() if row["label"] and row["in_risk_set"]}
    order = list(range(table.num_rows))
    shuffle.shuffle(order)
    assert draw(table.take(pa.array(order, pa.int64())), controls_per_case=controls, seed=seed).table == drawn.table


def test_as_many_as_possible_are_matched() -> None:
    """By falling length no control is wasted: as many as 8 a case allow, or else every control that is long enough."""
    label, length = lognormal_sessions(7, rows=3_000)
    drawn = draw(candidates(label, length))
    left = drawn.table.filter(pa.compute.field("label") == 0).filter(~pa.compute.field("in_risk_set")).to_pydict()
    case_of = drawn.table.filter(pa.compute.field("label") == 0)["matched_case"].to_pylist()
    taken = {case: case_of.count(case) for case in set(case_of) if case}
    short = [r for r in drawn.table.to_pylist() if r["label"] and taken.get(r["session_id"], 0) < 8]
    assert all(max(left["n_no_funnel"], default=0) < row["n_no_funnel"] for row in short)


def test_seed_changes_the_choice_and_small_changes_keep_most_of_it() -> None:
    label, length = lognormal_sessions(1, rows=5_000)
    table = candidates(label, length)
    inside = {r["session_id"] for r in draw(table).table.to_pylist() if r["in_risk_set"] and not r["label"]}
    other = {r["session_id"] for r in draw(table, seed=1).table.to_pylist() if r["in_risk_set"] and not r["label"]}
    fewer = draw(table.slice(0, 4_950)).table.to_pylist()
    kept = {r["session_id"] for r in fewer if r["in_risk_set"] and not r["label"]}
    assert inside != other
    assert len(inside & kept) / len(inside) > 0.9


def test_nothing_is_cut_where_the_dataset_says_so() -> None:
    drawn = draw(candidates([1, 0, 0], [3, 1, 9]), cut="none")
    assert drawn.table["in_risk_set"].to_pylist() == [True] * 3
    assert drawn.table["cut_at"].to_pylist() == [3, 1, 9]
    assert drawn.table["matched_case"].null_count == 3


@pytest.mark.parametrize(("label", "length"), [([], []), ([0, 0], [1, 2]), ([1, 1], [1, 2])])
def test_without_cases_or_controls_the_risk_set_is_empty(label, length) -> None:
    drawn = draw(candidates(label, length))
    assert drawn.counts.cases == drawn.counts.controls == 0 and drawn.table.num_rows == len(label)


@pytest.mark.parametrize(
    ("table", "options", "told"),
    [
        (candidates([1, 0], [1, 1]), {"cut": "some"}, "cut='some'"),
        (candidates([1, 0], [1, 1]), {"controls_per_case": 0}, "controls_per_case=0"),
        (candidates([1, 2], [1, 1]), {}, "label must be 0 or 1, found 2"),
        (candidates([1, 0], [0, 1]), {}, "n_no_funnel=0"),
        (pa.concat_tables([candidates([1], [1])] * 2), {}, "session_id is not unique"),
    ],
)
def test_nonsense_is_refused(table: pa.Table, options: dict, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        draw(table, **options)
