"""Each baseline against what it gives by hand on a few sessions."""

from itertools import combinations
from math import factorial

import numpy as np
import pyarrow as pa
import pytest

from attribution_dagster.core.attribution.baselines import BASELINES
from attribution_dagster.core.attribution.baselines.credit import HALF_LIFE_S
from attribution_dagster.core.sequences.sequence_set import SequenceSet

NAMES = ("a", "b", "c", "d")


def sessions(rows, stores=None, gap_s=HALF_LIFE_S):
    """Sessions as (event types, label); events are `gap_s` seconds apart."""
    lengths = [len(events) for events, _ in rows]
    n_events = sum(lengths)
    codes = {"event_type": np.array([NAMES.index(e) for events, _ in rows for e in events], dtype=np.int32)}
    if stores is not None:
        codes["store_id"] = np.array([int(s) for s in stores], dtype=np.int32)
    rank = np.concatenate([np.arange(length) for length in lengths])
    return SequenceSet(
        offsets=np.cumsum([0, *lengths]),
        codes=codes,
        dictionaries={"event_type": list(NAMES), "store_id": ["0", "1", "2"]},
        numbers={},
        event_at_us=(rank * gap_s * 1e6).astype(np.int64),
        session_id=pa.array([f"s{n}" for n in range(len(rows))]),
        user_id=pa.array([f"u{n}" for n in range(len(rows))]),
        label=np.array([label for _, label in rows], dtype=np.int8),
        in_risk_set=np.ones(len(rows), dtype=bool),
        started_at_us=np.arange(len(rows)) + 0 * n_events,
    )


FOUR = [("aab", 1), ("ac", 0), ("b", 1), ("cb", 0)]


def scores(name, train, explained=None):
    part = sessions(train)
    return BASELINES[name](part, part if explained is None else sessions(explained))


def test_last_and_first_event_take_the_whole_conversion():
    last = scores("last_event", FOUR)
    assert last.by_occurrence.tolist() == [0, 0, 1, 0, 0, 1, 0, 0]
    assert last.by_type[:3] == pytest.approx([0, 2 / 3, 0]) and np.isnan(last.by_type[3])
    first = scores("first_event", FOUR)
    assert first.by_occurrence.tolist() == [1, 0, 0, 0, 0, 1, 0, 0]
    assert first.by_type[:3] == pytest.approx([1 / 3, 1 / 3, 0])


def test_time_decay_halves_with_every_half_life():
    found = scores("time_decay", FOUR)
    assert found.by_occurrence == pytest.approx([1 / 7, 2 / 7, 4 / 7, 0, 0, 1, 0, 0])
    assert found.by_type[:3] == pytest.approx([1 / 7, 11 / 21, 0])


def test_types_are_ranked_by_training_and_occurrences_scored_in_what_is_explained():
    found = scores("last_event", FOUR, explained=[("ba", 1)])
    assert found.by_occurrence.tolist() == [0, 1]
    assert found.by_type[:3] == pytest.approx([0, 2 / 3, 0])


def test_shapley_is_the_value_of_the_game_of_conversions_that_types_make_alone():
    train = [("aab", 1), ("abc", 1), ("c", 1), ("ab", 0), ("bbb", 1), ("d", 0)]
    found = scores("shapley", train)

    def wins(coalition):
        return sum(label for events, label in train if set(events) <= set(coalition))

    occurrences = sessions(train).codes["event_type"]
    for code, name in enumerate(NAMES):
        others = [other for other in NAMES if other != name]
        value = sum(
            factorial(size) * factorial(3 - size) / factorial(4) * (wins((*chosen, name)) - wins(chosen))
            for size in range(4)
            for chosen in combinations(others, size)
        )
        assert found.by_type[code] * np.sum(occurrences == code) == pytest.approx(value)
    assert found.by_occurrence[:3] == pytest.approx([0.25, 0.25, 0.5])


def test_markov_removal_is_the_share_of_conversions_lost():
    # start -> a (1/2) or b (1/2); a -> b (1/2) or converts (1/2); b -> converts (1/3) or ends (2/3): P = 1/3 + 1/12.
    train = [("a", 1), ("ab", 0), ("b", 1), ("b", 0)]
    whole = 0.5 * (0.5 + 0.5 / 3) + 0.5 / 3
    without_a, without_b = 0.5 / 3, 0.25
    lost = np.array([1 - without_a / whole, 1 - without_b / whole])
    credit = lost / lost.sum() * 2
    assert scores("markov_removal", train).by_type[:2] == pytest.approx(credit / [2, 3])
    with pytest.raises(ValueError, match="no session"):
        scores("markov_removal", [("a", 0), ("b", 0)])


