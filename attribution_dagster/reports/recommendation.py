"""The recommendation as one page, in HTML and in Markdown: whom to target, what it brings, what it assumes, and how to confirm it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from attribution_dagster.core.decision.confirming import ConfirmingTest
from attribution_dagster.core.decision.roi import Point, Policy
from attribution_dagster.core.uplift.metrics import Estimate
from attribution_dagster.datasets.uplift import DecisionSpec
from attribution_dagster.reports.caveats import EXPERIMENT_SENTENCE, SIMULATED_SENTENCE
from attribution_dagster.reports.pages import page_template

SHOWN_SHARES = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)
Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class RecommendationPage:
    """What the page is made of. qini: the row of uplift_metrics of the learner that scored; failed: tests of the experiment."""

    title: str
    window_key: str
    simulated: bool
    treatment: str
    control: str
    scored_on: str
    converts: str
    learner: str
    qini: Row
    failed: Sequence[Row]
    parameters: DecisionSpec
    policy: Policy
    test: ConfirmingTest
    tested_share: float

    def html(self) -> str:
        """One HTML page."""
        return self._render("recommendation.html")

    def markdown(self) -> str:
        """The same in Markdown."""
        return self._render("recommendation.md")

    def _render(self, template: str) -> str:
        note = SIMULATED_SENTENCE if self.simulated else ""
        return page_template(template).render(
            page=self, note=note, caveat=EXPERIMENT_SENTENCE, money=money, within=within
        )

    @property
    def headline(self) -> str:
        """What to do, in one or two sentences with the interval."""
        point = self.policy.recommended
        if point is None:
            best = max(self.policy.points, key=lambda each: each.profit_usd.low)
            return (
                f"Target nobody yet. At no share does the 95 % interval of the profit lie above 0; the best is {best.targeted_share:.0%} "
                f"with {within(best.profit_usd)}."
            )
        return (
            f"Target the {point.targeted_share:.0%} with the highest uplift ({point.targeted_units:,.0f} units): "
            f"{point.incremental_conversions.value:,.0f} conversions more ({point.incremental_conversions.low:,.0f} to "
            f"{point.incremental_conversions.high:,.0f}), profit {within(point.profit_usd)}."
        )

    @property
    def rows(self) -> Sequence[Point]:
        """The curve's points that are shown."""
        shown = {*SHOWN_SHARES, self.policy.recommended_share}
        return [point for point in self.policy.points if point.targeted_share in shown]

    @property
    def evidence(self) -> list[str]:
        """How far the figures may be believed."""
        verdict = "beats" if self.qini["beats_random"] else "does not clearly beat"
        everybody = self.policy.points[-1]
        return [
            f"The score ({self.learner} learner, on {self.scored_on}) {verdict} a random one: Qini over random "
            f"{self.qini['over_random']:+.4f} ({self.qini['over_random_low']:+.4f} to {self.qini['over_random_high']:+.4f}) over "
            f"{self.qini['splits']} splits.",
            f"Contacting everybody earns {within(everybody.profit_usd)}.",
            f"The share itself is uncertain: resampled units recommend {self.policy.share_low:.0%} to {self.policy.share_high:.0%}. Chosen on "
            f"one half of the units and judged on the other, it earns {within(self.policy.honest_profit_usd)}.",
            f"Contacting exactly those whom it persuades would earn between {money(self.policy.perfect_profit_low_usd)} and "
            f"{money(self.policy.perfect_profit_high_usd)}: both outcomes of a unit are never seen, so only bounds are known.",
        ] + [f"The experiment failed {row['test']} ({row['name']}): {row['meaning']}" for row in self.failed]

    @property
    def assumptions(self) -> list[str]:
        """What the figures rest on."""
        known = self.parameters
        return [
            f"A contact costs {money(known.contact_cost_usd)}, whoever is targeted; an incentive {money(known.incentive_usd)}, used by "
            f"{known.redeeming_share:.0%} of the contacted who convert, also those who would have bought anyway.",
            f"One more {self.converts} is worth {money(known.order_value_usd)}; others earn nothing.",
            f"{self._population} units are decided on, like those of the experiment ({self.treatment} against {self.control}).",
            "Units don't influence each other, and the effect will be what it was then.",
            "Intervals are over other units of the same kind. They don't cover a change of season, offer or audience.",
        ]

    @property
    def _population(self) -> str:
        everybody = self.policy.points[-1]
        return f"{everybody.targeted_units / everybody.targeted_share:,.0f}"

    @property
    def confirming(self) -> str:
        """The test that would confirm the effect, in words."""
        if self.test.units_per_arm is None:
            return "No test can be planned: the rates of the two arms are equal, or 0, or 1."
        return (
            f"Contact a random half of the best {self.tested_share:.0%} and hold out the other. To see {self.converts} at "
            f"{self.test.treated_rate:.2%} against {self.test.control_rate:.2%} with power .8 at alpha .05 takes {self.test.units_per_arm:,} "
            f"units per arm; the units of that share, halved, give power {self.test.power_with_targeted:.2f}. Look as often as planned "
            "below and stop only where p falls to its bound: then all looks together are wrong in 5 % at most."
        )


def money(value: float) -> str:
    """Dollars as people write them: cents below $10."""
    sign = "−" if value < 0 else ""
    return f"{sign}${abs(value):,.2f}" if abs(value) < 10 else f"{sign}${abs(value):,.0f}"


def within(estimate: Estimate) -> str:
    """A sum with its interval."""
    return f"{money(estimate.value)} ({money(estimate.low)} to {money(estimate.high)})"
