"""The simulated treatment: potential outcomes that fit together, sessions as they were cut, and figures against the truth by hand."""

from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from attribution_dagster.core.uplift.base_models import BASE_MODELS
from attribution_dagster.core.uplift.learners import LEARNERS
from attribution_dagster.core.uplift.scoring import GroupEffects, Scores, cross_fitted_scores, group_effects
from attribution_dagster.core.uplift.simulation import LABEL, draw_outcomes, session_covariates, simulate_experiment
from attribution_dagster.core.uplift.truth import truth_figures


def sessions(n: int = 20_000, seed: int = 0) -> pa.Table:
    generator = np.random.default_rng(seed)
    return pa.table(
        {
            "early_views": generator.integers(0, 5, n).astype(float),
            "early_minutes": generator.exponential(4, n),
            "sessions_before": generator.poisson(1, n).astype(float),
            "hour": generator.integers(0, 24, n).astype(float),
        }
    )


def test_one_outcome_of_each_session_is_revealed_and_the_effect_is_the_one_that_was_asked_for() -> None:
    drawn = draw_outcomes(sessions(), seed=3)
    assert (drawn.y[drawn.treated == 1] == drawn.y1[drawn.treated == 1]).all()
    assert (drawn.y[drawn.treated == 0] == drawn.y0[drawn.treated == 0]).all()
    assert drawn.p1.mean() / drawn.p0.mean() == pytest.approx(1.15)
    assert drawn.y1.mean() - drawn.y0.mean() == pytest.approx(drawn.effect.mean(), abs=0.005)
    assert set(np.unique([drawn.y0, drawn.y1])) == {0, 1} and 0.48 < drawn.treated.mean() < 0.52


def test_some_gain_some_lose_and_nobody_gains_and_loses() -> None:
    drawn = draw_outcomes(sessions(), seed=3)
    assert 0.1 < np.mean(drawn.effect < 0) < 0.9
    assert (drawn.y1 >= drawn.y0)[drawn.effect > 0].all() and (drawn.y1 <= drawn.y0)[drawn.effect < 0].all()


def test_the_assignment_knows_nothing_of_the_session() -> None:
    known = sessions()
    drawn = draw_outcomes(known, seed=3)
    for name in known.column_names:
        assert abs(np.corrcoef(known[name].to_numpy(), drawn.treated)[0, 1]) < 0.03


def test_sessions_are_cut_after_thirty_minutes_and_only_their_first_events_count() -> None:
    start = datetime(2025, 1, 6, 19)
    gaps = [0, 30, 1, 1, 1, 1, 1, 30]  # minutes; 30 continue, a second more does not
    at = [start + timedelta(minutes=sum(gaps[: place + 1])) for place in range(8)]
    at.append(at[-1] + timedelta(minutes=30, seconds=1))
    kinds = ["item_view"] * 8 + ["store_impression"]
    found = session_covariates(
        pa.table(
            {
                "event_id": [f"e{n}" for n in range(9)],
                "user_id": ["u"] * 9,
                "device_id": ["d"] * 9,
                "event_at": pa.array(at, pa.timestamp("us")),
                "event_type": kinds,
                "store_id": ["a"] + ["b"] * 8,
                "discovery_feature": pa.array([None] * 9, pa.string()),
            }
        )
    ).to_pylist()
    assert [row["early_events"] for row in found] == [5, 1] and [row["sessions_before"] for row in found] == [0, 1]
    assert [row["early_views"] for row in found] == [5, 0] and [row["early_impressions"] for row in found] == [0, 1]
    assert found[0]["early_minutes"] == 33 and found[0]["first_store"] == "a" and found[0]["hour"] == 19


def test_the_folder_says_that_it_is_simulated_and_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    for name in ("one", "two"):
        simulate_experiment(tmp_path / name, users=150, seed=5, start=date(2025, 1, 1))
    one, two = (pq.read_table(tmp_path / name / "units" / "part-00000.parquet") for name in ("one", "two"))
    assert one.equals(two) and one.num_rows > 300
    assert (tmp_path / "one" / "GENERATED.txt").read_text().strip() == LABEL
    truth = pq.read_table(tmp_path / "one" / "truth" / "potential_outcomes.parquet")
    assert np.subtract(truth["p1"], truth["p0"]) == pytest.approx(one["true_effect"].to_numpy())


def test_figures_against_the_truth_by_hand() -> None:
    effect = np.array([0.2, 0.1, -0.1, -0.2])
    uplift = np.array([0.1, -0.1, -0.1, 0.0])
    scores = Scores(uplift=uplift, low=uplift - 0.1, high=uplift + 0.1, control_rate=np.full(4, 0.3))
    one_group = GroupEffects(
        group=np.array([1, 1, 2, 2]),
        effect=np.array([0.2, 0.2, 0.1, 0.1]),
        low=np.array([0.1, 0.1, 0.0, 0.0]),
        high=np.array([0.3, 0.3, 0.2, 0.2]),
    )
    found = {figure.figure: figure for figure in truth_figures(scores, one_group, effect)}
    assert found["group_coverage"].value == 0.5
    assert found["pehe"].value == pytest.approx(np.sqrt((0.01 + 0.04 + 0 + 0.04) / 4))
    assert found["pehe"].of_average == pytest.approx(np.sqrt((0.04 + 0.01 + 0.01 + 0.04) / 4))
    assert found["coverage"].value == 0.5
    assert found["average_error"].value == pytest.approx(-0.025)
    # treats the first only; the oracle the first two; nobody has the average effect, 0
    assert found["policy_value"].value == pytest.approx(0.05)
    assert found["policy_regret"].value == pytest.approx(0.075 - 0.05)
    assert found["policy_regret"].of_average == pytest.approx(0.075)
    assert all(figure.meaning for figure in found.values())


@pytest.mark.parametrize("name", sorted(LEARNERS))
def test_every_learner_is_nearer_to_the_truth_than_the_average_and_regrets_less(name: str) -> None:
    known = sessions(12_000)
    drawn = draw_outcomes(known, seed=1)
    x = np.column_stack([known[column].to_numpy() for column in known.column_names])
    base = BASE_MODELS["hist_gradient_boosting"](0)
    scores = cross_fitted_scores(lambda: LEARNERS[name](base), base, x, drawn.treated, drawn.y, n_folds=2, resamples=2)
    groups = group_effects(scores.uplift, drawn.treated, drawn.y)
    found = {figure.figure: figure for figure in truth_figures(scores, groups, drawn.effect)}
    assert found["group_coverage"].value >= 0.7
    assert found["pehe"].value < found["pehe"].of_average
    assert found["policy_regret"].value < found["policy_regret"].of_average
    assert found["rank_correlation"].value > 0.4 and abs(found["average_error"].value) < 0.02
