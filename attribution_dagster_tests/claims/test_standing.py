"""What a model card concludes, case by case."""

from typing import Any

import pytest

from attribution_dagster.core.claims.standing import Evidence, State, standing

GOOD: dict[str, Any] = dict(
    leaks=False,
    auc=0.70,
    auc_low=0.66,
    max_auc=0.9,
    gain_low=0.01,
    gain_high=0.05,
    length_auc_low=0.48,
    calibration_error=0.02,
    rank_correlation=0.95,
    baseline_contradicts=False,
)
AS_GOOD = {"gain_low": -0.01, "gain_high": 0.02}
OTHERWISE = {"rank_correlation": 0.2, "baseline_contradicts": True}
CASES = {
    "everything in order": ({}, State.PUBLISHABLE, True, None),
    "a blocking trust test failed": ({"trust_failed": ["deletion"]}, State.DO_NOT_PUBLISH, False, "failed: deletion"),
    "another trust test failed": ({"trust_doubts": ["stability"]}, State.WARNINGS, True, "failed: stability"),
    "a trust test could not be judged": (
        {"trust_unjudged": ["halves"]},
        State.WARNINGS,
        True,
        "too little data for the trust test halves",
    ),
    "it sees the funnel": ({"leaks": True, "auc": 0.99}, State.DO_NOT_PUBLISH, False, "funnel events"),
    "too few converted": ({"auc": None, "auc_low": None}, State.DO_NOT_PUBLISH, False, "too few converted"),
    "no better than chance": ({"auc": 0.52, "auc_low": 0.5}, State.DO_NOT_PUBLISH, False, "from chance"),
    "foresees too much": ({"auc": 0.901}, State.DO_NOT_PUBLISH, False, "a leak is suspected"),
    "foresees as much as is allowed": ({"auc": 0.9}, State.PUBLISHABLE, True, None),
    "badly calibrated": ({"calibration_error": 0.11}, State.WARNINGS, True, "calibration error of 0.110"),
    "calibrated at the bound": ({"calibration_error": 0.1}, State.PUBLISHABLE, True, None),
    "the baseline predicts better": ({"gain_low": -0.05, "gain_high": -0.01}, State.WARNINGS, True, "predicts better"),
    "the baseline predicts as well": (AS_GOOD, State.PUBLISHABLE, True, None),
    "the baseline ranks otherwise and predicts worse": (OTHERWISE, State.PUBLISHABLE, True, None),
    "the baseline predicts as well and ranks otherwise": (
        {**AS_GOOD, **OTHERWISE},
        State.WARNINGS,
        False,
        "ranking withheld",
    ),
    "the gain is unknown and the baseline ranks otherwise": (
        {"gain_low": None, "gain_high": None, **OTHERWISE},
        State.WARNINGS,
        False,
        "ranking withheld",
    ),
    "length alone predicts": ({"length_auc_low": 0.56}, State.WARNINGS, True, "length alone"),
    "the gate refused it": ({"gate_objections": ["older"]}, State.WARNINGS, True, "refused it as champion: older"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_state_follows_from_the_evidence(case: str) -> None:
    changes, state, ranks, reason = CASES[case]
    found = standing(Evidence(**{**GOOD, **changes}))
    assert (found.state, found.ranks) == (state, ranks)
    assert (found.reasons == ()) if reason is None else any(reason in said for said in found.reasons)


def test_what_forbids_comes_before_what_warns_and_all_is_said() -> None:
    found = standing(Evidence(**{**GOOD, "trust_failed": ["a"], "trust_doubts": ["b"], "calibration_error": 0.2}))
    assert found.state == State.DO_NOT_PUBLISH and len(found.reasons) == 3
    assert found.reasons[:2] == ("trust test failed: a", "trust test failed: b")
