"""What a model card concludes, case by case."""

from typing import Any

import pytest

from attribution_dagster.core.attribution.trust.criteria import judged
from attribution_dagster.core.claims.standing import Evidence, State, standing

GOOD: dict[str, Any] = dict(
    leaks=False,
    auc=0.70,
    max_auc=0.9,
    predicts=True,
    baseline_agrees=True,
    gain_high=0.05,
    length_auc_low=0.48,
    calibration_error=0.02,
)
NEITHER, CLAIMS, RANKS = (False, False), (True, False), (True, True)
CASES = {
    "everything in order": ({}, State.PUBLISHABLE, RANKS, None),
    "a blocking trust test failed": ({"trust_failed": ["deletion"]}, State.DO_NOT_PUBLISH, NEITHER, "failed: deletion"),
    "another trust test failed": ({"trust_doubts": ["stability"]}, State.WARNINGS, RANKS, "failed: stability"),
    "a trust test could not be judged": (
        {"trust_unjudged": ["halves"]},
        State.WARNINGS,
        RANKS,
        "too little data for the trust test halves",
    ),
    "it sees the funnel": ({"leaks": True, "auc": 0.99}, State.DO_NOT_PUBLISH, NEITHER, "funnel events"),
    "it can't be told from chance": ({"predicts": None}, State.WARNINGS, NEITHER, "nothing is claimed"),
    "too few converted": ({"predicts": None, "auc": None}, State.WARNINGS, NEITHER, "nothing is claimed"),
    "it does not predict": (
        {"predicts": False, "trust_failed": ["auc"]},
        State.DO_NOT_PUBLISH,
        NEITHER,
        "trust test failed: auc",
    ),
    "foresees too much": ({"auc": 0.901}, State.DO_NOT_PUBLISH, NEITHER, "a leak is suspected"),
    "foresees as much as is allowed": ({"auc": 0.9}, State.PUBLISHABLE, RANKS, None),
    "badly calibrated": ({"calibration_error": 0.11}, State.WARNINGS, RANKS, "calibration error of 0.110"),
    "calibrated at the bound": ({"calibration_error": 0.1}, State.PUBLISHABLE, RANKS, None),
    "the baseline predicts better": ({"gain_high": -0.01}, State.WARNINGS, RANKS, "predicts better"),
    "the baseline was not asked": ({"baseline_agrees": None}, State.PUBLISHABLE, RANKS, None),
    "the baseline predicts as well and ranks otherwise": (
        {"baseline_agrees": False},
        State.WARNINGS,
        CLAIMS,
        "ranking withheld",
    ),
    "length alone predicts": ({"length_auc_low": 0.56}, State.WARNINGS, RANKS, "length alone"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_state_follows_from_the_evidence(case: str) -> None:
    changes, state, allowed, reason = CASES[case]
    found = standing(Evidence(**{**GOOD, **changes}))
    assert (found.state, (found.claims, found.ranks)) == (state, allowed)
    assert (found.reasons == ()) if reason is None else any(reason in said for said in found.reasons)


def test_what_forbids_comes_before_what_warns_and_all_is_said() -> None:
    found = standing(Evidence(**{**GOOD, "trust_failed": ["a"], "trust_doubts": ["b"], "calibration_error": 0.2}))
    assert found.state == State.DO_NOT_PUBLISH and len(found.reasons) == 3
    assert found.reasons[:2] == ("trust test failed: a", "trust test failed: b")


@pytest.mark.parametrize("auc", [(0.56, 0.48, 0.64), (0.56, 0.52, 0.60), (0.50, 0.45, 0.55), (None, None, None)])
def test_what_the_trust_test_of_the_auc_lets_be_published_the_card_does_not_forbid(
    auc: tuple[float | None, ...],
) -> None:
    test = judged("auc", "model", *auc, method="m")
    failed = [test.test] if test.passed is False and test.blocking else []
    found = standing(Evidence(**{**GOOD, "auc": auc[0], "predicts": test.passed, "trust_failed": failed}))
    assert (found.state == State.DO_NOT_PUBLISH) == bool(failed)
    assert found.claims == (test.passed is True)
