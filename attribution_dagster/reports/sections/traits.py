"""Sections on customer traits, and on one customer: the queries of a customer also take `user_id`."""

from attribution_dagster.reports.figures import ads as figures
from attribution_dagster.reports.sections.section import Section, count, number, share, text, usd, yes_no

_WHO = {"trait": count("trait"), "suggested_name": text("suggested name")}
TRAITS = (
    Section(
        name="trait_profiles",
        title="The traits",
        query="trait_profiles",
        needs="trait_profiles",
        asset="trait_profiles",
        reading="What customers have in common, how large it is, and how those who had it before the window convert and spend in it. Names are by rule.",
        columns={
            **_WHO,
            "customers": count("customers"),
            "size_share": share("of all weights"),
            "conversion_rate": share("conversion"),
            "conversion_lift": share("against all"),
            "conversion_lift_low": share("low"),
            "conversion_lift_high": share("high"),
            "spend_usd": usd("spend"),
            "spend_lift_usd": usd("against all"),
            "stability": number("stability"),
            "named_by": text("why it is named so"),
        },
        figure=figures.traits,
    ),
    Section(
        name="trait_items",
        title="What they do",
        query="trait_items",
        needs="trait_items",
        asset="trait_profiles",
        reading="What stands out in each trait: its share of the events of customers of the trait, as a multiple of its share of all events. "
        "Rank goes by what the item adds to the difference from everyone.",
        columns={
            **_WHO,
            "kind": text("kind"),
            "item_rank": count("rank"),
            "item_id": text("item"),
            "category": text("category"),
            "share_in_trait": share("in the trait"),
            "share_in_all": share("in all"),
            "over_representation": number("times as much"),
        },
        figure=figures.trait_items,
    ),
    Section(
        name="recommendation_metrics",
        title="How good recommendations are",
        query="recommendation_metrics",
        needs="recommendation_metrics",
        asset="recommendations",
        reading="Made before the window, judged on it, over the full catalogue, beside simple baselines.",
        columns={
            "method": text("method"),
            "cutoff": count("length of the list"),
            "metric": text("metric"),
            "value": number("value"),
            "value_low": number("low"),
            "value_high": number("high"),
            "n_customers": count("customers"),
            "is_default": yes_no("published"),
        },
    ),
)
CUSTOMERS = Section(
    name="customers",
    title="Customers",
    query="trait_customers",
    needs="customer_traits",
    asset="customer_traits",
    reading="Customers by their largest trait.",
    columns={"user_id": text("customer"), **_WHO, "weight": share("weight"), "is_fallback": yes_no("nothing known")},
    is_paged=True,
)
CUSTOMER = (
    Section(
        name="weights",
        title="Profile",
        query="trait_weights",
        needs="customer_traits",
        asset="customer_traits",
        reading="Shares of the traits in the customer; they sum to 1.",
        columns={
            **_WHO,
            "weight": share("weight"),
            "size_share": share("in all customers"),
            "is_dominant": yes_no("largest"),
        },
    ),
    Section(
        name="similar",
        title="Similar customers",
        query="trait_similar",
        needs="similar_customers",
        asset="similar_customers",
        reading="By the cosine of their traits.",
        columns={
            "similar_rank": count("rank"),
            "similar_user_id": text("customer"),
            "similarity": number("similarity, cosine"),
        },
    ),
    Section(
        name="recommended",
        title="Recommendations",
        query="trait_recommendations",
        needs="recommendations",
        asset="recommendations",
        reading="What has not been bought yet, the first to show first. Scores compare within a customer only.",
        columns={
            "recommendation_rank": count("rank"),
            "product_id": text("product"),
            "score": number("score"),
            "trait": count("trait"),
            "reason": text("why"),
        },
    ),
)
