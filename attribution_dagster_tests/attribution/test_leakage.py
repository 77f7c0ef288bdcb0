"""The search for leakage: figures worked out by hand, the rule on made-up funnels, and names that are not nice."""

import numpy as np
import pyarrow as pa
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from attribution_dagster.assets.leakage import NOTHING_TO_ADD, what_to_add
from attribution_dagster.core.attribution.leakage import MINIMUM_ODDS, NEAR_EVENTS, TypeEvidence, find_leakage
from attribution_dagster.core.attribution.leakage_figures import auc_of, conversion_rate, odds_ratio
from attribution_dagster.core.models.metrics import auc, bootstrap_auc

SESSIONS = 400


def world(seed: int = 0, sessions: int = SESSIONS, **types: tuple[float, float, int, int]) -> pa.Table:
    """Half converted sessions; a type occurs in these shares of converted and others, so many events before the moment."""
    rng, rows = np.random.default_rng(seed), []
    for number in range(sessions):
        base = {"session_id": f"s{number:05}", "user_id": f"u{number // 2:05}", "label": number % 2}
        rows.append(
            {**base, "event_type": "always", "n_events": 1 + int(rng.poisson(3)), "n_after": int(rng.integers(9))}
        )
        for name, (converted, other, after_converted, after_other) in types.items():
            if rng.random() < (converted if base["label"] else other):
                after = after_converted if base["label"] else after_other
                rows.append({**base, "event_type": name, "n_events": 1, "n_after": after})
    return pa.Table.from_pylist(rows)


def found(table: pa.Table, rate: float = 0.5, *, refit: bool = True) -> dict[str, TypeEvidence]:
    return {row.event_type: row for row in find_leakage(table, rate, refit=refit)}


def test_rates_odds_and_auc_of_a_table_worked_out_by_hand() -> None:
    """Four kinds of sessions, each user with one: 60 of 80 converted have it near the end, 10 of 100 others."""
    converted = np.repeat([True, False], [80, 100])
    has = np.concatenate([np.arange(80) < 60, np.arange(100) < 10])
    user = np.arange(180)
    odds = odds_ratio(has, converted, user)
    assert odds.value == pytest.approx((60.5 / 20.5) / (10.5 / 90.5))
    woolf = np.sqrt(1 / 60.5 + 1 / 20.5 + 1 / 10.5 + 1 / 90.5)
    assert np.log(odds.high / odds.low) == pytest.approx(2 * 1.96 * woolf, rel=0.02)
    assert auc_of(has.astype(float), converted, user).value == pytest.approx(
        0.75 * 0.9 + 0.5 * (0.75 * 0.1 + 0.25 * 0.9)
    )
    rate = conversion_rate(converted[has], user[has], 0.0)
    assert rate is not None and rate.value == pytest.approx(60 / 70)
    assert (rate.low, rate.high) == pytest.approx((0.7566, 0.9205), abs=2e-4)  # Wilson's interval of 60 of 70


def test_rates_are_brought_back_to_the_population() -> None:
    """Matched one to one, converted sessions are half; where a tenth convert, odds are a ninth of the sample's."""
    converted = np.repeat([True, False], [30, 10])
    rate = conversion_rate(converted, np.arange(40), float(np.log(1 / 9)))
    assert rate is not None and rate.value == pytest.approx((3 / 9) / (1 + 3 / 9))
    assert conversion_rate(converted[:0], np.arange(0), 0.0) is None


@given(st.integers(0, 10_000), st.floats(0.0, 1.0))
@settings(max_examples=25, deadline=None)
def test_auc_is_that_of_the_metrics_and_its_interval_close_to_a_bootstrap_over_users(seed: int, tilt: float) -> None:
    rng = np.random.default_rng(seed)
    user = rng.integers(0, 150, 400)
    converted = rng.random(400) < 0.2 + 0.3 * (user % 2)
    scores = rng.poisson(1 + tilt * converted + (user % 3)).astype(float)
    mine = auc_of(scores, converted, user)
    assert mine.value == pytest.approx(auc(scores, converted))
    drawn = bootstrap_auc({"a": scores}, converted, user, seed=seed, resamples=300)[0]["a"]
    assert (mine.high - mine.low) == pytest.approx(drawn.high - drawn.low, rel=0.25)


def test_a_user_seen_ten_times_counts_once_in_the_errors() -> None:
    """Ten copies of every session narrow no interval when their users are known, and all of them when they are not."""
    rng = np.random.default_rng(1)
    converted, has = rng.random(200) < 0.5, rng.random(200) < 0.4
    ten = np.repeat(np.arange(200), 10)
    for figure in (odds_ratio, lambda h, c, u: auc_of(h.astype(float), c, u)):
        once, copied = figure(has, converted, np.arange(200)), figure(has[ten], converted[ten], ten)
        assert (copied.low, copied.high) == pytest.approx((once.low, once.high), rel=0.02)
    single, of_users = (conversion_rate(converted[ten], user, 0.0) for user in (np.arange(2000), ten))
    assert single is not None and of_users is not None
    assert of_users.high - of_users.low > 3 * (single.high - single.low)


def test_a_step_of_the_purchase_is_suspected_and_a_driver_is_not() -> None:
    rows = found(
        world(pay=(0.98, 0.05, 0, 3), coupon=(0.4, 0.0, 1, 0), favourite=(0.6, 0.25, 2, 4), help=(0.1, 0.4, 3, 3))
    )
    assert {name for name, row in rows.items() if row.is_suspected} == {"pay", "coupon"}
    assert rows["pay"].reason.startswith(f"among the last {NEAR_EVENTS} events of 9")
    assert "as a driver may" in rows["favourite"].reason and "no sign" in rows["help"].reason
    assert rows["pay"].auc_alone > 0.9 > 0.75 > rows["favourite"].auc_alone > 0.5 > rows["help"].auc_alone
    assert rows["pay"].events_after_converted == 0 and rows["pay"].events_after_other == 3


