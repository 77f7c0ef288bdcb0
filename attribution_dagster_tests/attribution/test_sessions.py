"""The stream of rows: every event once, in order, with the columns of its table, whatever the chunks and batches."""

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from attribution_dagster.core.attribution.sessions import SCHEMA, attribute_sessions
from attribution_dagster.core.models.calibration import Calibration
from attribution_dagster.core.models.prediction import predict
from attribution_dagster.core.models.spec import TrainingSpec
from attribution_dagster.core.models.training import train
from attribution_dagster_tests.models.worlds import EFFECTS, planted_world, random_model, sessions, small_spec

LENGTHS = [5, 0, 33, 1, 17, 30, 12]
ATTRIBUTIONS = ("gradient_attribution", "signed_attribution", "centred_attribution", "relative_attribution")


@pytest.fixture(scope="module")
def world():
    return sessions(LENGTHS, seed=6)


@pytest.fixture(scope="module")
def model(world):
    model = random_model(world)
    model.calibration = Calibration(slope=0.8, intercept=0.1, shift=-1.0)
    return model


@pytest.fixture(scope="module")
def rows(world, model):
    return pa.Table.from_batches(attribute_sessions(model, world)).to_pandas()


def test_rows_are_the_events_in_order(world, rows):
    assert len(rows) == world.n_events
    session = np.repeat(world.session_id.to_numpy(zero_copy_only=False), world.lengths)
    assert rows.session_id.tolist() == session.tolist()
    assert rows.event_position.tolist() == (world.numbers["event_rank"] - 1).astype(int).tolist()
    assert rows.n_events.tolist() == np.repeat(world.lengths, world.lengths).tolist()


def test_strings_come_from_the_dictionaries_and_null_stays_null(world, rows):
    stores = [*world.dictionaries["store_id"], None]
    assert rows.store_id.tolist() == [stores[code] for code in world.codes["store_id"]]
    assert rows.store_name.isna().all()  # this set does not carry it


def test_shares_of_a_session_sum_to_one_and_relative_ones_average_to_one(rows):
    by_session = rows.groupby("session_id")
    np.testing.assert_allclose(by_session.gradient_attribution.sum(), 1.0, atol=1e-9)
    np.testing.assert_allclose(by_session.relative_attribution.mean(), 1.0, atol=1e-9)
    assert not rows.is_all_zero.any()


def test_events_before_those_the_model_reads_have_no_attribution(rows, model):
    unread = rows.event_position < rows.n_events - model.spec.max_events
    assert unread.sum() == 3
    for column in ATTRIBUTIONS:
        assert (rows[column].isna() == unread).all()


def test_logit_and_probability_are_the_models(world, model, rows):
    firsts = rows.drop_duplicates("session_id")
    expected = predict(model, world)[world.lengths > 0]
    np.testing.assert_allclose(firsts.logit, expected, atol=1e-5)
    np.testing.assert_allclose(firsts.probability, model.calibration.probability(expected), atol=1e-6)


@pytest.mark.parametrize("settings", [{"token_budget": 1}, {"token_budget": 100_000}, {"events_per_chunk": 1}])
def test_neither_batches_nor_chunks_change_a_value(world, model, rows, settings):
    other = pa.Table.from_batches(attribute_sessions(model, world, **settings)).to_pandas()
    for column in (*ATTRIBUTIONS, "logit"):
        np.testing.assert_allclose(other[column], rows[column], atol=1e-6)
    assert other.drop(columns=[*ATTRIBUTIONS, "logit", "probability"]).equals(
        rows.drop(columns=[*ATTRIBUTIONS, "logit", "probability"])
    )


def test_chunks_come_one_by_one_and_progress_ends_at_one(world, model):
    heard = []
    stream = attribute_sessions(model, world, progress=lambda message, done: heard.append(done), events_per_chunk=20)
    assert next(stream).num_rows < world.n_events
    assert len(heard) == 0
    assert sum(batch.num_rows for batch in stream) > 0
    assert heard[-1] == 1.0 and heard == sorted(heard)


def test_a_model_that_says_nothing_is_flagged(world):
    silent = random_model(world, small_spec(readout="plain"))
    with torch.no_grad():
        silent.head.zero_()
    rows = pa.Table.from_batches(attribute_sessions(silent, world)).to_pandas()
    assert rows.is_all_zero.all()
    assert (rows.gradient_attribution.dropna() == 0).all()


def test_broken_weights_are_an_error_that_names_a_session(world):
    broken = random_model(world)
    with torch.no_grad():
        broken.head[0] = float("nan")
    with pytest.raises(FloatingPointError, match="s6-0"):
        list(attribute_sessions(broken, world))


def test_an_unknown_method_and_a_missing_column_are_named(world, model):
    with pytest.raises(ValueError, match=r"guess.*gradient_x_input"):
        next(attribute_sessions(model, world, method="guess"))
    with pytest.raises(ValueError, match="primary_tag"):
        next(attribute_sessions(model, sessions([2], columns=("event_type", "store_id"))))


def test_a_set_without_sessions_gives_no_rows(model):
    assert sum(batch.num_rows for batch in attribute_sessions(model, sessions([]))) == 0


def test_the_columns_are_those_of_the_table():
    ddl = (Path(__file__).parents[2] / "sql" / "ddl" / "gradient_attribution.sql").read_text(encoding="utf-8")
    names = re.findall(r"^    (\w+) [A-Z_]+ COMMENT", ddl, flags=re.MULTILINE)
    assert names == ["window_start", *SCHEMA.names]


def test_planted_effects_come_back_with_sign_order_and_size():
    train_set, validation_set = (planted_world(size, seed=seed)[0] for seed, size in ((21, 4000), (22, 1500)))
    world, contribution, _ = planted_world(3000, seed=23)
    model = train(train_set, validation_set, small_spec(), TrainingSpec(max_epochs=1), seed=2).model
    rows = pa.Table.from_batches(attribute_sessions(model, world)).to_pandas()
    found = rows.groupby("event_type").centred_attribution.mean().to_numpy()
    planted = np.array(
        [contribution[world.codes["event_type"] == code].mean() - contribution.mean() for code in range(len(EFFECTS))]
    )
    assert np.corrcoef(found, planted)[0, 1] > 0.97
    assert np.polyfit(planted, found, 1)[0] == pytest.approx(1.0, abs=0.2)
    assert (np.sign(found[EFFECTS != 0]) == np.sign(EFFECTS[EFFECTS != 0])).all()