def test_univariate_difference_compares_sessions_with_and_without():
    found = scores("univariate_difference", [("aab", 1), ("ac", 0), ("bb", 1), ("c", 0), ("b", 0)])
    assert found.by_type[:3] == pytest.approx([1 / 2 - 1 / 3, 2 / 3 - 0, 0 - 2 / 3])
    assert np.isnan(found.by_type[3])
    assert found.by_occurrence[:3].tolist() == found.by_type[[0, 0, 1]].tolist()


@pytest.fixture(scope="module")
def many():
    """Sessions of three events of a, b, c; logit -.5 + .8 per a, and 2 more where b follows a at once."""
    rng = np.random.default_rng(0)
    events = rng.integers(0, 3, (6000, 3))
    pair = ((events[:, :-1] == 0) & (events[:, 1:] == 1)).sum(axis=1)
    label = rng.random(6000) < 1 / (1 + np.exp(0.5 - 0.8 * (events == 0).sum(axis=1) - 2 * pair))
    return [("".join(NAMES[e] for e in row), int(y)) for row, y in zip(events, label, strict=True)]


def test_regression_on_counts_gives_each_type_one_weight(many):
    from sklearn.linear_model import LogisticRegression

    counts = np.array([[events.count(name) for name in NAMES] for events, _ in many])
    fitted = LogisticRegression(C=1.0, max_iter=2000).fit(counts, [label for _, label in many])
    found = scores("logistic_counts", many, explained=[("ab", 0), ("ca", 1)])
    assert found.by_type[:3] == pytest.approx(fitted.coef_[0][:3], abs=1e-3) and np.isnan(found.by_type[3])
    assert found.by_occurrence == pytest.approx(fitted.coef_[0][[0, 1, 2, 0]], abs=1e-3)


def test_regression_on_bigrams_takes_a_pair_away_with_either_event_but_not_across_sessions(many):
    found = scores("logistic_bigrams", many, explained=[("ab", 1), ("ca", 1), ("ba", 0), ("b", 0)]).by_occurrence
    paired_a, paired_b, _, lone_a, _, _, lone_b = found
    assert paired_a - lone_a > 1.0 and paired_b - lone_b > 1.0
    assert lone_a < paired_a and abs(lone_b) < 1.0


def test_bigrams_at_one_store_are_others_than_at_two(many):
    rng = np.random.default_rng(1)
    events = rng.integers(0, 2, (4000, 2))
    stores = rng.integers(0, 2, (4000, 2))
    same = (events[:, 0] == 0) & (events[:, 1] == 1) & (stores[:, 0] == stores[:, 1])
    label = rng.random(4000) < 1 / (1 + np.exp(1 - 2.5 * same))
    rows = [("".join(NAMES[e] for e in row), int(y)) for row, y in zip(events, label, strict=True)]
    train = sessions(rows, stores=stores.ravel())
    found = BASELINES["logistic_bigrams"](train, sessions([("ab", 1), ("ab", 1)], stores="1101"))
    assert found.by_occurrence[0] > found.by_occurrence[2] + 1.5


def test_regression_on_positions_tells_early_from_late():
    rng = np.random.default_rng(2)
    events = rng.integers(0, 2, (4000, 8))
    label = rng.random(4000) < 1 / (1 + np.exp(2 - 1.0 * (events[:, :5] == 0).sum(axis=1)))
    rows = [("".join(NAMES[e] for e in row), int(y)) for row, y in zip(events, label, strict=True)]
    found = scores("logistic_positions", rows, explained=[("aaaaaaaa", 1)]).by_occurrence
    assert np.ptp(found[:5]) == 0 and np.ptp(found[5:]) == 0
    assert found[0] - found[5] > 0.3


@pytest.mark.parametrize("name", list(BASELINES))
def test_sets_that_number_their_types_differently_are_refused(name):
    one, other = sessions(FOUR), sessions(FOUR)
    other.dictionaries["event_type"].reverse()
    with pytest.raises(ValueError, match="different dictionaries"):
        BASELINES[name](one, other)


@pytest.mark.parametrize("name", list(BASELINES))
def test_every_baseline_scores_each_type_and_each_occurrence(name):
    found = scores(name, FOUR, explained=FOUR[:2])
    assert found.by_type.shape == (len(NAMES),) and found.by_occurrence.shape == (5,)
    assert np.isfinite(found.by_occurrence).all()