def step(near: int, further: int, others: int) -> TypeEvidence:
    """A type in so many of 200 converted sessions right before the conversion, in so many further back, and in so many of 200 others."""
    rows = []
    for number in range(SESSIONS):
        converted, place = number % 2, number // 2
        session = {"session_id": f"s{number:05}", "user_id": f"u{number:05}", "label": converted}
        rows.append({**session, "event_type": "always", "n_events": 1, "n_after": 1})
        if place < (near + further if converted else others):
            after = NEAR_EVENTS if converted and place >= near else NEAR_EVENTS - 1
            rows.append({**session, "event_type": "step", "n_events": 1, "n_after": after})
    return found(pa.Table.from_pylist(rows), refit=False)["step"]


def test_suspected_is_from_ten_times_the_odds_on_at_the_lower_end() -> None:
    by_others = [step(100, 0, others) for others in range(5, 15)]
    assert by_others[0].odds_low > MINIMUM_ODDS == 10 > by_others[-1].odds_low > 5
    assert all(row.is_suspected is (row.odds_low >= 10) for row in by_others)


def test_suspected_is_what_stands_near_in_half_of_the_converted_sessions_that_have_it() -> None:
    near, further = step(60, 60, 1), step(60, 61, 1)
    assert near.is_suspected and near.odds_low > 10
    assert not further.is_suspected and further.odds_low > 10 and "lies further back" in further.reason


def test_the_steps_of_a_funnel_stand_in_for_each_other_so_the_rise_shows_what_the_fall_hides() -> None:
    table = world(pay=(0.99, 0.03, 0, 3), idle=(0.3, 0.3, 2, 2))
    twin = table.filter(pa.compute.equal(table["event_type"], "pay")).to_pylist()
    both = pa.concat_tables(
        [table, pa.Table.from_pylist([{**row, "event_type": "confirm"} for row in twin], table.schema)]
    )
    rows = found(both)
    assert abs(rows["pay"].auc_fall_without) < 0.01 and rows["pay"].auc_rise_with > 0.3
    assert abs(rows["idle"].auc_rise_with) < 0.08


def test_what_a_driver_adds_is_asked_where_no_suspected_type_is_seen() -> None:
    rows = found(world(pay=(0.99, 0.03, 0, 3), favourite=(0.6, 0.2, 2, 4)))
    assert rows["pay"].is_suspected and not rows["favourite"].is_suspected
    assert rows["favourite"].auc_rise_with > 0.1 > 0.02 > abs(rows["favourite"].auc_fall_without)


def test_what_all_converted_sessions_have_is_no_surer_than_its_counts() -> None:
    """Clustered, the error would vanish where a type never varies; with one half in each of 20, 0, 0 and 20 it is that of Woolf."""
    converted = np.arange(40) < 20
    odds = odds_ratio(converted, converted, np.arange(40))
    error = 1.96 * np.sqrt(2 / 20.5 + 2 / 0.5)
    assert (odds.value, odds.low) == pytest.approx((41.0**2, 41.0**2 / np.exp(error)))


def test_what_lies_far_from_the_conversion_is_told_and_not_suspected() -> None:
    row = found(world(login=(0.95, 0.05, NEAR_EVENTS + 5, NEAR_EVENTS + 5)))["login"]
    assert not row.is_suspected and row.near_converted == 0 and row.auc_alone > 0.9


def test_a_type_that_does_nothing_is_not_suspected() -> None:
    nothing = {f"t{n}": (0.3, 0.3, 1, 1) for n in range(30)}
    rows = [row for seed in range(5) for row in found(world(seed, **nothing), refit=False).values()]
    assert len(rows) == 5 * 31 and not any(row.is_suspected for row in rows)


def test_with_too_few_sessions_nothing_is_said_but_counts() -> None:
    row = found(world(sessions=58, pay=(1.0, 0.0, 0, 0)))["pay"]
    assert (row.sessions, row.converted_sessions, row.is_suspected, row.auc_alone) == (29, 29, False, None)
    assert row.reason == "29 converted and 29 other sessions can be compared: 30 of either are needed"
    assert find_leakage(world().slice(0, 0), 0.0) == []


def test_the_order_of_rows_and_the_names_of_users_do_not_matter() -> None:
    table = world(pay=(0.9, 0.1, 0, 2), favourite=(0.5, 0.2, 2, 3))
    assert find_leakage(table.take(list(range(table.num_rows))[::-1]), 0.1) == find_leakage(table, 0.1)


@pytest.mark.parametrize("name", ["pay", "a: b", "- [x]", "#", "'\"", "né\u202e\x1b[31m", "yes", "{variant}", "\n"])
def test_the_line_to_add_is_yaml_that_holds_the_very_names(name: str) -> None:
    row = found(world(**{name: (0.98, 0.03, 0, 3)}))[name]
    assert row.is_suspected
    said = what_to_add([row], ["cart"])
    assert said.isascii() and said.isprintable()
    assert yaml.safe_load(said.split("roles: ", 1)[1]) == {"funnel": ["cart", name]}
    assert what_to_add([row], ["cart", name]) == NOTHING_TO_ADD
