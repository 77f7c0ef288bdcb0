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
    """The suite of `event_attribution`, of the statistics, the aggregates, the raw rates and the comparison of methods."""
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
        Expectation(
            name="statistics_add_up",
            asset=f"{variant}/attribution_statistics",
            description=(
                "Each group of the risk set's events has one row, with as many occurrences as there are attributed events; shares, p and q "
                "lie in [0, 1], effects inside their intervals, no q is below its p or without minimum support, and none of them is missing where there are "
                "users enough."
            ),
            rules=(between("n_groups", 1, None), *none_of("n_not_once", "n_miscounted", "n_out_of_range")),
            variant=variant,
        ),
        *(
            Expectation(
                name=f"{aggregate}_adds_up",
                asset=f"{variant}/{aggregate}",
                description=f"Each {group} of the statistics has one row, with the occurrences, effect and q that it has there.",
                rules=(between("n_groups", 1, None), *none_of("n_not_once", "n_different")),
                variant=variant,
            )
            for aggregate, group in GROUPS.items()
        ),
        Expectation(
            name="event_count_rates_add_up",
            asset=f"{variant}/event_count_rates",
            description=(
                "The rows of each event type hold all compared sessions and all that converted, each once; rates lie inside their "
                "intervals."
            ),
            rules=none_of("n_miscounted", "n_repeated", "n_out_of_range"),
            variant=variant,
        ),
        Expectation(
            name="methods_compared",
            asset=f"{variant}/method_comparison",
            description=(
                "Every attribution method is compared with every other once; correlations lie in [-1, 1], agreement in [0, 1]."
            ),
            rules=(equal("sql_methods", "methods"), *none_of("n_not_once", "n_out_of_range")),
            variant=variant,
            reported={f"{variant}/method_comparison": ("methods",)},
        ),
        Expectation(
            name="methods_explain_the_same",
            asset=f"{variant}/method_comparison",
            description="Every method explains each event of the sample once, by finite numbers.",
            rules=(between("n_rows", 1, None), *none_of("n_uneven", "n_no_number")),
            variant=variant,
        ),
        Expectation(
            name="residuals_within_bound",
            asset=f"{variant}/method_comparison",
            description=(
                "Integrated gradients add up to the difference of logits within their bound, in every session of the sample; where not, "
                "1,024 nodes were too few."
            ),
            rules=(between("n_methods", 1, None), *none_of("n_over_bound")),
            blocking=False,
            variant=variant,
        ),
    ]
