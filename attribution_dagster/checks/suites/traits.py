"""What is expected of tokens, customers, traits, and what follows from them."""

from dataclasses import replace

from attribution_dagster.checks.expectations import Expectation, between, equal, none_of
from attribution_dagster.datasets.profile import Profile

_ROUNDING = 1e-6
"""Weights by which sums may differ from 1."""
_LEAST_RECALL = 0.95
_LEAST_COVERED = 0.5
NOTHING_BEFORE = "no explained window before it"
TOO_FEW = "too few customers went on to anything"


def traits_suite(profile: Profile) -> list[Expectation]:
    """The suites of the assets of customer traits; none where the dataset has no traits."""
    if profile.traits is None:
        return []
    valid = replace(_RECOMMENDATIONS_VALID, parameters={"item_column": profile.traits.item})
    return [*_LEARNT, *_PROFILED, valid, *_RECOMMENDED, *_CHANGES]


_LEARNT = (
    Expectation(
        name="sentences_counted",
        asset="item2vec",
        description="Sentences and tokens that gensim was given, counted in Python as they were written, equal those counted in SQL; no number is missing.",
        rules=(
            equal("given_sentences", "sentences"),
            equal("given_tokens", "tokens"),
            between("non_finite_vectors", 0, 0),
        ),
        counted_in_sql=False,
        reported={"item2vec": ("given_sentences", "sentences", "given_tokens", "tokens", "non_finite_vectors")},
    ),
    Expectation(
        name="item_tokens_valid",
        asset="item2vec",
        description="A token stands once and occurs; of the profiles tried, where there are any, one was chosen, and its rates are possible.",
        rules=(between("n_tokens", 1, None), *none_of("n_wrong", "n_wrong_profiles")),
    ),
    Expectation(
        name="customers_embedded",
        asset="customer_embeddings",
        description="A customer stands once, with an embedding; shares are possible; each pooling was asked both questions, and one is the default.",
        rules=(
            between("n_customers", 1, None),
            *none_of("n_wrong"),
            between("n_compared", 8, 8),
            between("n_defaults", 1, 1),
        ),
    ),
    Expectation(
        name="customers_covered",
        asset="customer_embeddings",
        description="At least half of what customers did has a vector of its own or of its category.",
        rules=(between("covered_share", _LEAST_COVERED, None),),
        blocking=False,
    ),
    Expectation(
        name="traits_sum_to_one",
        asset="customer_traits",
        description="Every embedded customer, and no other, has traits; a customer's weights lie above 0 and sum to 1, and one is the largest.",
        rules=none_of("n_wrong"),
        parameters={"rounding": _ROUNDING},
    ),
    Expectation(
        name="trait_comparison_complete",
        asset="customer_traits",
        description="One option and number of traits is the default; every figure of it is there, and those that are shares or ranks are possible.",
        rules=(between("n_defaults", 1, 1), between("n_default_figures", 5, 5), *none_of("n_wrong")),
    ),
)
_PROFILED = (
    Expectation(
        name="trait_profiles_complete",
        asset="trait_profiles",
        description="Every trait of a customer has one profile with a name; sizes sum to 1, customers to all, and no interval is the wrong way round.",
        rules=(between("size_difference", -_ROUNDING, _ROUNDING), *none_of("n_wrong", "n_other_customers")),
    ),
    Expectation(
        name="trait_items_valid",
        asset="trait_profiles",
        description="What a trait loads on has shares whose ratio is the over-representation; its examples are customers with the weights they have.",
        rules=none_of("n_wrong", "n_wrong_examples"),
        parameters={"rounding": _ROUNDING},
    ),
    Expectation(
        name="similar_customers_valid",
        asset="similar_customers",
        description="Nobody is alike to himself or to somebody without traits; a pair stands once, ranked by its cosine.",
        rules=none_of("n_wrong"),
        parameters={"rounding": _ROUNDING},
    ),
    Expectation(
        name="similar_customers_found",
        asset="similar_customers",
        description="Of the true neighbours at least .95 are found; exact search finds all.",
        rules=(between("recall", _LEAST_RECALL, 1),),
        counted_in_sql=False,
        reported={"similar_customers": ("recall",)},
    ),
)
_RECOMMENDATIONS_VALID = Expectation(
    name="recommendations_valid",
    asset="recommendations",
    description="Nobody is recommended the same twice, or, of the window, what he has bought; ranks have no gap, and each has a reason.",
    rules=none_of("n_wrong"),
)
_RECOMMENDED = (
    Expectation(
        name="recommendation_metrics_complete",
        asset="recommendations",
        description="Each method, cutoff and metric has one row, possible and with its interval the right way round; one method is the default.",
        rules=(between("n_rows", 30, 30), *none_of("n_repeated", "n_out_of_range"), between("n_defaults", 1, 1)),
    ),
    Expectation(
        name="recommendations_not_worse",
        asset="recommendations",
        description="In NDCG at 10 the recommendations are not clearly worse than popularity or co-occurrence: the gain's interval reaches 0.",
        rules=(between("least_gain_high", 0, None, may_be_unknown=TOO_FEW),),
        blocking=False,
    ),
)
_CHANGES = (
    Expectation(
        name="traits_steady",
        asset="trait_drift",
        description="Every trait is one of the window before (traits.min_similarity); a trait that is new may be the truth.",
        rules=none_of("n_new"),
        blocking=False,
    ),
)
