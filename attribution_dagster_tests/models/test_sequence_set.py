"""Sequence sets: stored and read back, selected, joined; and refused when they make no sense."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attribution_dagster.core.sequences.sequence_set import SequenceSet
from attribution_dagster_tests.models.worlds import sessions


def tokens(sequences, column):
    """The strings of a column, None for NULL."""
    dictionary = [*sequences.dictionaries[column], None]
    return [dictionary[code] for code in sequences.codes[column]]


def assert_same(left, right):
    assert left.offsets.tolist() == right.offsets.tolist()
    assert left.session_id.to_pylist() == right.session_id.to_pylist()
    assert left.user_id.to_pylist() == right.user_id.to_pylist()
    for name in ("event_at_us", "label", "in_risk_set", "started_at_us"):
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name))
    for name in left.numbers:
        np.testing.assert_array_equal(left.numbers[name], right.numbers[name])
    for name in left.codes:
        assert tokens(left, name) == tokens(right, name)


def test_what_is_saved_is_what_is_opened_and_it_is_memory_mapped(tmp_path):
    written = sessions([3, 0, 5], seed=1)
    written.save(tmp_path / "set")
    read = SequenceSet.open(tmp_path / "set")
    assert_same(read, written)
    assert isinstance(read.codes["event_type"], np.memmap)


def test_saving_again_replaces_and_leaves_no_other_folder(tmp_path):
    sessions([3, 2], seed=1).save(tmp_path / "set")
    sessions([4], seed=2).save(tmp_path / "set")
    assert SequenceSet.open(tmp_path / "set").n_events == 4
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


@pytest.mark.parametrize("lengths", [[], [0], [0, 0]])
def test_a_set_without_events_can_be_stored(tmp_path, lengths):
    sessions(lengths).save(tmp_path / "set")
    assert SequenceSet.open(tmp_path / "set").lengths.tolist() == lengths


def test_tokens_with_quotes_newlines_and_emoji_survive(tmp_path):
    odd = ["'", '"', "a\nb", "🛒", "<script>", "=1+1", ""]
    world = sessions([7], types=7)
    fields = {name: getattr(world, name) for name in world.__dataclass_fields__}
    SequenceSet(**{**fields, "dictionaries": {**world.dictionaries, "event_type": odd}}).save(tmp_path / "set")
    assert SequenceSet.open(tmp_path / "set").dictionaries["event_type"] == odd


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.integers(0, 4), max_size=4), min_size=1, max_size=4))
def test_selecting_the_parts_of_a_concatenation_gives_the_sets_back(lengths):
    sets = [sessions(part, seed=number, types=2 + number) for number, part in enumerate(lengths)]
    joined = SequenceSet.concatenate(sets)
    bounds = np.cumsum([0, *map(len, lengths)])
    for part, first, last in zip(sets, bounds[:-1], bounds[1:], strict=True):
        assert_same(joined.select(np.arange(first, last)), part)


def test_a_selection_follows_its_order_and_a_mask_selects_as_its_indices_do():
    world = sessions([2, 3, 1], seed=4)
    assert world.select([2, 0]).session_id.to_pylist() == ["s4-2", "s4-0"]
    assert_same(world.select(np.array([True, False, True])), world.select([0, 2]))


def test_sets_with_different_columns_are_not_joined():
    with pytest.raises(ValueError, match="primary_tag"):
        SequenceSet.concatenate([sessions([1]), sessions([1], columns=("event_type", "store_id"))])


def test_arrays_of_the_wrong_length_are_refused_by_name():
    world = sessions([2, 2])
    fields = {name: getattr(world, name) for name in world.__dataclass_fields__}
    with pytest.raises(ValueError, match="user_id has 1 values for 2 sessions"):
        SequenceSet(**{**fields, "user_id": pa.array(["one"])})
    with pytest.raises(ValueError, match="event_at_us has shape"):
        SequenceSet(**{**fields, "event_at_us": np.zeros(3, np.int64)})


def test_a_code_outside_its_dictionary_is_refused_before_anything_is_written(tmp_path):
    world = sessions([2])
    world.codes["event_type"][0] = 99
    with pytest.raises(ValueError, match="event_type has codes"):
        world.save(tmp_path / "set")
    assert not (tmp_path / "set").exists()


def test_a_folder_without_a_set_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"nothing.*build them first"):
        SequenceSet.open(tmp_path / "nothing")
