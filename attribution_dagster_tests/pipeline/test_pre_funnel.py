"""A variant that stops at the funnel is scored on the same sessions as the others; landmarks and uncut sessions beside."""

from pathlib import Path
from typing import Any

import pytest

from attribution_dagster.assets.sequences import open_sequences, sequences_cut
from attribution_dagster.assets.training import open_model
from attribution_dagster.checks.judging import judge
from attribution_dagster.checks.suites import expectations
from attribution_dagster.core.models.prediction import predict
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.pipeline.small import EXPLAINED, VARIANTS, WINDOWS, materialise, small_workspace

PREPARED = ["events", "sessions", "sampled_users", "risk_set", "pre_funnel/sequence_tensors"]
MODELLED = ["pre_funnel/trained_model", "pre_funnel/event_attribution"]


def metrics(workspace: Workspace, variant: str) -> dict[tuple[str, str], dict[str, Any]]:
    rows = workspace.slice_of(f"model_metrics_{variant}", EXPLAINED).to_pylist()
    return {(row["population"], row["model"]): row for row in rows}


def test_emptied_sessions_get_the_base_rate_and_all_variants_are_scored_on_the_same(tmp_path: Path) -> None:
    # Simulated sessions never begin with the funnel proper; many begin with an impression, so that is made part of it.
    extra = "variants: {pre_funnel: {funnel: stop}}\nroles: {funnel: [checkout_page_load, store_impression]}\n"
    workspace = small_workspace(tmp_path, extra=extra)
    materialise(workspace, ["source"], [None])
    materialise(workspace, PREPARED, WINDOWS)
    materialise(workspace, MODELLED, [EXPLAINED])
    sequences = open_sequences(workspace, "pre_funnel", EXPLAINED)
    risk_set = workspace.slice_of("risk_set", EXPLAINED)
    assert sequences.session_id.to_pylist() == sorted(risk_set["session_id"].to_pylist())
    empty = sequences.lengths == 0
    record = workspace.artifacts.record("pre_funnel/sequence_tensors", EXPLAINED)
    assert (
        record is not None
        and 0 < empty.sum() == record.report["emptied_converted"] + record.report["emptied_not_converted"]
    )
    model = open_model(workspace, "pre_funnel", EXPLAINED)
    assert (predict(model, sequences)[empty] == float(model.base_logit)).all()
    assert metrics(workspace, "pre_funnel")["all", "transformer"]["n_sessions"] == int(sequences.in_risk_set.sum())
    suite = [e for e in expectations(workspace.profile) if e.asset in (*MODELLED, PREPARED[-1]) and e.blocking]
    assert len(suite) >= 8
    for expectation, verdict in zip(suite, judge(workspace, suite, EXPLAINED), strict=True):
        assert verdict.passed, (expectation.name, verdict.summary)
    workspace.warehouse.close()


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_population_has_every_predictor_on_the_same_sessions(published: Workspace, variant: str) -> None:
    rows = metrics(published, variant)
    populations = ["all", "unseen", "uncut", "after_5", "after_10", "after_20"]
    models = ["transformer", "base_rate", "length", "logistic_regression"]
    assert set(rows) == {(population, model) for population in populations for model in models}
    risk_set = published.slice_of("risk_set", EXPLAINED).to_pylist()
    expected = {"uncut": risk_set} | {
        f"after_{k}": [row for row in risk_set if row["n_no_funnel"] >= k] for k in (5, 10, 20)
    }
    for population, sessions in expected.items():
        for model in models:
            row = rows[population, model]
            counted = len(sessions), sum(session["label"] for session in sessions)
            assert (row["n_sessions"], row["n_converted"]) == counted
            assert (row["auc"] is None) == (min(counted[1], counted[0] - counted[1]) < 30)


def test_length_says_nothing_after_a_landmark_and_something_without_the_cut(published: Workspace) -> None:
    rows = metrics(published, "no_funnel")
    assert {rows[f"after_{k}", "length"]["auc"] for k in (5, 10, 20)} <= {0.5, None}
    assert rows["uncut", "length"]["auc"] > 0.5


def test_after_a_landmark_nothing_later_is_seen(published: Workspace) -> None:
    uncut = sequences_cut(published, "no_funnel", EXPLAINED, "none")
    whole = dict(zip(uncut.session_id.to_pylist(), range(uncut.n_sessions), strict=True))
    seen = sequences_cut(published, "no_funnel", EXPLAINED, "landmark", 5)
    assert set(seen.lengths.tolist()) == {5} and seen.n_sessions == int((uncut.lengths >= 5).sum())
    for number, name in enumerate(seen.session_id.to_pylist()[:50]):
        first = uncut.offsets[whole[name]]
        at = seen.offsets[number]
        assert seen.event_at_us[at : at + 5].tolist() == uncut.event_at_us[first : first + 5].tolist()
