"""Ids, scaling and batches: what a model reads of a window."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attribution_dagster.core.sequences.batches import budget_batches, encode, shuffled_batches
from attribution_dagster.core.sequences.vocabulary import FIRST_TOKEN, MISSING, UNKNOWN, NumberScaling, Vocabulary
from attribution_dagster_tests.models.worlds import NUMBERS, sessions


def world_of(codes, dictionary):
    world = sessions([len(codes)], types=len(dictionary))
    world.codes["event_type"][:] = codes
    world.dictionaries["event_type"][:] = dictionary
    return world


def test_rare_tokens_are_unknown_and_null_is_missing():
    vocabulary = Vocabulary.fit(world_of([0, 0, 1, 2, 2, 2, -1], ["view", "rare", "buy"]), ["event_type"], min_count=2)
    assert vocabulary.tokens["event_type"] == ["buy", "view"]
    assert vocabulary.size("event_type") == FIRST_TOKEN + 2
    lookup = vocabulary.lookup("event_type", ["new", "view", "buy"])
    assert lookup.tolist() == [UNKNOWN, FIRST_TOKEN + 1, FIRST_TOKEN, MISSING]


def test_ids_depend_on_tokens_and_not_on_a_windows_codes():
    vocabulary = Vocabulary.fit(world_of([0, 1, 1], ["a", "b"]), ["event_type"], min_count=1)
    left, right = vocabulary.lookup("event_type", ["a", "b"]), vocabulary.lookup("event_type", ["b", "a"])
    assert (left[0], left[1]) == (right[1], right[0])


def test_the_share_of_unknowns_counts_events():
    vocabulary = Vocabulary.fit(world_of([0, 0, 0], ["a"]), ["event_type"], min_count=1)
    assert vocabulary.unknown_shares(world_of([0, 1, 1, -1], ["a", "b"])) == {"event_type": 0.5}


def test_vocabulary_and_scaling_survive_json():
    world = sessions([5, 5])
    vocabulary, scaling = Vocabulary.fit(world, ["event_type"], 1), NumberScaling.fit(world, NUMBERS)
    assert Vocabulary.from_json(vocabulary.to_json()) == vocabulary
    assert NumberScaling.from_json(scaling.to_json()) == scaling


def test_numbers_are_standardised_after_the_logarithm_and_null_is_the_mean():
    world = sessions([4])
    world.numbers["time_delta"][:] = np.expm1([0.0, 1.0, 2.0, 3.0])
    world.numbers["is_nv"][:] = [1.0, 0.0, np.nan, np.nan]
    scaling = NumberScaling.fit(world, ["time_delta", "is_nv"])
    scaled = scaling.apply("time_delta", world.numbers["time_delta"])
    np.testing.assert_allclose(scaled, np.array([-3, -1, 1, 3]) / np.sqrt(5), rtol=1e-5)
    np.testing.assert_allclose(scaling.apply("is_nv", world.numbers["is_nv"]), [1.0, -1.0, 0.0, 0.0])


def test_a_constant_column_is_zero_and_not_infinite():
    world = sessions([3])
    world.numbers["is_nv"][:] = 1.0
    assert NumberScaling.fit(world, ["is_nv"]).apply("is_nv", world.numbers["is_nv"]).tolist() == [0.0, 0.0, 0.0]


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match="product_id"):
        Vocabulary.fit(sessions([1]), ["product_id"])
    with pytest.raises(ValueError, match="price_usd"):
        NumberScaling.fit(sessions([1]), ["price_usd"])


def encoded(lengths, max_events=4):
    world = sessions(lengths, seed=2)
    vocabulary = Vocabulary.fit(world, ["event_type"], min_count=1)
    scaling = NumberScaling.fit(world, ["event_rank"])
    return world, vocabulary, encode(world, vocabulary, scaling, ["event_rank"], max_events)


def test_only_the_last_events_are_read():
    world, vocabulary, data = encoded([2, 6, 0])
    assert data.lengths.tolist() == [2, 4, 0]
    assert data.first_event.tolist() == [0, 2, 0]
    lookup = vocabulary.lookup("event_type", world.dictionaries["event_type"])
    assert data.codes[2:6, 0].tolist() == lookup[world.codes["event_type"][4:8]].tolist()


def test_a_batch_is_padded_with_zeros_to_its_longest_session():
    _, _, data = encoded([1, 3])
    batch = data.batch(np.array([1, 0]))
    assert batch.is_event.tolist() == [[True, True, True], [True, False, False]]
    assert batch.codes[1, 1:].eq(0).all() and batch.numbers[1, 1:].eq(0).all()
    assert batch.codes[0, :, 0].tolist() == data.codes[1:4, 0].tolist()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 40), max_size=60), st.integers(1, 90), st.integers(0, 5))
def test_batches_hold_each_session_with_events_once_and_keep_the_budget(lengths, budget, seed):
    lengths = np.array(lengths, dtype=np.int64)
    shuffled = shuffled_batches(lengths, budget, np.random.default_rng(seed), batches_per_pool=2)
    for batches in (list(budget_batches(lengths, budget)), shuffled):
        seen = np.concatenate([*batches, np.zeros(0, np.int64)])
        assert sorted(seen.tolist()) == np.flatnonzero(lengths).tolist()
        for rows in batches:
            assert len(rows) == 1 or len(rows) * (lengths[rows].max() + 1) <= budget
