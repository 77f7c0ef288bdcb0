"""What is expected of the scores of a window's sessions: shown, since nothing is published from them."""

from attribution_dagster.checks.expectations import Expectation, none_of
from attribution_dagster.datasets.profile import Profile


def scoring_suite(profile: Profile, variant: str) -> list[Expectation]:
    """The suite of `session_scores`."""
    return [
        Expectation(
            name="session_scores_complete",
            asset=f"{variant}/session_scores",
            description="Where there is a champion, it scored every session that is no bot once, with its label; probabilities lie between 0 and 1.",
            rules=none_of("n_not_once", "n_impossible"),
            blocking=False,
            variant=variant,
        )
    ]
