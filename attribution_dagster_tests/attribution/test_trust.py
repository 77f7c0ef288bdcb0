"""The trust report: each part against answers known beforehand, and the gate against a model that learnt noise."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from attribution_dagster.core.attribution.registry import ATTRIBUTORS
from attribution_dagster.core.attribution.trust import report as report_module
from attribution_dagster.core.attribution.trust.agreement import correlations, noise
from attribution_dagster.core.attribution.trust.criteria import CRITERIA, Criterion, judged
from attribution_dagster.core.attribution.trust.deletion import Explained, deleted_logits, explain_events
from attribution_dagster.core.attribution.trust.effects import MINIMUM_OCCURRENCES, groupings, rank_correlation
from attribution_dagster.core.attribution.trust.faithfulness import (
    SHARES,
    curves,
    label_faithfulness,
    removal_places,
)
from attribution_dagster.core.attribution.trust.report import (
    CENTRED,
    TrustSpec,
    _faithfulness,
    _prediction,
    _shuffled,
    trust_report,
)
from attribution_dagster.core.attribution.trust.retraining import (
    Training,
    permuted,
    trained_on_halves,
    with_shuffled_weights,
)
from attribution_dagster.core.attribution.trust.sensitivity import max_sensitivity
from attribution_dagster.core.attribution.trust.subject import Subject, users_of
from attribution_dagster.core.models.metrics import Interval
from attribution_dagster.core.models.prediction import predict
from attribution_dagster.core.models.spec import TrainingSpec
from attribution_dagster_tests.models.worlds import planted_world, random_model, sessions, small_spec

QUICK = TrustSpec(sessions=800, curve_sessions=60, halves=1, permutations=1, shuffles=2, epochs=0)


@pytest.fixture(scope="module")
def world():
    return sessions([5, 1, 17, 30, 8], seed=3)


@pytest.fixture(scope="module")
def model(world):
    return random_model(world)


@pytest.fixture(scope="module")
def planted():
    parts = [planted_world(n, seed=seed)[0] for n, seed in ((3000, 0), (800, 1), (1200, 2))]
    training = Training(
        train_set=parts[0], validation_set=parts[1], spec=small_spec(max_events=10), training=TrainingSpec(), epochs=0
    )
    return training, parts[2]


def test_without_deletion_the_logit_is_the_models_own(world, model):
    data = model.encode(world)
    kept = np.ones((1, int(data.offsets[-1])), dtype=bool)
    np.testing.assert_allclose(deleted_logits(model, data, kept)[0], predict(model, world), atol=1e-5)


def test_deleting_one_event_is_occlusion(world, model):
    data = model.encode(world)
    occluded = explain_events(ATTRIBUTORS["occlusion_masked"](model), model, data)
    kept = np.ones((1, int(data.offsets[-1])), dtype=bool)
    last = data.offsets[1:] - 1
    kept[0, last] = False
    np.testing.assert_allclose(occluded.logit - deleted_logits(model, data, kept)[0], occluded.signed[last], atol=1e-5)


def test_what_was_deleted_no_longer_matters(world, model):
    data = model.encode(world)
    kept = np.random.default_rng(0).random((1, int(data.offsets[-1]))) < 0.5
    codes, numbers = data.codes.copy(), data.numbers.copy()
    codes[~kept[0]], numbers[~kept[0]] = 2, 9.0
    other = replace(data, codes=codes, numbers=numbers)
    np.testing.assert_allclose(deleted_logits(model, other, kept), deleted_logits(model, data, kept), atol=1e-5)


def test_events_go_in_the_order_of_falling_value_within_their_session(world, model):
    data = model.encode(world)
    values = np.zeros(int(data.offsets[-1]))
    values[:6] = [0.1, 0.5, -0.2, 0.5, 0.0, 7.0]
    assert removal_places(values, data)[:6].tolist() == [2, 0, 4, 1, 3, 0]


def test_curves_of_an_additive_model_are_its_sums(planted):
    """Where the network is silent the logit falls by exactly what is deleted."""
    training, risk_set = planted
    model = training.again(training.train_set, training.validation_set, 0)
    few = risk_set.select(np.arange(50))
    assert model.is_silent
    model.additive_term.pair_weights.data.zero_()
    data = model.encode(few)
    said = explain_events(ATTRIBUTORS["gradient_x_input"](model), model, data)
    drawn = curves(model, data, {"method": said.signed})["method"]
    places, session = removal_places(said.signed, data), np.repeat(np.arange(50), data.lengths)
    for row, share in enumerate(SHARES):
        gone = places < np.repeat(np.round(share * data.lengths), data.lengths)
        lost = np.bincount(session, np.where(gone, said.signed, 0.0), 50)
        np.testing.assert_allclose(drawn.most_first[row], said.logit - lost, atol=1e-5)
    assert (drawn.deletion > -1e-6).mean() > 0.6 and drawn.deletion.mean() > 0 and drawn.insertion.mean() > 0


def test_labels_are_asked_about_the_largest_effects_of_either_sign(planted):
    training, risk_set = planted
    model = training.again(training.train_set, training.validation_set, 0)
    few = risk_set.select(np.arange(300))
    data = model.encode(few)
    effects = np.random.default_rng(0).random(int(data.offsets[-1]))
    up, down = (
        label_faithfulness(
            model, data, Explained(signed=effects, centred=sign * effects, logit=effects), few.label, users_of(few)
        ).gain
        for sign in (1, -1)
    )
    assert up is not None and up == down


def test_positions_fall_into_their_bins():
    one = sessions([60] * MINIMUM_OCCURRENCES)
    model = random_model(one, small_spec(max_events=60))
    found = groupings(one, model.encode(one))["position"]
    names = [found.names[place] for place in found.group[:60]]
    assert [names.count(name) for name in ("1-5", "6-10", "11-20", "21-50", "50+")] == [5, 5, 10, 30, 10]
    assert names[4] == "1-5" and names[5] == "6-10" and names[49] == "21-50" and names[50] == "50+"
    means = found.means(np.tile(np.arange(60.0), MINIMUM_OCCURRENCES))
    assert dict(zip(found.names, means.tolist(), strict=True))["6-10"] == 7.0


def test_a_session_cut_to_its_last_events_keeps_their_positions_and_names():
    one = sessions([60] * MINIMUM_OCCURRENCES)
    model = random_model(one, small_spec(max_events=10))
    found = groupings(one, model.encode(one))
    assert found["position"].names == ("50+",)
    types = found["event_type"]
    assert [types.names[place] for place in types.group[:10]] == [
        f"event_type_{c}" for c in one.codes["event_type"][50:60]
    ]


def test_rank_correlation_by_hand():
    assert rank_correlation(np.array([1.0, 2, 3, 4]), np.array([1.0, 3, 2, 4])) == pytest.approx(0.8)
    assert rank_correlation(np.array([1.0, 2]), np.array([2.0, 1])) is None
    assert rank_correlation(np.array([1.0, 1, 1]), np.array([2.0, 1, 3])) is None


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [(0.7, 0.6, 0.8, True), (0.5, 0.45, 0.55, False), (0.6, 0.45, 0.75, None), (None, None, None, None)],
)
def test_an_interval_that_holds_both_chance_and_a_good_model_decides_nothing(value, low, high, expected):
    assert CRITERIA["auc"].passes(value, low, high) is expected
    row = judged("auc", "model", value, low, high, method="m")
    assert row.passed is expected and row.blocking and ("Not judged" in row.meaning) == (expected is None)


def test_a_control_has_no_bound_and_a_criterion_refuses_nonsense():
    row = judged("deletion", "occurrence", -1.0, -2.0, -0.5, method="random", control=True)
    assert row.passed is None and row.bound_low is None and not row.blocking
    with pytest.raises(ValueError, match="needs a bound"):
        Criterion(meaning="x", blocking=True)
    with pytest.raises(ValueError, match=r"clear=0.4 is not above low=0.5"):
        Criterion(meaning="x", low=0.5, clear=0.4)
    with pytest.raises(ValueError, match="sessions=0"):
        TrustSpec(sessions=0)


def test_deletion_in_the_order_that_ranks_stands_beside_without_a_bound():
    """Where the network speaks, signed and centred differ by more than a constant, and so do their orders."""
    world = sessions([12, 9, 15] * 10, seed=1)
    subject = Subject.of(random_model(world), world, "gradient_x_input", 30, 30, 0)
    rows, drawn = _faithfulness(subject, replace(QUICK, compared=()), 0)
    by_name = {(row.test, row.method): row for row in rows}
    for test in ("deletion", "insertion"):
        signed, centred = (by_name[f"{test}{kind}", "gradient_x_input"] for kind in ("", CENTRED))
        assert signed.blocking and signed.bound_low == 0.0 and not centred.blocking and centred.bound_low is None
        assert centred.value != signed.value and centred.passed is None
    data, values = subject.few, subject.few_explained.centred
    expected = curves(subject.model, data, {"centred": values})["centred"].deletion.mean()
    assert by_name[f"deletion{CENTRED}", "gradient_x_input"].value == pytest.approx(expected)
    assert list(drawn["curves"]) == ["gradient_x_input", "occlusion_masked"]


def test_a_ranking_upside_down_is_as_little_moved_by_shuffled_weights_as_the_same_one():
    """By hand: correlations of -1 and 1; their mean is 0, that of their sizes 1."""
    one = {"event_type": np.arange(6.0)}
    pairs = [(one, {"event_type": -one["event_type"]}), (one, one)]
    (row,) = correlations("parameter_randomisation", "m", pairs, unsigned=True)
    assert (row.value, row.value_low, row.value_high, row.passed) == (1.0, 1.0, 1.0, False)
    (signed,) = correlations("halves", "m", pairs)
    assert (signed.value, signed.value_low) == (0.0, -1.0)


def test_correlations_with_noise_are_of_their_size(planted, monkeypatch):
    """A method whose ranking a shuffle turns upside down is caught, whichever test asks."""
    training, risk_set = planted
    model = training.again(training.train_set, training.validation_set, 0)
    subject = Subject.of(model, risk_set, "gradient_x_input", 50, 50, 0)
    upside_down = {name: -values for name, values in subject.effects.items()}
    values = {row.value for row in noise(subject, [upside_down], True) if row.test == "label_randomisation"}
    assert values - {None} and all(value == pytest.approx(1.0) for value in values - {None})
    turned = replace(subject.few_explained, centred=-subject.few_explained.centred)
    monkeypatch.setattr(report_module, "explain_events", lambda method, model, few: turned)
    assert all(row.value == pytest.approx(1.0) for row in _shuffled(subject, QUICK, 0) if row.value is not None)


@pytest.mark.parametrize(("low", "is_judged"), [(-0.01, True), (0.01, False)])
def test_a_baseline_that_predicts_worse_contradicts_nobody(planted, monkeypatch, low, is_judged):
    training, risk_set = planted
    model = training.again(training.train_set, training.validation_set, 0)
    subject = Subject.of(model, risk_set, "gradient_x_input", 200, 50, 0)
    gain = {"counts": Interval(value=0.02, low=low, high=0.05)}
    monkeypatch.setattr(report_module, "bootstrap_auc", lambda *args, **kwargs: ({}, gain))
    row = next(row for row in _prediction(subject, training, risk_set, 0) if row.test == "baseline_agreement")
    assert row.value is not None and (row.bound_low is not None) is is_judged


def test_halves_share_no_user_and_dealt_labels_keep_their_number(planted, monkeypatch):
    training, _ = planted
    seen = []
    monkeypatch.setattr(Training, "again", lambda self, train_set, validation_set, seed: seen.append(train_set))
    trained_on_halves(training, 1)
    users = [set(part.user_id.to_pylist()) for part in seen]
    assert not users[0] & users[1] and len(users[0] | users[1]) == len(set(training.train_set.user_id.to_pylist()))
    dealt = permuted(training.train_set, np.random.default_rng(0))
    assert dealt.label.sum() == training.train_set.label.sum() and (dealt.label != training.train_set.label).any()


def test_shuffled_weights_are_the_same_numbers_elsewhere(world, model):
    other = with_shuffled_weights(model, model.encode(world), seed=0)
    for before, after in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.equal(before.flatten().sort().values, after.flatten().sort().values)
    assert not torch.equal(model.head, other.head) and not torch.equal(model.mean_event, other.mean_event)


def test_sensitivity_grows_with_the_disturbance_and_is_nothing_for_a_silent_network(world, model, monkeypatch):
    data, method = model.encode(world), ATTRIBUTORS["gradient_x_input"]
    little = max_sensitivity(model, data, method)
    monkeypatch.setattr("attribution_dagster.core.attribution.trust.sensitivity.RADIUS", 0.5)
    much = max_sensitivity(model, data, method)
    assert (little > 0).all() and (much > little).all()
    silent = random_model(world)
    with torch.no_grad():
        silent.head.zero_()
        silent.local_head.zero_()
    assert silent.is_silent and not max_sensitivity(silent, data, method).any()
    full = silent._score(silent.embed(data.batch(np.arange(5))), *_read(data))
    np.testing.assert_allclose(predict(silent, world), full.detach().numpy(), atol=1e-5)


def _read(data):
    batch = data.batch(np.arange(5))
    return batch.codes, batch.is_event


def test_the_models_own_report_passes_and_one_that_learnt_noise_fails(planted):
    training, risk_set = planted
    model = training.again(training.train_set, training.validation_set, 0)
    report = trust_report(model, risk_set, training, QUICK)
    assert not report.failed
    by_name = {(row.test, row.granularity, row.method): row for row in report.tests}
    assert len(by_name) == len(report.tests) and all(row.passed is not None for row in report.tests if row.blocking)
    assert (
        abs(by_name["deletion", "occurrence", "random"].value)
        < by_name["deletion", "occurrence", "gradient_x_input"].value / 2
    )
    effects = {row.name: row for row in report.effects if row.granularity == "event_type"}
    assert effects["event_type_0"].mean_centred_effect > effects["event_type_5"].mean_centred_effect
    assert all(0 <= row.retraining_error < 0.5 and row.models == 2 for row in effects.values())

    generator = np.random.default_rng(5)
    noise = replace(
        training,
        train_set=permuted(training.train_set, generator),
        validation_set=permuted(training.validation_set, generator),
    )
    learnt_noise = noise.again(noise.train_set, noise.validation_set, 0)
    failed = {row.test for row in trust_report(learnt_noise, risk_set, noise, QUICK).failed}
    assert "halves" in failed
