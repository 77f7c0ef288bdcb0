"""What is expected of events, sessions, funnels, the sample and the risk set."""

from attribution_dagster.checks.expectations import Expectation, between, equal, none_of
from attribution_dagster.datasets.profile import Profile

NO_TRAILING_WINDOWS = "no trailing windows: fewer than three before this one to compare with"


def sessions_suite(profile: Profile) -> list[Expectation]:
    """The suite of what all variants share."""
    quality = profile.quality
    tolerance = quality.conversion_rate_tolerance
    return [
        Expectation(
            name="event_types_known",
            asset="events",
            description="Event types without a role, and not seen in the windows before, make up a small share of the events (quality.max_new_types_share).",
            rules=(
                between("new_types_share", 0, quality.max_new_types_share, may_be_unknown="no window before this one"),
            ),
            blocking=False,
        ),
        Expectation(
            name="events_conserved",
            asset="sessions",
            description="Every event of the window is rejected with a reason or lies in exactly one session, here or of an earlier window.",
            rules=(equal("n_events", "n_accounted"), equal("n_in_sessions", "n_expected_in_sessions")),
        ),
        Expectation(
            name="session_ids_unique",
            asset="sessions",
            description="No session id occurs twice or is missing.",
            rules=(equal("n_sessions", "n_ids"), *none_of("n_missing")),
        ),
        Expectation(
            name="sessions_not_null",
            asset="sessions",
            description="A session has a user, a start, an end, a label, its flags and at least one event.",
            rules=none_of("n_incomplete"),
        ),
        Expectation(
            name="sessions_in_window",
            asset="sessions",
            description="A session starts inside its window, ends no earlier, and converts in between.",
            rules=none_of("n_outside_window", "n_out_of_order"),
        ),
        Expectation(
            name="session_volume",
            asset="sessions",
            description=(
                "The number of sessions is within a band (quality.volume_band) around the median of up to eight windows before; "
                "of daily windows, those of the same weekday."
            ),
            rules=(between("volume_ratio", *quality.volume_band, may_be_unknown=NO_TRAILING_WINDOWS),),
        ),
        Expectation(
            name="conversion_rate",
            asset="sessions",
            description=(
                "The conversion rate is within four standard errors of that of the windows it is compared with, or, if further away, "
                f"within {tolerance:.0%} of it (quality.conversion_rate_tolerance)."
            ),
            rules=(between("significant_change", -tolerance, tolerance, may_be_unknown=NO_TRAILING_WINDOWS),),
        ),
        Expectation(
            name="session_funnels_complete",
            asset="session_funnels",
            description="Every session has exactly one row, and no row has no session.",
            rules=none_of("n_not_once"),
        ),
        Expectation(
            name="session_funnels_consistent",
            asset="session_funnels",
            description="A stage is touched exactly where it is counted and has a first time, which lies inside the session; transaction is the label.",
            rules=none_of("n_contradicting", "n_outside_session"),
        ),
        Expectation(
            name="funnel_rates_in_range",
            asset="funnel_metrics",
            description="Each stage occurs once; rates and drop-offs lie in [0, 1], and only the first stage has no drop-off.",
            rules=(between("n_stages", 1, None), *none_of("n_repeated", "n_out_of_range")),
        ),
        Expectation(
            name="funnel_counts_recounted",
            asset="funnel_metrics",
            description="The sessions of each stage are those counted from the sessions' events.",
            rules=none_of("n_different"),
        ),
        Expectation(
            name="sample_represents_all",
            asset="sampled_users",
            description="The sampled users' conversion rate is within four standard errors of everyone's.",
            rules=(between("standard_errors_apart", -4, 4),),
            blocking=False,
        ),
        Expectation(
            name="enough_converted",
            asset="risk_set",
            description="Enough sessions of the risk set converted for averages and metrics to mean something (quality.min_converted).",
            rules=(between("n_converted", quality.min_converted, None),),
            blocking=False,
        ),
    ]
