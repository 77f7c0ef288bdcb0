"""Serving and training agree: raw events through the service's reading give the scores of the training pipeline on the same sessions."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from attribution_dagster.assets.training import open_model
from attribution_dagster.core.attribution.sessions import attribute_sessions
from attribution_dagster.core.models.prediction import predict
from attribution_dagster.core.models.transformer import AttributionModel
from attribution_dagster.core.scoring.batch import score_sessions
from attribution_dagster.core.scoring.reading import ReadingRules
from attribution_dagster.core.scoring.scorer import Score, Scorer
from attribution_dagster.core.sequences.builder import build_sequences
from attribution_dagster.core.sequences.sequence_set import SequenceSet
from attribution_dagster.core.sequences.vocabulary import MISSING, UNKNOWN
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.queries import load_query, parse_query
from attribution_dagster_tests.models.worlds import FULL_COLUMNS, random_model, small_spec
from attribution_dagster_tests.pipeline.small import EXPLAINED
from attribution_dagster_tests.serving.raw import raw_sessions

MAX_EVENTS = 8
NUMBERS = ("event_rank", "time_delta", "is_nv", "price_usd")


def rules(workspace: Workspace, funnel_rule: str) -> ReadingRules:
    roles = workspace.profile.roles
    return ReadingRules(conversion=frozenset(roles.conversion), funnel=frozenset(roles.funnel), funnel_rule=funnel_rule)


def sequences_by_sql(workspace: Workspace, funnel_rule: str, folder: Path) -> SequenceSet:
    """The sampled sessions as the training pipeline reads them, uncut."""
    query = load_query("features/sequence_events")
    values = workspace.bound(query, EXPLAINED, funnel_rule=funnel_rule, cut="none", landmark=0)
    build_sequences(workspace.warehouse.stream(query, values), FULL_COLUMNS, NUMBERS, folder)
    return SequenceSet.open(folder)


def scored(model: AttributionModel, workspace: Workspace, funnel_rule: str) -> dict[str, Score]:
    raw = raw_sessions(workspace)
    scorer = Scorer(model, rules(workspace, funnel_rule), n_reasons=3)
    return dict(zip(raw, scorer.score(list(raw.values())), strict=True))


@pytest.mark.parametrize("funnel_rule", ["drop", "keep", "stop"])
def test_any_model_scores_raw_events_as_it_scores_the_warehouses_sequences(
    published: Workspace, tmp_path: Path, funnel_rule: str
) -> None:
    sequences = sequences_by_sql(published, funnel_rule, tmp_path / "set")
    # Fitted on one short session, so that most stores, and some event types and categories, are unknown to it.
    spec = small_spec(categories=FULL_COLUMNS, numbers=NUMBERS, max_events=MAX_EVENTS)
    model = random_model(sequences.select(np.flatnonzero(sequences.lengths == 6)[:1]), spec)
    found = scored(model, published, funnel_rule)
    ours = np.array([found[name].logit for name in sequences.session_id.to_pylist()])
    np.testing.assert_allclose(ours, predict(model, sequences), rtol=0, atol=5e-6)
    explained = {row["session_id"]: row["logit"] for b in attribute_sessions(model, sequences) for row in b.to_pylist()}
    differences = [abs(found[name].logit - logit) for name, logit in explained.items()]
    assert len(differences) > 200 and max(differences) < 1e-6
    batch = {row["session_id"]: row for b in score_sessions(model, sequences) for row in b.to_pylist()}
    assert {name: row["n_unknown"] for name, row in batch.items()} == {name: found[name].n_unknown for name in batch}
    assert any(0 < row["n_unknown"] < row["n_read"] for row in batch.values())
    encoded = model.encode(sequences)
    assert (encoded.first_event > 0).sum() > 50 and np.ptp(ours) > 0.1
    for column in ("event_type", "store_id", "primary_category"):
        assert (encoded.codes[:, FULL_COLUMNS.index(column)] == UNKNOWN).any(), column
    assert (encoded.codes == MISSING).any() and np.isnan(sequences.numbers["price_usd"]).any()
    assert (sequences.lengths == 1).any() == (funnel_rule != "keep") and sequences.lengths.max() > 50
    ignored = sum((Counter(score.reading.ignored) for score in found.values()), Counter())
    assert ignored["conversion_and_after"] > 30 and (ignored["funnel"] > 30) == (funnel_rule != "keep")


def test_scores_and_reasons_are_those_published(published: Workspace) -> None:
    model = open_model(published, "no_funnel", EXPLAINED)
    found = scored(model, published, "drop")
    # A session of the risk set that did not convert is published cut; nobody who scores knows where.
    query = parse_query(
        "published",
        "SELECT session_id, event_position, event_type, logit, probability, signed_attribution, centred_attribution "
        "FROM gradient_attribution_no_funnel WHERE window_start = :window_start AND (label = 1 OR NOT in_risk_set)",
    )
    rows = published.fetch(query, EXPLAINED).to_pylist()
    by_place = {(row["session_id"], row["event_position"]): row for row in rows}
    assert len({row["session_id"] for row in rows}) > 60
    for row in rows:
        score = found[row["session_id"]]
        assert abs(score.logit - row["logit"]) < 1e-6 and abs(score.probability - row["probability"]) < 1e-6
    for name in {row["session_id"] for row in rows}:
        largest = sorted((abs(r["centred_attribution"]) for (s, _), r in by_place.items() if s == name), reverse=True)
        for reason, size in zip(found[name].reasons, largest, strict=False):
            row = by_place[name, reason.event_position]
            assert row["event_type"] == reason.event.event_type
            assert abs(row["signed_attribution"] - reason.signed_attribution) < 1e-6
            assert abs(row["centred_attribution"] - reason.centred_attribution) < 1e-6
            assert abs(abs(reason.centred_attribution) - size) < 1e-6


def test_an_empty_session_has_the_base_rate_and_no_reason(published: Workspace) -> None:
    model = open_model(published, "no_funnel", EXPLAINED)
    (score,) = Scorer(model, rules(published, "drop"), n_reasons=3).score([[]])
    assert score.logit == float(model.base_logit) and not score.reasons
    assert score.probability == float(model.calibration.probability(score.logit))


def test_batch_scores_are_those_of_the_service(published: Workspace) -> None:
    _, champion = published.registry.champion("no_funnel"), open_model(published, "no_funnel", EXPLAINED)
    found = scored(champion, published, "drop")
    rows = published.slice_of("session_scores_no_funnel", EXPLAINED).to_pylist()
    assert {row["session_id"] for row in rows} == set(found) and len(rows) > 300
    for row in rows:
        score = found[row["session_id"]]
        assert abs(row["logit"] - score.logit) < 1e-6 and abs(row["probability"] - score.probability) < 1e-6
        assert row["n_read"] == len(score.reading.events) - score.n_unread and row["n_unknown"] == score.n_unknown
        values = [row[f"reason_{n}_attribution"] for n in (1, 2, 3) if row[f"reason_{n}"] is not None]
        assert len(values) == len(score.reasons)
        for value, reason in zip(values, score.reasons, strict=True):
            assert abs(value - reason.signed_attribution) < 1e-6
    assert {row["model"] for row in rows} == {"small-no_funnel version 1"} and all(row["is_new"] for row in rows)
    labels = {row["session_id"]: row["is_converted"] for row in published.slice_of("sessions", EXPLAINED).to_pylist()}
    assert all(row["label"] == labels[row["session_id"]] for row in rows)
