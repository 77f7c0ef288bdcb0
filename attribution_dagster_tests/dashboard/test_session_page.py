"""The session debugger: found by id, outcome, score and event; every method's numbers; an event taken away on the real model."""

import math
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from attribution_dagster.cli.explaining import explain_session
from attribution_dagster.core.models.storage import load_model
from attribution_dagster.reports.figures.session import duration, gaps_s
from attribution_dagster.resources.explained_session import (
    explained_by,
    probability_without,
    published_folders,
    published_sequence,
)
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.dashboard.conftest import tables
from attribution_dagster_tests.dashboard.direct import published_rows
from attribution_dagster_tests.pipeline.small import EXPLAINED

Open = Callable[..., AppTest]
TABLE = "gradient_attribution_no_funnel"


@pytest.mark.parametrize(
    ("url", "fits"),
    [
        ({"outcome": "converted"}, lambda row: row["label"] == 1),
        ({"outcome": "did not convert"}, lambda row: row["label"] == 0),
        ({"text": "u00000012"}, lambda row: "u00000012" in row["session_id"]),
    ],
)
def test_a_search_finds_the_sessions_that_fit_the_most_likely_first(
    published: Workspace, shown: Open, url: dict[str, str], fits: Callable[[dict[str, object]], bool]
) -> None:
    app = shown(published, "session", **url)
    rows = [row for row in published_rows(published, TABLE) if row["event_position"] == 0 and fits(row)]
    rows.sort(key=lambda row: (-row["probability"], row["session_id"]))
    assert not app.exception
    if rows:
        assert [row["session_id"] for row in tables(app)[0]] == [row["session_id"] for row in rows[:25]]
        assert any(caption.value.startswith(f"{len(rows):,} rows") for caption in app.caption)
    else:
        assert app.info[0].value == "No session fits."


def test_a_search_by_event_finds_those_that_hold_it(published: Workspace, shown: Open) -> None:
    rows = published_rows(published, TABLE)
    rare = min({row["event_type"] for row in rows}, key=lambda name: sum(row["event_type"] == name for row in rows))
    app = shown(published, "session", event=rare)
    holding = {row["session_id"] for row in rows if row["event_type"] == rare}
    found = {row["session_id"] for row in tables(app)[0]}
    assert found <= holding and len(found) == min(25, len(holding))


def test_a_session_shows_each_event_by_every_method_and_without_it(published: Workspace, shown: Open) -> None:
    rows = published_rows(published, TABLE)
    session = next(row["session_id"] for row in rows if row["label"] == 1 and row["n_events"] >= 3)
    mine = sorted((row for row in rows if row["session_id"] == session), key=lambda row: row["event_position"])
    app = shown(published, "session", session=session, method="integrated_gradients")
    assert not app.exception
    timeline = tables(app)[-1]
    model, sequences = published_folders(published, "no_funnel", EXPLAINED)
    asked = load_model(model), published_sequence(published, sequences, EXPLAINED, session, len(mine))
    by_gradient = explained_by(*asked, "integrated_gradients", mine)[0]
    dropped = explained_by(*asked, "occlusion_dropped", mine)[0]
    assert [row["event_type"] for row in timeline] == [row["event_type"] for row in mine]
    assert [row["published_logits"] for row in timeline] == pytest.approx([row["centred_attribution"] for row in mine])
    assert [row["integrated_gradients_logits"] for row in timeline] == pytest.approx(
        [row["centred_attribution"] for row in by_gradient], abs=1e-6
    )
    assert [row["logit_lost_if_removed"] for row in timeline] == pytest.approx(
        [row["signed_attribution"] for row in dropped], abs=1e-6
    )
    assert app.metric[1].value == f"{mine[0]['probability']:.1%}"

    app.multiselect(key="removed").set_value([0]).run()
    before, after = probability_without(*asked, [0])
    assert before == pytest.approx(mine[0]["probability"], abs=1e-6)
    assert app.metric[-1].value == f"{after:.1%}"
    # By the same loss of logits that occlusion finds, through the model's calibration.
    logit = mine[0]["logit"] - dropped[0]["signed_attribution"]
    assert after == pytest.approx(float(asked[0].calibration.probability([logit])[0]), abs=1e-6)


def test_taking_nothing_away_changes_nothing_and_taking_all_leaves_the_base_rate(published: Workspace) -> None:
    rows = published_rows(published, TABLE)
    session = rows[0]["session_id"]
    events = sum(row["session_id"] == session for row in rows)
    model, sequences = published_folders(published, "no_funnel", EXPLAINED)
    asked = load_model(model), published_sequence(published, sequences, EXPLAINED, session, events)
    assert math.isclose(*probability_without(*asked, []))
    base = float(asked[0].calibration.probability([float(asked[0].base_logit)])[0])
    assert probability_without(*asked, range(events))[1] == pytest.approx(base, abs=1e-6)


def test_an_unknown_session_is_named(published: Workspace, shown: Open) -> None:
    app = shown(published, "session", session="<script>alert(1)</script>")
    assert not app.exception
    assert "<script>alert(1)</script>" in app.text[-1].value  # st.text shows characters, whatever they are


def test_the_command_line_says_the_same(published: Workspace) -> None:
    session = published_rows(published, TABLE)[0]["session_id"]
    assert explain_session(published, "no_funnel", session, "occlusion_dropped")


def test_gaps_are_those_between_neighbours() -> None:
    from datetime import datetime, timedelta

    start = datetime(2025, 1, 1)
    assert gaps_s([start, start + timedelta(seconds=61), start + timedelta(hours=2)]) == [None, 61, 7139]
    assert [duration(seconds) for seconds in (59.4, 61, 7139)] == ["59 s", "1 min 1 s", "1 h 58 min"]
    assert gaps_s([]) == []
