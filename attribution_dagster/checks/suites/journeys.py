"""What is expected of ad journeys, of the model that reads them, and of what it says ads added."""

from attribution_dagster.checks.expectations import Expectation, between, equal, none_of
from attribution_dagster.checks.suites.model import TOO_FEW_CONVERTED
from attribution_dagster.datasets.profile import Profile

_ROUNDING = 1e-6
"""Purchases by which sums may differ."""


def journeys_suite(profile: Profile) -> list[Expectation]:
    """The suites of the assets of ad journeys; none where the dataset has no journeys."""
    if profile.journeys is None:
        return []
    spec = profile.journeys
    served = [
        Expectation(
            name="auctions_served",
            asset="ad_journeys",
            description="Auctions won have an impression, and impressions an auction that was won, but for a small share (journeys.max_unserved_share).",
            rules=(
                between("unserved_share", 0, spec.max_unserved_share),
                between("unwon_share", 0, spec.max_unserved_share),
            ),
            parameters={"impression_type": spec.impression},
        )
    ]
    control = [
        Expectation(
            name="negative_control_null",
            asset="ad_increments",
            description="The doubly robust and the lost-auction estimate of the negative control hold zero: what does nothing comes out as nothing.",
            rules=none_of("n_not_null"),
            blocking=False,
        )
    ]
    return [
        *(served if spec.auctions else []),
        Expectation(
            name="journeys_counted",
            asset="ad_journeys",
            description="Every user who was seen in the look-back before a day has one journey on it, with the label and the ads counted again from events.",
            rules=(
                *none_of("n_not_once", "n_mislabelled", "n_miscounted"),
                equal("n_journeys", "journeys"),
                equal("n_bought", "bought"),
            ),
            reported={"ad_journeys": ("journeys", "bought")},
            parameters={"look_back_us": spec.look_back_days * 86_400_000_000, "impression_type": spec.impression},
        ),
        Expectation(
            name="clicks_have_impressions",
            asset="ad_journeys",
            description="A click stands in a journey after its impression, and every event lies in the look-back before the day.",
            rules=none_of("n_without_impression", "n_outside_look_back"),
            parameters={"look_back_hours": float(24 * spec.look_back_days)},
        ),
        Expectation(
            name="journey_weights_finite",
            asset="journey_model",
            description="The journey model has no weight that is not a number.",
            rules=none_of("non_finite_weights"),
            counted_in_sql=False,
            reported={"journey_model": ("non_finite_weights",)},
        ),
        Expectation(
            name="journey_metrics_in_range",
            asset="journey_model",
            description="Each predictor has one row; areas and errors lie in [0, 1], and each was measured on all journeys of the window.",
            rules=(between("n_rows", 1, None), *none_of("n_repeated", "n_out_of_range", "n_other_journeys")),
        ),
        Expectation(
            name="journey_calibrated",
            asset="journey_model",
            description="The journey model's probabilities are near observed rates (quality.max_calibration_error).",
            rules=(between("ece", 0, profile.quality.max_calibration_error, may_be_unknown=TOO_FEW_CONVERTED),),
            blocking=False,
        ),
        Expectation(
            name="credit_divided",
            asset="journey_model",
            description="Each rule of credit hands out every purchase that came after ads, once, but for Markov's, which divides them by what removal loses.",
            rules=none_of("n_wrong_sums"),
            parameters={"rounding": _ROUNDING},
        ),
        Expectation(
            name="embeddings_complete",
            asset="journey_model",
            description="Every journey with ads has one embedding and a probability, and no other has.",
            rules=none_of("n_not_once", "n_out_of_range"),
        ),
        Expectation(
            name="credits_add_up",
            asset="ad_counterfactuals",
            description="The campaigns' credit adds up to the increment over no ads; no interval is the wrong way round.",
            rules=(between("difference", -_ROUNDING, _ROUNDING), *none_of("n_repeated", "n_wrong")),
        ),
        Expectation(
            name="event_effects_complete",
            asset="ad_counterfactuals",
            description="Every impression of a journey has one effect, that leaves a probability; grouped by ad type, place and gap they are the same ones.",
            rules=none_of("n_repeated", "n_out_of_range", "n_miscounted"),
        ),
        Expectation(
            name="increments_complete",
            asset="ad_increments",
            description="Each estimator has one row for all ads and at most one for a campaign; intervals are the right way round, and so are bounds.",
            rules=(between("n_estimators", 3, None), *none_of("n_repeated", "n_wrong", "n_wrong_bounds")),
        ),
        *(control if spec.negative_control is not None else []),
        Expectation(
            name="importance_complete",
            asset="feature_importance",
            description="Each feature, value and method has one row, with an effect that is a number and at least one occurrence.",
            rules=(between("n_rows", 1, None), *none_of("n_repeated", "n_wrong")),
        ),
    ]
