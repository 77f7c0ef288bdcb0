"""What is published of a window: its tables, and the assets they are made by."""

from attribution_dagster.datasets.profile import Profile
from attribution_dagster.graph import (
    AFTER_PUBLICATION,
    AGGREGATES,
    INTERNAL,
    TRAIT_TABLES,
    WITHOUT_EVENTS,
    journey_tables,
    written_tables,
)


def tables(profile: Profile) -> list[str]:
    """The tables of a window that readers see: what the audited assets write, but for those that only other assets read."""
    written = written_tables(profile)
    hidden = {table.format(variant=variant) for table in INTERNAL for variant in profile.variants or ("",)}
    return [table for asset in audited(profile) for table in written.get(asset, ()) if table not in hidden]


def audited(profile: Profile) -> list[str]:
    """The assets a window is published from; their blocking checks must have passed."""
    if profile.kind in WITHOUT_EVENTS:
        return list(WITHOUT_EVENTS[profile.kind])
    made = ["sequence_tensors", "trained_model", "event_attribution", "attribution_statistics"]
    per_variant = [
        *made,
        *AGGREGATES,
        "event_count_rates",
        "method_comparison",
        "attribution_trust",
        "attribution_report",
        "model_card",
    ]
    shared = [
        "sessions",
        "session_funnels",
        "funnel_metrics",
        "session_features",
        "funnel_report",
        "conversion_model",
        "conversion_predictions",
        "conversion_report",
        "sampled_users",
        "suspected_leakage",
    ]
    return [
        *(shared if profile.variants else []),
        *(f"{variant}/{name}" for variant in profile.variants for name in per_variant),
        *_results(profile),
        *_of_journeys(profile),
        *_of_traits(profile),
    ]


def _results(profile: Profile) -> list[str]:
    """The assets over all variants that the dataset has, each with a table of its name."""
    leaked = ["leakage_comparison"] if {"no_funnel", "with_funnel"} <= set(profile.variants) else []
    return leaked + (["findings", "conversion_comparison"] if profile.claiming else [])


def _of_journeys(profile: Profile) -> list[str]:
    """The assets of ad journeys, if the dataset has any; its source and events are not published."""
    if profile.journeys is None:
        return []
    return [*(name for name in journey_tables(profile) if name not in ("source", "events")), "journey_report"]


def _of_traits(profile: Profile) -> list[str]:
    """The assets of customer traits that are published, if the dataset has any."""
    if profile.traits is None:
        return []
    return [*(name for name in TRAIT_TABLES if name not in AFTER_PUBLICATION), "trait_report"]
