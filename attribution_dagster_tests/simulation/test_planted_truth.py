import json
import math

import numpy as np
import pandas as pd
import pytest

from attribution_dagster.core.simulation import MarketplaceWorld, SimulationSummary
from attribution_dagster.core.simulation.event_types import CONVERSION, FUNNEL

SESSION = ["user_id", "device_id", "session_number"]


@pytest.fixture(scope="module")
def planted(summary: SimulationSummary) -> dict:
    """The truth as the files tell it, nothing taken from the simulator's code."""
    truth = summary.folder / "truth"
    world = json.loads((truth / "world.json").read_text())["world"]
    return {
        "world": world,
        "effect": pd.read_csv(truth / "event_types.csv").set_index("event_type")["effect_logits"].to_dict(),
        "weight": pd.read_csv(truth / "positions.csv").set_index("position")["weight"].to_dict(),
        "store": pd.read_csv(truth / "stores.csv").set_index("store_id")["effect_logits"].to_dict(),
    }


def hazard_logit(planted: dict, events: list[tuple[int, str, str | None]]) -> float:
    """Log-odds of converting after (position, type, store), written out event by event."""
    pair = planted["world"]["interaction"]
    at = {position: (kind, store) for position, kind, store in events}
    logit = planted["world"]["hazard_intercept_logits"]
    for position, kind, store in events:
        worth = planted["effect"][kind] + (planted["store"][store] if store else 0.0)
        before = at.get(position - 1)
        if kind == pair["second"] and before == (pair["first"], store):
            worth += pair["bonus_logits"]
        logit += planted["weight"][position] * worth
    return logit


def visible_sessions(frame: pd.DataFrame) -> list[pd.DataFrame]:
    """A few whole visible prefixes, those with the interaction and those that convert among them."""
    visible = frame[frame["planted_effect_logits"].notna() & frame["position"].notna()]
    sessions = [events for _, events in visible.groupby(SESSION, sort=False)]
    converted = frame[frame["event_type"] == CONVERSION].set_index(SESSION).index
    bought = [s for s in sessions if tuple(s.iloc[0][SESSION]) in converted][:40]
    paired = [s for s in sessions if (s["next_bonus_logits"] > 0).any()][:40]
    return bought + paired + sessions[:40]


def as_triples(events: pd.DataFrame) -> list[tuple[int, str, str | None]]:
    stores = events["store_id"].where(events["store_id"].notna(), None)
    return list(zip(events["position"].astype(int), events["event_type"], stores, strict=True))


def test_the_planted_effect_is_the_change_in_log_odds_when_the_event_is_deleted(frame, planted):
    for events in visible_sessions(frame):
        triples = as_triples(events)
        whole = hazard_logit(planted, triples)
        for index, written in enumerate(events["planted_effect_logits"]):
            without = hazard_logit(planted, triples[:index] + triples[index + 1 :])
            assert written == pytest.approx(whole - without, abs=1e-7)


def test_the_oracle_logit_is_that_of_the_prefix_and_of_nothing_later(frame, planted):
    for events in visible_sessions(frame):
        triples = as_triples(events)
        for end, written in enumerate(events["oracle_logit"], start=1):
            assert written == pytest.approx(hazard_logit(planted, triples[:end]), abs=1e-7)


def test_cut_right_after_an_event_its_effect_is_without_the_bonus_of_the_next(frame, planted):
    paired = [s for s in visible_sessions(frame) if (s["next_bonus_logits"] > 0).any()]
    assert len(paired) >= 40
    for events in paired:
        end = int(np.flatnonzero(events["next_bonus_logits"] > 0)[0]) + 1
        triples, click = as_triples(events)[:end], events.iloc[end - 1]
        change = hazard_logit(planted, triples) - hazard_logit(planted, triples[:-1])
        assert click["planted_effect_logits"] - click["next_bonus_logits"] == pytest.approx(change, abs=1e-7)


def test_a_third_of_the_types_does_nothing_in_any_occurrence_and_some_lower_the_odds(frame, summary):
    truth = pd.read_csv(summary.folder / "truth" / "event_types.csv")
    browsing = truth[~truth["is_funnel"]]
    null = set(browsing.loc[browsing["is_null"], "event_type"])
    assert len(browsing) >= 12 and len(null) * 3 >= len(browsing)
    assert (browsing["effect_logits"] < 0).sum() >= 3
    of_null = frame[frame["event_type"].isin(null)]["planted_effect_logits"].dropna()
    assert len(of_null) > 1000 and (of_null == 0).all()


def test_funnel_events_have_no_planted_effect_and_no_position(frame):
    funnel = frame[frame["event_type"].isin(FUNNEL)]
    assert funnel["position"].isna().all() and (funnel["planted_effect_logits"].dropna() == 0).all()


def test_nothing_from_the_conversion_on_has_an_effect(frame):
    number = (frame["event_type"] == CONVERSION).groupby([frame[c] for c in SESSION]).cumsum()
    assert frame.loc[number > 0, ["planted_effect_logits", "oracle_logit"]].isna().all(axis=None)
    assert frame.loc[number == 0, ["planted_effect_logits", "oracle_logit"]].notna().all(axis=None)
    assert ((number > 0) & (frame["event_type"] != CONVERSION)).sum() > 100, "some go on browsing"


def test_the_mean_effect_per_type_is_that_of_its_occurrences(frame, summary):
    truth = pd.read_csv(summary.folder / "truth" / "event_types.csv").set_index("event_type")
    valued = frame.dropna(subset=["planted_effect_logits"]).groupby("event_type")["planted_effect_logits"]
    for name, row in truth.iterrows():
        assert row["occurrences"] == valued.count()[name]
        assert row["mean_effect_logits"] == pytest.approx(valued.mean()[name], abs=1e-5)


def test_the_hazard_is_what_converts_people(frame):
    """Expected conversions, the sum of hazards over visible events outside the funnel, equal those that happened."""
    visible = frame[frame["oracle_logit"].notna() & frame["position"].notna()]
    hazard = 1 / (1 + np.exp(-visible["oracle_logit"]))
    happened = (frame["event_type"] == CONVERSION).sum()
    assert abs(happened - hazard.sum()) < 4 * math.sqrt((hazard * (1 - hazard)).sum())


def test_stores_are_centred_by_popularity(summary):
    stores = pd.read_csv(summary.folder / "truth" / "stores.csv")
    assert stores["popularity"].sum() == pytest.approx(1, abs=1e-6)
    assert (stores["popularity"] * stores["effect_logits"]).sum() == pytest.approx(0, abs=1e-6)


def test_position_weights_fall_from_one_to_the_floor():
    weights = MarketplaceWorld(position_floor=0.25, position_scale_events=2.0).position_weights()
    assert weights[0] == 1 and (np.diff(weights) <= 0).all() and weights[-1] == pytest.approx(0.25)
    assert weights[2] == pytest.approx(0.25 + 0.75 / math.e)
