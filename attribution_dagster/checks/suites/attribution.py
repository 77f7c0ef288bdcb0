"""What is expected of a variant's attribution and of the tables that sum it up."""

from attribution_dagster.checks.expectations import Expectation, between, equal, none_of
from attribution_dagster.datasets.profile import Profile

GROUPS = {
    "event_type_attribution": "event type",
    "position_attribution": "position bin",
    "store_attribution": "store and label",
    "category_attribution": "category and tag",
    "event_position_attribution": "event type and position bin",
}
"""Asset -> what it has a row for."""


def attribution_suite(profile: Profile, variant: str) -> list[Expectation]:
    """The suite of `event_attribution` and of the five aggregates."""
    asset, tensors = f"{variant}/event_attribution", f"{variant}/sequence_tensors"
    return [
        Expectation(
            name="shares_sum_to_one",
            asset=asset,
            description="The shares of each session's events sum to 1 and none is negative or missing, unless all attributions are 0.",
            rules=(between("n_sessions", 1, None), *none_of("n_wrong_sums", "n_negative")),
            variant=variant,
        ),
        Expectation(
            name="attribution_keys_unique",
            asset=asset,
            description="An event of a session has one row; session, position, event type, label and user are known.",
            rules=none_of("n_repeated", "n_incomplete"),
            variant=variant,
        ),
        Expectation(
            name="probabilities_in_range",
            asset=asset,
            description="Probabilities lie in [0, 1]; logits and attributions are finite numbers.",
            rules=none_of("n_out_of_range", "n_not_finite"),
            variant=variant,
        ),
        Expectation(
            name="attribution_equals_tensors",
            asset=asset,
            description="Sessions and events of the table, counted in SQL, are those that Python counted in the tensors.",
            rules=(equal("sql_sessions", "sessions_with_events"), equal("sql_events", "events")),
            variant=variant,
            reported={tensors: ("sessions_with_events", "events")},
        ),
        Expectation(
            name="attribution_before_conversion",
            asset=asset,
            description="Every event lies inside its session, which began in the window, and not after the conversion.",
            rules=none_of("n_without_session", "n_outside_session", "n_after_conversion"),
            variant=variant,
        ),
        Expectation(
            name="attribution_of_visible_events",
            asset=asset,
            description="There is no conversion event, and no funnel event unless the variant keeps them.",
            rules=none_of("n_hidden"),
            variant=variant,
            parameters={"funnel_rule": profile.variants[variant].funnel},
        ),
        *(
            Expectation(
                name=f"{aggregate}_adds_up",
                asset=f"{variant}/{aggregate}",
                description=(
                    f"Each {group} of the risk set has one row, with as many occurrences as there are attributed events; "
                    "shares lie in [0, 1] and effects inside their intervals."
                ),
                rules=(between("n_groups", 1, None), *none_of("n_not_once", "n_miscounted", "n_out_of_range")),
                variant=variant,
            )
            for aggregate, group in GROUPS.items()
        ),
    ]
